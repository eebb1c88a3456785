package paper

import "time"

// clock maps times of Redis' clock to the clock of a replica by the smallest difference of the last seconds, as the limiter does. On paper
// both clocks are one, so that the difference is how long a reply was on its way.
type clock struct {
	turned    time.Duration // when the current window began
	now, then extremes      // of the current window and of the one before
}

// window is how long a difference counts, once or twice.
const window = 2 * time.Second

// extremes is the smallest and the largest difference of a window.
type extremes struct {
	least, most time.Duration
	any         bool
}

// observe takes in a reply that was decided at one time and received at another.
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

// local is when the replica takes a moment of Redis' clock to be.
func (c *clock) local(at time.Duration) time.Duration {
	least, _, _ := c.bounds()
	return at + least
}

// lead is how far ahead of Redis' now a call should be due so that its reply is not too late to be used.
func (c *clock) lead(now time.Duration) time.Duration {
	least, most, ok := c.bounds()
	if vary := most - least; ok && now-c.turned <= 2*window && vary > slack/2 {
		return min(vary, horizon)
	}
	return 0
}
