package core

// budget bounds the retries of a route: a token bucket filled by first attempts, or by time if that is more.
type budget struct {
	tokens float64
	firsts int // first attempts since then
	at     Time
}

const (
	budgetRatio = 0.1 // of first attempts
	budgetFloor = 1.0 // a second
	budgetBurst = 10.0
)

// take pays for a retry, if it can.
func (b *budget) take(now Time) bool {
	earned := max(budgetRatio*float64(b.firsts), budgetFloor*(now-b.at).Seconds())
	b.tokens, b.firsts, b.at = min(budgetBurst, b.tokens+earned), 0, now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// rest lets a task wait for another attempt and returns true. It returns false if there is no further attempt.
func (c *Core) rest(t *Task, r *Result, now Time) bool {
	at := now + r.After
	switch {
	case !r.Again || t.tries >= t.Attempts || t.is(left) || c.stage >= HandingBack:
		return false
	case t.Deadline > 0 && t.Deadline <= at:
		return false
	case !r.Throttled && !t.lane.budget.take(now):
		t.spent = true
		return false
	}
	c.counts.Retried++
	c.restUntil(t, r.Err, at)
	return true
}

// restUntil makes a task wait until its next attempt may be asked for. If the task ends before, it ends with the error
// of its last attempt.
func (c *Core) restUntil(t *Task, why error, at Time) {
	t.why, t.state, t.NotBefore = why, resting, at
	c.takeRoom(t) // even if there is none: the task was accepted before
	c.resting.put(t)
}

// goOn queues the tasks whose rest has ended.
func (c *Core) goOn(now Time) {
	for t := c.resting.first(); t != nil && t.NotBefore <= now; t = c.resting.first() {
		c.letGo(t)
	}
}

func (c *Core) letGo(t *Task) {
	c.resting.remove(t)
	t.why = nil
	t.lane.enter(t)
}
