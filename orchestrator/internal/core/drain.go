package core

// Stage is how far the end of an orchestrator has come.
type Stage uint8

// The stages of a drain.
const (
	Open        Stage = iota
	Closing           // accepts only tasks that executing tasks submit
	HandingBack       // ends tasks that have not started; accepts and retries none
	Refusing          // the same when the drain has run out of time: contexts end, no task starts
	Abandoning        // no longer waits for functions that still run
)

// Report counts how tasks ended during a drain.
type Report struct {
	Ended      int // on their own
	HandedBack int
	Refused    int // had not started when time ran out
	Cancelled  int // executed then, and returned
	Returned   int // reservations that went back to the limiter
}

// Drain moves the core to a stage. The core never goes back to an earlier stage.
func (c *Core) Drain(now Time, fx *Effects, to Stage) {
	now = c.begin(now, fx)
	if c.stage == Open {
		c.report = Report{}
	}
	for c.stage < to {
		c.stage++
		switch c.stage {
		case Closing:
			c.refusing = true
			for t := range c.outsiders() {
				c.leave(t, ErrClosed)
			}
			c.refusing = false
			for t := range c.resters() {
				if t.tries == 0 { // its caller held it back
					c.letGo(t)
				}
			}
		case HandingBack:
			if to == HandingBack {
				c.leaveAll(ErrHandedBack)
			}
		case Refusing:
			c.refusing = true
			c.leaveAll(ErrClosed)
			c.refusing = false
			for _, l := range [...]*list{&c.executing, &c.stuck} {
				for t := l.first; t != nil; t = t.inLane.next {
					c.fx.Cancel = append(c.fx.Cancel, t)
				}
			}
		case Abandoning:
			for t := c.stuck.first; t != nil; t = t.inLane.next { // timed out earlier
				c.name(t)
			}
			for t := c.executing.first; t != nil; t = c.executing.first {
				c.giveUp(t, ErrStuck, now)
				c.name(t)
			}
			c.fx.GivenUp = true
		case Open:
		}
	}
	c.settle(now)
}

// name adds a task to the report as stuck, once.
func (c *Core) name(t *Task) {
	if !t.is(named) {
		t.set(named)
		c.fx.Stuck = append(c.fx.Stuck, t)
	}
}

// outsiders returns the tasks that wait for room and that no executing task has submitted.
func (c *Core) outsiders() func(func(*Task) bool) {
	var all []*Task
	for _, t := range c.room.outside.all {
		if !t.Child {
			all = append(all, t)
		}
	}
	return each(all)
}

// resters returns the tasks that rest.
func (c *Core) resters() func(func(*Task) bool) { return each(append([]*Task(nil), c.resting.all...)) }

func each(all []*Task) func(func(*Task) bool) {
	return func(yield func(*Task) bool) {
		for _, t := range all {
			if !yield(t) {
				return
			}
		}
	}
}

// leaveAll ends tasks that have not started. It ends tasks between two attempts with the error of their last attempt.
func (c *Core) leaveAll(why error) {
	for _, n := range c.lanes {
		for t := n.front.first; t != nil; t = n.front.first {
			c.leave(t, why)
		}
		for t := n.queue.first(c.cfg.Ageing); t != nil; t = n.queue.first(c.cfg.Ageing) {
			c.leave(t, why)
		}
	}
	for t := range c.resters() {
		if t.why != nil {
			c.leave(t, t.why)
		} else {
			c.leave(t, why)
		}
	}
}

// count counts how a task ended during a drain.
func (c *Core) count(why error) {
	r := &c.report
	switch { // compared as they are: errors of tasks are code of others
	case c.stage == Open || why == ErrStuck: //nolint:errorlint // see above
	case why == ErrHandedBack: //nolint:errorlint // see above
		r.HandedBack++
	case c.refusing:
		r.Refused++
	case c.stage >= Refusing:
		r.Cancelled++
	default:
		r.Ended++
	}
}

// Report returns the report so far.
func (c *Core) Report() Report { return c.report }
