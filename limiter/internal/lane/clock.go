package lane

import (
	"sync"
	"time"
)

// Clock maps the time of the store that keeps the buckets to the local monotonic clock.
//
// A reply that contains now and is received at r proves that the store's now was at r or earlier. The smallest of these
// differences over the last seconds is the best estimate that the round trips allow. It is never too early: a due time
// is never early, and the jitter of a single round trip is removed.
//
// The namespace's own time may stand still for a second. A due time is then early by at most the round trip of its
// reply, and by no more than own time stands still, because the rest until a due time passes after the call was sent.
type Clock struct {
	zero time.Time // of the local monotonic scale; set at construction

	mu        sync.Mutex
	turned    int64    // µs on the local scale at which the current window began
	now, then extremes // of the current window and of the one before
}

// extremes is the smallest and the largest difference of a window, µs; empty if it has seen none.
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

// NewClock returns a clock without replies.
func NewClock() *Clock { return &Clock{zero: time.Now()} }

// Observe takes in a reply: its request was sent at sent, it was received at received, and the store's clock showed now
// in between.
func (c *Clock) Observe(now int64, sent, received time.Time) {
	s, r := sent.Sub(c.zero).Microseconds(), received.Sub(c.zero).Microseconds()
	c.mu.Lock()
	defer c.mu.Unlock()
	switch age := r - c.turned; {
	case age > 2*window.Microseconds():
		c.now, c.then, c.turned = extremes{}, extremes{}, r // the measurements are too old
	case age > window.Microseconds():
		c.now, c.then, c.turned = extremes{}, c.now, r
	}
	if least, _, ok := c.bounds(); ok && now+least < s {
		// The store cannot have shown now before it was asked: its clock stepped back, and the measurements are void.
		c.now, c.then = extremes{}, extremes{}
	}
	c.now.add(r - now)
}

// Renew drops all earlier replies and starts with one that contained now and was received at received: the way to the
// store may be another one.
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

// Local returns the local time of a moment of the store's clock. received is the time of its reply: the result is
// counted from it, so that it also carries the wall clock of this moment.
func (c *Clock) Local(at int64, received time.Time) time.Time {
	c.mu.Lock()
	least, _, _ := c.bounds()
	c.mu.Unlock()
	return received.Add(time.Duration(at+least-received.Sub(c.zero).Microseconds()) * time.Microsecond)
}

// Store returns the moment of the store's clock for a local time, or a round trip before it; 0 before the first reply.
func (c *Clock) Store(now time.Time) int64 {
	c.mu.Lock()
	least, _, ok := c.bounds()
	c.mu.Unlock()
	if !ok {
		return 0
	}
	return max(0, now.Sub(c.zero).Microseconds()-least)
}

// Lead returns how far ahead of the store's now a call should be due so that its reply is not too late to be used. If
// replies take about the same time the result is 0, because a constant delay is part of the mapping. If they vary by
// more than half the slack, the result is their variation. No reservation is due beyond the horizon.
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
