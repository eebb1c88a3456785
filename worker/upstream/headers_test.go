package upstream_test

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

// reported is what a client reads from the fields of one limit.
type reported struct {
	limit, remaining int64
	reset            time.Duration // from now
}

// reading parses a dialect by hand. The dialect rounds times up to the unit.
type reading struct {
	dialect upstream.Dialect
	unit    time.Duration
	read    func(*testing.T, http.Header) reported
}

func whole(t *testing.T, text string) int64 {
	t.Helper()
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		t.Errorf("%q is no number", text)
	}
	return n
}

func seconds(t *testing.T, text string) time.Duration {
	t.Helper()
	return time.Duration(whole(t, text)) * time.Second
}

func until(t *testing.T, layout, text string) time.Duration {
	t.Helper()
	at, err := time.Parse(layout, text)
	if err != nil {
		t.Error(err)
	}
	return time.Until(at)
}

// matched returns the numbers in a text of a known form.
func matched(t *testing.T, form, text string) (out []int64) {
	t.Helper()
	parts := regexp.MustCompile("^" + form + "$").FindStringSubmatch(text)
	if parts == nil {
		t.Fatalf("%q is not %q", text, form)
	}
	for _, part := range parts[1:] {
		out = append(out, whole(t, part))
	}
	return out
}

func readings() []reading {
	triple := func(prefix string, reset func(*testing.T, string) time.Duration) func(*testing.T, http.Header) reported {
		return func(t *testing.T, h http.Header) reported {
			return reported{whole(t, h.Get(prefix+"Limit")), whole(t, h.Get(prefix+"Remaining")), reset(t, h.Get(prefix+"Reset"))}
		}
	}
	rfc3339 := func(t *testing.T, text string) time.Duration { return until(t, time.RFC3339, text) }
	return []reading{
		{upstream.HeadersXSeconds, time.Second, triple("X-RateLimit-", seconds)},
		{upstream.HeadersXDuration, ms, triple("X-RateLimit-", func(t *testing.T, text string) time.Duration {
			d, err := time.ParseDuration(text)
			if err != nil {
				t.Error(err)
			}
			return d
		})},
		{upstream.HeadersXRFC3339, time.Second, triple("X-RateLimit-", rfc3339)},
		{upstream.HeadersXEpoch, time.Second, triple("X-RateLimit-", func(t *testing.T, text string) time.Duration {
			return time.Until(time.Unix(whole(t, text), 0))
		})},
		{upstream.HeadersIETF, time.Second, func(t *testing.T, h http.Header) reported {
			policy := matched(t, `"total";q=(\d+);w=(\d+)`, h.Get("RateLimit-Policy"))
			state := matched(t, `"total";r=(\d+);t=(\d+)`, h.Get("RateLimit"))
			if policy[1] != 20 {
				t.Errorf("window of %d s, want the 20 s in which 10 tokens come at one each 2 s", policy[1])
			}
			return reported{policy[0], state[0], time.Duration(state[1]) * time.Second}
		}},
		{upstream.HeadersIETFList, time.Second, func(t *testing.T, h http.Header) reported {
			n := matched(t, `limit=(\d+), remaining=(\d+), reset=(\d+)`, h.Get("RateLimit"))
			return reported{n[0], n[1], time.Duration(n[2]) * time.Second}
		}},
		{upstream.HeadersIETFFields, time.Second, triple("RateLimit-", seconds)},
		{upstream.HeadersIETFWindow, time.Second, func(t *testing.T, h http.Header) reported {
			n := matched(t, `(\d+);w=(\d+)`, h.Get("RateLimit-Limit"))
			if n[1] != 20 {
				t.Errorf("window of %d s, want 20", n[1])
			}
			return reported{n[0], whole(t, h.Get("RateLimit-Remaining")), seconds(t, h.Get("RateLimit-Reset"))}
		}},
	}
}

// TestDialects reads every dialect back, on accepted and on refused calls, and compares it with a judge that decides
// about the same calls.
func TestDialects(t *testing.T) {
	for _, r := range readings() {
		t.Run(string(r.dialect), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := upstream.Config{Total: upstream.Limit{Rate: 0.5, Burst: 10}, Headers: []upstream.Dialect{r.dialect}}
				sim, start := server(t, cfg), time.Now()
				judge, err := upstream.NewJudge(cfg)
				if err != nil {
					t.Fatal(err)
				}
				for i := range 14 {
					time.Sleep(123 * ms)
					h := one[upstream.LastFM](t, sim).Header()
					judge.Arrive(upstream.LastFM, time.Since(start), upstream.Call{})
					is := judge.Remaining(upstream.LastFM, time.Since(start))[0]
					got := r.read(t, h)
					if got.limit != 10 || got.remaining != is.Remaining {
						t.Errorf("call %d: %+v, want 10 and %d left", i, got, is.Remaining)
					}
					if d := got.reset - is.Reset; d < 0 || d >= r.unit {
						t.Errorf("call %d: reset in %v, want %v rounded up to %v", i, got.reset, is.Reset, r.unit)
					}
				}
				if judge.Remaining(upstream.LastFM, time.Since(start))[0].Remaining != 0 {
					t.Error("the calls do not use the whole limit")
				}
			})
		})
	}
}

