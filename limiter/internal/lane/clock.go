package lane

import (
	"sync"
	"time"
)

// Clock maps the time of the store that keeps the buckets to the local monotonic clock.
//
// A reply that says now and is received at r proves that the store's now lay at r or earlier. The smallest of those
// differences over the last seconds is the nearest to the truth that the round trips allow, and never before it: a due
// time is never early, and the jitter of a single round trip drops out.
//
// The namespace's own time may stand still for a second. A due time is early then by at most the round trip of the reply
// that it comes from, and by no more than own time stands still: what is left to a due time passes after the call was sent.
type Clock struct {
	zero time.Time // of the local monotonic scale; set at construction

	mu        sync.Mutex
	turned    int64    // µs on the local scale at which the current window began
	now, then extremes // of the current window and of the one before
}

// extremes is the smallest and the largest difference of a window, µs; empty where it has seen none.
type extremes struct {
	least, most int64
	any         bool
}

func (s *extremes) add(d int64) {
	if !s.any {
		*s = extremes{d, d, true}
		return
	}
	s.least, s.most = min(s.least, d), max(s.most, d)
}

// window is how long a difference counts, once or twice. A local clock that is 100 ppm fast makes a due time early by
// at most 0.4 ms in that time.
const window = 2 * time.Second

// NewClock begins one.
func NewClock() *Clock { return &Clock{zero: time.Now()} }

// Observe takes in a reply that was asked for at sent, received at received, and says that the store's clock showed now
// in between.
func (c *Clock) Observe(now int64, sent, received time.Time) {
	s, r := sent.Sub(c.zero).Microseconds(), received.Sub(c.zero).Microseconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch age := r - c.turned; {
	case age > 2*window.Microseconds():
		c.now, c.then, c.turned = extremes{}, extremes{}, r // what was measured is too old to say anything
	case age > window.Microseconds():
		c.now, c.then, c.turned = extremes{}, c.now, r
	}
	if least, _, ok := c.bounds(); ok && now+least < s {
		// The store cannot have shown now before it was asked: its clock stepped back, and what was measured is void.
		c.now, c.then = extremes{}, extremes{}
	}
	c.now.add(r - now)
}

// Renew has only a reply count from now on that said now and was received at received: the way to the store may be another one.
func (c *Clock) Renew(now int64, received time.Time) {
	r := received.Sub(c.zero).Microseconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now, c.then, c.turned = extremes{}, extremes{}, r
	c.now.add(r - now)
}

func (c *Clock) bounds() (least, most int64, ok bool) {
	switch {
	case c.now.any && c.then.any:
		return min(c.now.least, c.then.least), max(c.now.most, c.then.most), true
	case c.then.any:
		return c.then.least, c.then.most, true
	default:
		return c.now.least, c.now.most, c.now.any
	}
}

// Local returns the local time of a moment of the store's clock. received is that of the reply it comes from: the result
// is counted from it, so that it carries the wall clock of this moment too.
func (c *Clock) Local(at int64, received time.Time) time.Time {
	c.mu.Lock()
	least, _, _ := c.bounds()
	c.mu.Unlock()
	return received.Add(time.Duration(at+least-received.Sub(c.zero).Microseconds()) * time.Microsecond)
}

// Store returns the moment of the store's clock that is a local time, or a round trip before; 0 while it has not been heard of.
func (c *Clock) Store(now time.Time) int64 {
	c.mu.Lock()
	least, _, ok := c.bounds()
	c.mu.Unlock()
	if !ok {
		return 0
	}
	return max(0, now.Sub(c.zero).Microseconds()-least)
}

// Lead is how far ahead of the store's now a call should be due so that its reply is not too late to be used: nothing
// where replies take about the same time, for a constant delay is in the mapping; where they vary by more than half the
// slack, by as much as they do. No reservation is due beyond the horizon.
func (c *Clock) Lead(slack, horizon time.Duration) time.Duration {
	c.mu.Lock()
	least, most, ok := c.bounds()
	stale := time.Since(c.zero).Microseconds()-c.turned > 2*window.Microseconds()
	c.mu.Unlock()
	vary := time.Duration(most-least) * time.Microsecond
	if !ok || stale || vary <= slack/2 {
		return 0
	}
	return min(vary, horizon)
}
