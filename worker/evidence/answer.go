package evidence

import (
	"net/http"
	"slices"
	"time"
)

// Answer is what an answer says about the provider's limits.
type Answer struct {
	// Throttled means that the provider refused the call because of a quota: status 429; status 403 with a quota of
	// which nothing remains or with a time to wait, as GitHub answers; status 503 with a quota of which nothing remains.
	Throttled bool
	// Overloaded means that the provider cannot serve anybody at the moment: status 529, and 503 otherwise. That says
	// nothing about a quota.
	Overloaded bool
	// RetryAfter is how long the provider asks to wait, 0 where it does not say. Of a throttled answer without
	// Retry-After it is the longest Reset of the quotas that have nothing left or do not say what is left.
	RetryAfter time.Duration
	Quotas     []Quota // what the headers say of each limit; nil where they name none
}

// Quota is what an answer says about one limit.
type Quota struct {
	// Name is "requests", "tokens", "input-tokens" or another name that a header has for it, or the name of its
	// policy. It is "" where the headers have no name, of at most 128 bytes, and no two quotas have the same name but "".
	Name      string
	Unit      string        // what is counted, as a policy says: "content-bytes"; "" where it does not, which mostly means requests
	Limit     int64         // -1 where the answer does not say
	Remaining int64         // -1 where the answer does not say
	Reset     time.Duration // until the limit is whole again; 0 where the answer does not say
	Window    time.Duration // the time to which Limit belongs, at most 366 days; 0 where the answer does not say
}

// Read returns what an answer with this status and these headers says that came at now. A header that cannot be read
// counts as one that is not there.
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

// RetryAfter returns how long the answer asks to wait with Retry-After or a header like it, 0 where it has none. It does
// not look at quotas.
func RetryAfter(h http.Header, now time.Time) time.Duration {
	fields, date := gather(h)
	after, _ := retryAfter(fields, clockOf(date, now))
	return after
}

// statusOverloaded is what Anthropic answers when it is overloaded. The status is not registered.
const statusOverloaded = 529
