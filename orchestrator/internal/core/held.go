package core

import "slices"

// held is a reservation that is not due yet, and how it came.
type held struct {
	Grant

	since Time // when the lane first asked for it
	turns int  // answers without a reservation before
}

// cover is the reservations of a lane, against which its tasks are held in order: a task of the cost of one of them has it.
type cover struct {
	alike bool // all are of one token, like all tasks: it is the number that counts
	n     int
	left  []held // of each cost, where they differ
}

func (n *Lane) cover() cover {
	if n.alike() {
		return cover{alike: true, n: len(n.held)}
	}
	return cover{left: slices.Clone(n.held)}
}

// takes reports whether there is a reservation for a task. It is not there for the next.
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

// trim gives back the reservations for which no task is left, the latest first.
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

// giveBack returns a reservation to the limiter. Its slot is the caller's. The limiter keeps the reservation for the next
// request, so that the lane may ask at once, also if it waits in line.
func (n *Lane) giveBack(i int) {
	n.returns(&n.held[i])
	n.drop(i, i+1)
}

func (n *Lane) returns(g *held) {
	n.again = [2]Time{}
	n.core.fx.Return = append(n.core.fx.Return, g.Reservation)
	n.core.report.Returned++
}

// giveAllBack gives back what the lane holds, with its slots.
func (n *Lane) giveAllBack() {
	for len(n.held) > 0 {
		n.giveBack(len(n.held) - 1)
		n.core.taken--
	}
}

// drop takes reservations out of those that the lane holds.
func (n *Lane) drop(from, to int) {
	for i := from; i < to && n.oddHeld > 0; i++ {
		if n.held[i].Cost != one {
			n.oddHeld--
		}
	}
	n.held = slices.Delete(n.held, from, to)
}

// hold takes in reservations, by due time.
func (n *Lane) hold(grants []Grant) {
	for _, g := range grants {
		at := len(n.held)
		for at > 0 && n.held[at-1].Due > g.Due { // one that somebody gave back may be due before those that were there
			at--
		}
		n.held = slices.Insert(n.held, at, held{g, n.since, n.turns})
		if g.Cost != one {
			n.oddHeld++
		}
	}
}

// start gives each reservation that is due to the task that is first then.
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

// nextOf is the first task of a cost. Of each class that is one in front, unless an older one of its share has come since, or the
// next one where there is none in front.
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

// firstInFront is the first task in front of each class, of those of a cost, or of any. There are no more tasks there than slots.
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
