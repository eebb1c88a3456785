package core

// loan is the lent slot of a task: its goroutines wait for other tasks of the orchestrator, which may need the slot.
type loan struct {
	task   *Task
	lent   int // goroutines that wait
	turn   any // of the goroutine that has waited and wants the slot back; nil if none
	number int64
	place  int32
}

func newResuming() heap[loan] {
	return heap[loan]{
		place:  func(l *loan) *int32 { return &l.place },
		before: func(a, b *loan) bool { return a.number < b.number },
	}
}

// free returns the number of free slots.
func (c *Core) free() int { return c.cfg.Slots - c.taken }

// runs reports whether the function of a task runs.
func (t *Task) runs() bool { return t.state == executing || t.state == stuck }

// Lend records that a goroutine of a task waits for other tasks, and reports whether the task has lent its slot by this
// call. ok is false if the function of the task does not run.
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
	c.resumed(t.loan, false) // a goroutine that wants the slot back continues without: the task waits again
	if lent = t.is(hasSlot); lent {
		c.leaveSlot(t)
		c.lent++
	}
	c.settle(now)
	return lent, true
}

// Resume records that the goroutine no longer waits. Its turn is in [Effects.Resumed] once the task has a slot, before
// all tasks that have not begun. The turn comes at once if the task needs no slot, because another of its goroutines
// still waits.
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

// ResumeAnyway lets the goroutine continue without a slot, because its context has ended. The next slot to be freed
// makes up for it.
func (c *Core) ResumeAnyway(now Time, fx *Effects, t *Task) {
	now = c.begin(now, fx)
	if l := t.loan; c.resuming.has(l) {
		c.takeSlot(t)
		c.resumed(l, false)
	}
	c.settle(now)
}

// resumed lets the goroutine that wants the slot of a task back continue, if there is one.
func (c *Core) resumed(l *loan, slot bool) {
	c.resuming.remove(l)
	if l.turn != nil {
		c.fx.Resumed = append(c.fx.Resumed, Turn{l.turn, slot})
		l.turn = nil
	}
}

// resume gives slots to tasks that want their slots back: free slots first, then slots of reservations. It reports
// whether it has changed lanes.
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

// ask chooses the lane that asks next: the lane with the first task of all. It takes slots for the lane. If no slot is
// free, a lane without a slot takes the slot of a reservation from a lane with more than one slot; the reservation goes
// back to the limiter. So a throttled route delays no other route.
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

// ready holds the attempts that no worker has taken yet, in order.
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
