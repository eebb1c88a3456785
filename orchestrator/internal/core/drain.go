package core

// Stage is how far the end of an orchestrator has come.
type Stage uint8

// The stages of a drain.
const (
	Open        Stage = iota
	Closing           // takes in nothing but tasks of those that execute
	HandingBack       // ends what has not started; nothing is taken in, nothing runs again
	Refusing          // the same where the drain has run out of time: contexts end, nothing starts
	Abandoning        // waits no longer for functions that still run
)

// Report counts what became of tasks during a drain.
type Report struct {
	Ended      int // by themselves
	HandedBack int
	Refused    int // had not started when time ran out
	Cancelled  int // executed then, and returned
	Returned   int // reservations that were given back
}

// Drain goes on to a stage: everybody leaves, some later than others. A stage that has been reached stays.
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
			for t := c.stuck.first; t != nil; t = t.inLane.next { // had timed out
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

// name puts a task into the report as stuck, once.
func (c *Core) name(t *Task) {
	if !t.is(named) {
		t.set(named)
		c.fx.Stuck = append(c.fx.Stuck, t)
	}
}

// outsiders are the tasks that wait for room and that nobody who executes has submitted.
func (c *Core) outsiders() func(func(*Task) bool) {
	var all []*Task
	for _, t := range c.room.outside.all {
		if !t.Child {
			all = append(all, t)
		}
	}
	return each(all)
}

// resters are the tasks that rest.
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

// leaveAll ends the tasks that have not started, and those between two attempts with the error of the last.
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

// count notes how a task ended during a drain.
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

// Report is the report so far.
func (c *Core) Report() Report { return c.report }
