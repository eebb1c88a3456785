package evidence

import (
	"net/http"
	"slices"
	"time"
)

// Answer is what an HTTP answer states about the provider's limits.
type Answer struct {
	// Throttled means that the provider refused the call because of a quota: status 429; status 403 with a used-up
	// quota or with a time to wait, as GitHub answers; status 503 with a used-up quota.
	Throttled bool
	// Overloaded means that the provider cannot serve any caller at the moment: status 529, and 503 without a used-up
	// quota. Overloaded has nothing to do with a quota.
	Overloaded bool
	// RetryAfter is how long the provider asks to wait, 0 if unknown. For a throttled answer without Retry-After it is
	// the longest Reset of the quotas that have nothing left or do not state what is left.
	RetryAfter time.Duration
	Quotas     []Quota // what the headers state about each limit; nil if they name no limit
}

// Quota is what an answer states about one limit.
type Quota struct {
	// Name is "requests", "tokens", "input-tokens" or another name that a header has for the limit, or the name of its
	// policy. It has at most 128 bytes, and is "" if the headers have no name. Names are unique, except "".
	Name      string
	Unit      string        // what the policy counts, such as "content-bytes"; "" if not stated, mostly requests
	Limit     int64         // -1 if not stated
	Remaining int64         // -1 if not stated
	Reset     time.Duration // until the limit is whole again; 0 if not stated
	Window    time.Duration // the time to which Limit belongs, at most 366 days; 0 if not stated
}

// Read returns what an answer states about limits. now is the time at which the answer came. A header that cannot be
// read counts as missing.
func Read(status int, h http.Header, now time.Time) Answer {
	fields, date := gather(h)
	c := clockOf(date, now)
	after, asked := retryAfter(fields, c)
	a := Answer{RetryAfter: after, Quotas: quotasOf(fields, c)}
	spent := slices.ContainsFunc(a.Quotas, func(q Quota) bool { return q.Remaining == 0 })
	switch status {
	case http.StatusTooManyRequests:
		a.Throttled = true
	case http.StatusForbidden:
		a.Throttled = spent || after > 0
	case http.StatusServiceUnavailable:
		a.Throttled, a.Overloaded = spent, !spent
	case statusOverloaded:
		a.Overloaded = true
	}
	if a.Throttled && !asked {
		for _, q := range a.Quotas {
			if q.Remaining <= 0 {
				a.RetryAfter = max(a.RetryAfter, q.Reset)
			}
		}
	}
	return a
}

// RetryAfter returns how long the answer asks to wait with Retry-After or a similar header, 0 if it has none. It
// ignores quotas.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	fields, date := gather(h)
	after, _ := retryAfter(fields, clockOf(date, now))
	return after
}

// statusOverloaded is the status of an overloaded Anthropic. It is not registered.
const statusOverloaded = 529
