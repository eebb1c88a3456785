package limiter

import (
	"sync"
	"time"
)

// clock maps the time of the store that keeps the buckets to the local monotonic clock.
//
// A reply that says now and is received at r proves that the store's now lay at r or earlier. The smallest of those
// differences over the last seconds is the nearest to the truth that the round trips allow, and never before it: a due
// time is never early, and the jitter of a single round trip drops out.
type clock struct {
	mu   sync.Mutex
	zero time.Time // of the local monotonic scale; set at construction
	// guarded by mu
	turned       int64 // µs on the local scale at which the current window began
	newest, last int64 // smallest difference in the current window and in the one before
	seen         bool
	trip         time.Duration // the longest round trip of late; fades by a tenth with each shorter one
}

// window is how long a difference counts, once or twice. A local clock that is 100 ppm fast makes a due time early by
// at most 0.4 ms in that time.
const window = 2 * time.Second

func newClock() *clock { return &clock{zero: time.Now()} }

// local returns the local time of a moment of the store's clock, from a reply that was asked for at sent, received at
// received and says that the store's clock showed now in between.
func (c *clock) local(at, now int64, sent, received time.Time) time.Time {
	s, r := sent.Sub(c.zero).Microseconds(), received.Sub(c.zero).Microseconds()
	offset := r - now

	c.mu.Lock()
	c.trip = max(received.Sub(sent), c.trip*9/10)
	switch {
	case !c.seen || now+min(c.newest, c.last) < s:
		// The store cannot have shown now before it was asked: its clock stepped back, and what was measured is void.
		c.newest, c.last, c.turned, c.seen = offset, offset, r, true
	case r-c.turned > window.Microseconds():
		c.last, c.newest, c.turned = c.newest, offset, r
	default:
		c.newest = min(c.newest, offset)
	}
	offset = min(c.newest, c.last)
	c.mu.Unlock()

	// Counted from received, so that the result carries the wall clock of this moment too.
	return received.Add(time.Duration(at+offset-r) * time.Microsecond)
}

// lead is how far ahead of the store's now a call must be due to be of use when the reply comes: nothing where replies
// are fast beside the slack, else a round trip. Without it, what is granted for now would be late on arrival for ever.
func (c *clock) lead(slack, horizon time.Duration) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.trip <= slack/2 {
		return 0
	}
	return min(c.trip, horizon)
}
