package core

import "slices"

// held is a reservation that is not due yet, with its origin.
type held struct {
	Grant

	since Time // when the lane first asked for it
	turns int  // earlier answers without a reservation
}

// cover matches the tasks of a lane, in order, with its reservations: a task gets a reservation of its cost.
type cover struct {
	alike bool // all reservations and tasks have one token: only the number counts
	n     int
	left  []held // for each cost, if costs differ
}

func (n *Lane) cover() cover {
	if n.alike() {
		return cover{alike: true, n: len(n.held)}
	}
	return cover{left: slices.Clone(n.held)}
}

// takes reports whether there is a reservation for a task, and takes it, so that the next task does not get it.
func (c *cover) takes(t *Task) bool {
	if c.alike {
		c.n--
		return c.n >= 0
	}
	i := slices.IndexFunc(c.left, func(g held) bool { return g.Cost == t.Cost })
	if i >= 0 {
		c.left = slices.Delete(c.left, i, i+1)
	}
	return i >= 0
}

// has reports whether there is a reservation of a cost.
func (c *cover) has(cost Cost) bool {
	return c.alike || slices.ContainsFunc(c.left, func(g held) bool { return g.Cost == cost })
}

// trim returns the reservations for which no task is left to the limiter, the latest first.
func (n *Lane) trim() {
	for i := range slices.Backward(n.held) {
		cost, of := n.held[i].Cost, 0
		if n.alike() {
			if len(n.held) <= n.total() {
				return
			}
		} else {
			for _, g := range n.held {
				if g.Cost == cost {
					of++
				}
			}
			if of <= n.waitingOf(cost) {
				continue
			}
		}
		n.giveBack(i)
		n.core.taken--
	}
}

// giveBack returns a reservation to the limiter. The caller gets its slot. The limiter keeps the reservation for the
// next request, so the lane may ask at once, even if it waits in line.
func (n *Lane) giveBack(i int) {
	n.returns(&n.held[i])
	n.drop(i, i+1)
}

func (n *Lane) returns(g *held) {
	n.again = [2]Time{}
	n.core.fx.Return = append(n.core.fx.Return, g.Reservation)
	n.core.report.Returned++
}

// giveAllBack returns all reservations of the lane, with their slots.
func (n *Lane) giveAllBack() {
	for len(n.held) > 0 {
		n.giveBack(len(n.held) - 1)
		n.core.taken--
	}
}

// drop removes reservations from those of the lane.
func (n *Lane) drop(from, to int) {
	for i := from; i < to && n.oddHeld > 0; i++ {
		if n.held[i].Cost != one {
			n.oddHeld--
		}
	}
	n.held = slices.Delete(n.held, from, to)
}

// hold adds reservations, by due time.
func (n *Lane) hold(grants []Grant) {
	for _, g := range grants {
		at := len(n.held)
		for at > 0 && n.held[at-1].Due > g.Due { // a returned reservation may be due before the held ones
			at--
		}
		n.held = slices.Insert(n.held, at, held{g, n.since, n.turns})
		if g.Cost != one {
			n.oddHeld++
		}
	}
}

// start gives each due reservation to the task that is first at that moment.
func (n *Lane) start(now Time) {
	c, due := n.core, 0
	for ; due < len(n.held) && n.held[due].Due <= now; due++ {
		g := &n.held[due]
		t := n.nextOf(g.Cost)
		if t == nil {
			n.returns(g)
			c.taken--
			continue
		}
		if t.state == waiting {
			t.charge()
		}
		n.withdraw(t)
		c.leaveRoom(t)
		queued := t.since
		if t.tries == 0 {
			n.budget.firsts++
			t.first = now
		} else {
			queued = t.NotBefore
		}
		n.pace.add(now)
		t.tries++
		t.state = executing
		t.set(hasSlot)
		n.running++
		c.executing.push(t)
		c.ready.push(Start{
			Task: t, Reservation: g.Reservation, Attempt: int(t.tries), Queued: queued, Asked: g.since, Turns: g.turns,
		})
	}
	if due > 0 {
		n.drop(0, due)
		n.judgeLater()
		n.change()
	}
}

// nextOf returns the first task of a cost. In each class this is a task in front, unless an older task of its share has
// come since. If no task is in front, it is the next task of the queue.
func (n *Lane) nextOf(cost Cost) (best *Task) {
	for rank, t := range n.firstInFront(cost, false) {
		next := n.queue.firstOf(uint8(rank)) //nolint:gosec // three
		if t != nil {
			if next = t.flow.first(); next == nil || t.older(next) {
				next = nil
			}
		}
		if next != nil && next.Cost == cost {
			t = next
		}
		if t != nil && (best == nil || t.comesBefore(best, n.core.cfg.Ageing)) {
			best = t
		}
	}
	return best
}

// firstInFront returns the first task in front of each class, with a given cost or any. There are at most as many tasks
// in front as slots.
func (n *Lane) firstInFront(cost Cost, anyCost bool) (first [ranks]*Task) {
	classes := 0
	for _, count := range n.inFront {
		if count > 0 {
			classes++
		}
	}
	for t := n.front.first; t != nil && classes > 0; t = t.inLane.next {
		if first[t.Rank] == nil && (anyCost || t.Cost == cost) {
			first[t.Rank] = t
			classes--
		}
	}
	return first
}
