package upstream

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers returns the headers of an answer to a call of an API that was judged at now; at is the same moment on the
// wall clock. They state what is left, in every dialect of Config.Headers, and for a refused call Retry-After. There
// are none for an accepted call without a dialect.
func (j *Judge) Headers(api API, now time.Duration, at time.Time, v Verdict) http.Header {
	h := make(http.Header)
	j.cfg.writeHeaders(h, api, at, j.Remaining(api, now), v)
	return h
}

// writeHeaders states what is left in every dialect of the configuration, as of the moment of the verdict.
func (c Config) writeHeaders(h http.Header, api API, at time.Time, left []State, v Verdict) {
	least, found := tightest(left)
	for _, d := range c.Headers {
		switch d {
		case HeadersAnthropic:
			if api == Anthropic {
				anthropicState(h, at, left)
			}
		case HeadersIETF:
			ietfState(h, left)
		default:
			if found {
				oneState(h, d, at, least)
			}
		}
	}
	if !v.OK {
		retryAfter(h, c.Headers, at, v.RetryAfter)
	}
}

// tightest returns the limit of calls of which least is left; of two equal limits the longer one.
func tightest(states []State) (least State, found bool) {
	for _, s := range states {
		if s.Unit != Requests {
			continue
		}
		if !found || s.Remaining < least.Remaining || s.Remaining == least.Remaining && s.Reset > least.Reset {
			least, found = s, true
		}
	}
	return least, found
}

// oneState writes the dialects that state a single limit.
func oneState(h http.Header, d Dialect, at time.Time, s State) {
	limit, remaining, reset := number(s.Limit), number(s.Remaining), number(up(s.Reset, time.Second))
	x := func(reset string) {
		h.Set("X-RateLimit-Limit", limit)
		h.Set("X-RateLimit-Remaining", remaining)
		h.Set("X-RateLimit-Reset", reset)
	}
	switch d {
	case HeadersXSeconds:
		x(reset)
	case HeadersXDuration:
		x((time.Duration(up(s.Reset, time.Millisecond)) * time.Millisecond).String())
	case HeadersXRFC3339:
		x(second(at, s.Reset).Format(time.RFC3339))
	case HeadersXEpoch:
		x(number(second(at, s.Reset).Unix()))
	case HeadersIETFList:
		h.Set("RateLimit", "limit="+limit+", remaining="+remaining+", reset="+reset)
	case HeadersIETFFields, HeadersIETFWindow:
		if d == HeadersIETFWindow {
			limit += ";w=" + number(up(s.Per, time.Second))
		}
		h.Set("RateLimit-Limit", limit)
		h.Set("RateLimit-Remaining", remaining)
		h.Set("RateLimit-Reset", reset)
	}
}

func ietfState(h http.Header, states []State) {
	var policies, items []string
	for _, s := range states {
		if s.Unit == Requests {
			policies = append(policies, fmt.Sprintf("%q;q=%d;w=%d", s.Name, s.Limit, up(s.Per, time.Second)))
			items = append(items, fmt.Sprintf("%q;r=%d;t=%d", s.Name, s.Remaining, up(s.Reset, time.Second)))
		}
	}
	h.Set("RateLimit-Policy", strings.Join(policies, ", "))
	h.Set("RateLimit", strings.Join(items, ", "))
}

func anthropicState(h http.Header, at time.Time, states []State) {
	set := func(name string, s State) {
		prefix := "Anthropic-Ratelimit-" + name
		h.Set(prefix+"-Limit", number(s.PerMinute))
		h.Set(prefix+"-Remaining", number(s.Remaining))
		h.Set(prefix+"-Reset", second(at, s.Reset).Format(time.RFC3339))
	}
	if least, found := tightest(states); found {
		set("Requests", least)
	}
	var sum State
	for _, s := range states {
		switch s.Name {
		case "input-tokens", "output-tokens":
			set(s.Name, s)
			sum.PerMinute += s.PerMinute
			sum.Remaining += s.Remaining
			sum.Reset = max(sum.Reset, s.Reset)
			set("Tokens", sum)
		case "tokens": // the last of them
			set("Tokens", s)
		}
	}
}

// up returns d in a unit, rounded up.
func up(d, unit time.Duration) int64 { return ceilDiv(int64(d), int64(unit)) }

// second returns the first full second that is not before at + d.
func second(at time.Time, d time.Duration) time.Time {
	return at.Add(d + time.Second - 1).UTC().Truncate(time.Second)
}

func number(n int64) string { return strconv.FormatInt(n, 10) }