// TestAnthropicDialect: every answer of Anthropic has the fields for requests and tokens, and no other answer has them.
func TestAnthropicDialect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := tokenLimits(upstream.ChargeHeld)
		cfg.Tokens.Input.PerMinute = 6 // so that input tokens are full later than output tokens
		cfg.Headers = []upstream.Dialect{upstream.HeadersAnthropic}
		cfg.PerAPI = limits(upstream.Anthropic, upstream.Limit{Rate: 0.5, Burst: 3})
		sim, start := server(t, cfg), time.Now()
		judge, err := upstream.NewJudge(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 5 {
			time.Sleep(100 * ms)
			res := one[upstream.Anthropic](t, sim)
			now := time.Since(start)
			call := upstream.Call{Input: 1, MaxTokens: 100} // "hi" is one token
			verdict := judge.Arrive(upstream.Anthropic, now, call)
			state := make(map[string]upstream.State)
			for _, s := range judge.Remaining(upstream.Anthropic, now) {
				state[s.Name] = s
			}
			if verdict.OK {
				judge.End(upstream.Anthropic, now, call, used(t, res))
			}
			in, out := state["input-tokens"], state["output-tokens"]
			want := map[string]upstream.State{
				"Requests": state["anthropic"], "Input-Tokens": in, "Output-Tokens": out,
				"Tokens": {PerMinute: in.PerMinute + out.PerMinute, Remaining: in.Remaining + out.Remaining, Reset: max(in.Reset, out.Reset)},
			}
			for name, w := range want {
				get := func(part string) string {
					return res.Header().Get(fmt.Sprintf("anthropic-ratelimit-%s-%s", name, part))
				}
				if whole(t, get("limit")) != w.PerMinute || whole(t, get("remaining")) != w.Remaining {
					t.Errorf("call %d, %s: limit %s, remaining %s, want %d a minute and %d", i, name, get("limit"), get("remaining"), w.PerMinute, w.Remaining)
				}
				if d := until(t, time.RFC3339, get("reset")) - w.Reset; d < 0 || d >= time.Second {
					t.Errorf("call %d, %s: reset %s, which is %v after %v", i, name, get("reset"), d, w.Reset)
				}
			}
			if refused := i >= 3; refused != (res.Code == 429) || verdict.OK == refused {
				t.Errorf("call %d: status %d, verdict %+v", i, res.Code, verdict)
			}
		}
		if h := one[upstream.Spotify](t, sim).Header(); h.Get("Anthropic-Ratelimit-Requests-Limit") != "" {
			t.Errorf("Spotify answers with the headers %v, want none of Anthropic", h)
		}
	})
}

// TestRetryAfterForms: the wait of a refusal in every form, never too early.
func TestRetryAfterForms(t *testing.T) {
	seconds := func(t *testing.T, h http.Header) time.Duration { return seconds(t, h.Get("Retry-After")) }
	date := func(layout string) func(*testing.T, http.Header) time.Duration {
		return func(t *testing.T, h http.Header) time.Duration { return until(t, layout, h.Get("Retry-After")) }
	}
	for _, tc := range []struct {
		dialects []upstream.Dialect
		unit     time.Duration
		read     func(*testing.T, http.Header) time.Duration
	}{
		{nil, time.Second, seconds},
		{[]upstream.Dialect{upstream.RetrySeconds}, time.Second, seconds},
		{[]upstream.Dialect{upstream.RetryIMF}, time.Second, date("Mon, 02 Jan 2006 15:04:05 GMT")},
		{[]upstream.Dialect{upstream.RetryRFC850}, time.Second, date("Monday, 02-Jan-06 15:04:05 GMT")},
		{[]upstream.Dialect{upstream.RetryASCTIME}, time.Second, date("Mon Jan _2 15:04:05 2006")},
		{[]upstream.Dialect{upstream.RetryMS}, time.Second, seconds},
		{[]upstream.Dialect{upstream.RetryMS, upstream.RetryIMF}, ms, func(t *testing.T, h http.Header) time.Duration {
			return time.Duration(whole(t, h.Get("retry-after-ms"))) * ms
		}},
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := server(t, upstream.Config{Total: upstream.Limit{Rate: 0.3, Burst: 1}, Headers: tc.dialects})
			time.Sleep(1234567 * time.Microsecond)
			one[upstream.Spotify](t, sim)
			time.Sleep(100*ms + 1)
			res := one[upstream.Spotify](t, sim)
			parsed, err := http.ParseTime(res.Header().Get("Retry-After"))
			if dated := len(tc.dialects) > 0 && err == nil; dated && time.Until(parsed) < 0 {
				t.Errorf("%v: the date has passed", tc.dialects)
			}
			wait := 3_333_333_334*time.Nanosecond - 100*ms - 1
			if d := tc.read(t, res.Header()) - wait; res.Code != 429 || d < 0 || d >= tc.unit {
				t.Errorf("%v: status %d, %v after the wait of %v", tc.dialects, res.Code, d, wait)
			}
		})
	}
}

// TestLongRetryAfter: the answer to a refused call asks to wait for a day, in every form, although the limit has room at once.
func TestLongRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := server(t, upstream.Config{
			Total: upstream.Limit{Rate: 1, Burst: 1}, RetryAfter: map[upstream.API]time.Duration{upstream.Spotify: 24 * time.Hour},
			Headers: []upstream.Dialect{upstream.RetryMS, upstream.HeadersXSeconds},
		})
		one[upstream.Spotify](t, sim)
		h := one[upstream.Spotify](t, sim).Header()
		got := []string{h.Get("Retry-After"), h.Get("Retry-After-Ms"), h.Get("X-RateLimit-Reset")}
		if diff := cmp.Diff([]string{"86400", "86400000", "1"}, got); diff != "" {
			t.Errorf("Retry-After, in ms, and reset (-want +got):\n%s", diff)
		}
		if got := one[upstream.LastFM](t, sim).Header().Get("Retry-After"); got != "1" {
			t.Errorf("Last.fm answers Retry-After %q, want 1", got)
		}
		time.Sleep(time.Second)
		if code := one[upstream.Spotify](t, sim).Code; code != 200 {
			t.Errorf("status %d a second later, want 200", code)
		}
	})
}
