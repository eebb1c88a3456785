package paper

import "time"

// clock maps times of Redis' clock to the clock of a replica, as the limiter does. It adds the smallest difference of the last seconds. On
// paper both clocks are the same, so the difference is the time that a reply was on its way.
type clock struct {
	turned    time.Duration // when the current window began
	now, then extremes      // of the current window and of the previous one
}

// window is the length of a window of differences. A difference counts in its own window and in the next.
const window = 2 * time.Second

// extremes is the smallest and the largest difference of a window.
type extremes struct {
	least, most time.Duration
	any         bool
}

// observe adds the difference of a reply: the time of the decision on Redis' clock, and the time at which the replica received it.
func (c *clock) observe(decided, received time.Duration) {
	switch age := received - c.turned; {
	case age > 2*window:
		c.now, c.then, c.turned = extremes{}, extremes{}, received
	case age > window:
		c.now, c.then, c.turned = extremes{}, c.now, received
	}
	d := received - decided
	if !c.now.any {
		c.now = extremes{d, d, true}
		return
	}
	c.now.least, c.now.most = min(c.now.least, d), max(c.now.most, d)
}

func (c *clock) bounds() (least, most time.Duration, ok bool) {
	switch {
	case c.now.any && c.then.any:
		return min(c.now.least, c.then.least), max(c.now.most, c.then.most), true
	case c.then.any:
		return c.then.least, c.then.most, true
	default:
		return c.now.least, c.now.most, c.now.any
	}
}

// local converts a time of Redis' clock to the clock of the replica.
func (c *clock) local(at time.Duration) time.Duration {
	least, _, _ := c.bounds()
	return at + least
}

// lead is how far after Redis' now a reservation should be due, so that its reply arrives in time.
func (c *clock) lead(now time.Duration) time.Duration {
	least, most, ok := c.bounds()
	if vary := most - least; ok && now-c.turned <= 2*window && vary > slack/2 {
		return min(vary, horizon)
	}
	return 0
}
