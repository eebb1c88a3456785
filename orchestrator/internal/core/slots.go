package core

// loan is what a task has lent: its goroutines wait for other tasks of the orchestrator, which may need the slot.
type loan struct {
	task   *Task
	lent   int // goroutines that wait
	turn   any // of the one that has waited and wants the slot back; nil if none
	number int64
	place  int32
}

func newResuming() heap[loan] {
	return heap[loan]{
		place:  func(l *loan) *int32 { return &l.place },
		before: func(a, b *loan) bool { return a.number < b.number },
	}
}

// free is how many slots nobody has.
func (c *Core) free() int { return c.cfg.Slots - c.taken }

// runs reports whether the function of a task runs.
func (t *Task) runs() bool { return t.state == executing || t.state == stuck }

// Lend notes that a goroutine of a task waits for other tasks, and reports whether the task has lent its slot by that. ok is
// false where the function of the task does not run.
func (c *Core) Lend(now Time, fx *Effects, t *Task) (lent, ok bool) {
	now = c.begin(now, fx)
	if !t.runs() {
		c.settle(now)
		return false, false
	}
	if t.loan == nil {
		t.loan = &loan{task: t}
	}
	t.loan.lent++
	c.resumed(t.loan, false) // one that wants the slot back goes on without: the task waits again
	if lent = t.is(hasSlot); lent {
		c.leaveSlot(t)
		c.lent++
	}
	c.settle(now)
	return lent, true
}

// Resume notes that the goroutine waits no longer. Its turn is in [Effects.Resumed] once the task has a slot, before all
// tasks that have not begun; at once where it needs none, because another of its goroutines still waits.
func (c *Core) Resume(now Time, fx *Effects, t *Task, turn any) {
	now = c.begin(now, fx)
	l := t.loan
	l.lent--
	l.turn = turn
	c.loans++
	l.number = c.loans
	if t.runs() && l.lent == 0 && !t.is(hasSlot) {
		c.resuming.put(l)
	} else {
		c.resumed(l, false)
	}
	c.settle(now)
}

// ResumeAnyway has the goroutine go on without a slot, because its context has ended. The next slot that would be free is not.
func (c *Core) ResumeAnyway(now Time, fx *Effects, t *Task) {
	now = c.begin(now, fx)
	if l := t.loan; c.resuming.has(l) {
		c.takeSlot(t)
		c.resumed(l, false)
	}
	c.settle(now)
}

// resumed tells the goroutine that wants the slot of a task back to go on, if there is one.
func (c *Core) resumed(l *loan, slot bool) {
	c.resuming.remove(l)
	if l.turn != nil {
		c.fx.Resumed = append(c.fx.Resumed, Turn{l.turn, slot})
		l.turn = nil
	}
}

// resume gives slots to tasks that want theirs back: free ones, then those of reservations. It reports whether it has changed lanes.
func (c *Core) resume() bool {
	for l := c.resuming.first(); l != nil; l = c.resuming.first() {
		if c.free() <= 0 {
			from := c.holding.first()
			if c.free() < 0 || from == nil {
				break
			}
			from.giveBack(len(from.held) - 1)
			c.taken--
			c.holding.keep(from, len(from.held) > 0)
			from.change()
		}
		c.takeSlot(l.task)
		c.resumed(l, true)
	}
	return c.changed != nil
}

func (c *Core) takeSlot(t *Task) {
	t.set(hasSlot)
	c.taken++
	c.lent--
	t.lane.running++
	t.lane.change()
}

func (c *Core) leaveSlot(t *Task) {
	t.clear(hasSlot)
	c.taken--
	t.lane.running--
	t.lane.change()
}

// ask chooses the lane that asks next: the one with the first task of all. It takes slots for the lane. Where no slot is free, a lane that has none takes that of a reservation of another lane which has more
// than one, so that a throttled route delays no other: the reservation goes back to the limiter.
func (c *Core) ask(now Time) {
	n, most := c.wanting.first(), c.free()
	if most <= 0 {
		n, most = c.hungry.first(), 1
		from := c.holding.first()
		from.giveBack(len(from.held) - 1)
		c.taken--
		from.change()
	}
	hurried, _ := n.wants(now)
	want := n.uncovered()
	if hurried {
		want = n.uncoveredUrgent()
	}
	if n.turns == 0 {
		n.since = now
	}
	n.request(min(want, most, n.most-n.holds()), hurried, now)
	c.taken += n.asked
	c.requests++
	n.asking, n.hurried, n.askedAt, n.asks = true, hurried, now, c.requests
	c.asking++
	c.fx.Job.Ask = Ask{Lane: n, Runs: n.runs}
	n.change()
}

// wanted reports whether a lane could ask now.
func (c *Core) wanted() bool {
	if c.free() > 0 {
		return c.wanting.first() != nil
	}
	from := c.holding.first()
	return c.free() == 0 && c.hungry.first() != nil && from != nil && from.holds() > 1
}

// ready is the attempts that nobody has taken yet, in order.
type ready struct {
	all []Start
	at  int
}

func (r *ready) push(s Start) { r.all = append(r.all, s) }
func (r *ready) len() int     { return len(r.all) - r.at }

func (r *ready) pop() (s Start) {
	s, r.all[r.at] = r.all[r.at], Start{}
	if r.at++; r.at == len(r.all) {
		r.all, r.at = r.all[:0], 0
	}
	return s
}
