package core

import "slices"

// Arrive queues tasks of one route, all or none. If g is not nil, the tasks may leave together with the other tasks of
// g; another group of the same key may replace g. Errors: [ErrClosed], [*FullError].
func (c *Core) Arrive(now Time, fx *Effects, route string, g *Group, tasks []*Task) error {
	now = c.begin(now, fx)
	if len(tasks) == 0 {
		c.settle(now)
		return nil
	}
	if c.stage >= HandingBack || c.stage == Closing && !tasks[0].Child {
		c.settle(now)
		return ErrClosed
	}
	n, before := c.lane(route, now), c.arrivals
	if err := c.makeRoom(now, n, tasks); err != nil {
		c.settle(now)
		return err
	}
	if g != nil {
		g = c.group(g)
	}
	for _, t := range tasks {
		c.arrivals++
		t.lane, t.since, t.number = n, now, c.arrivals
		c.live++
		n.tasks++
		if g != nil {
			g.add(t)
		}
		c.enterRoom(t)
		if t.NotBefore > now {
			t.state = resting
			c.resting.put(t)
			continue
		}
		n.enter(t)
	}
	for _, t := range tasks { // after all have arrived, because a group leaves as a whole
		if t.Deadline > 0 && t.state == waiting {
			n.judgeOnArrival(t, now)
		}
	}
	c.settle(now)
	// The callers do not know yet that these tasks have waited for room.
	fx.Admitted = slices.DeleteFunc(fx.Admitted, func(t *Task) bool { return t.number > before })
	return nil
}

// ArriveAgain makes a waiting task more urgent, and releases it if its caller held it back.
func (c *Core) ArriveAgain(now Time, fx *Effects, t *Task, rank uint8) {
	now = c.begin(now, fx)
	switch {
	case t.state == resting && t.tries == 0:
		c.rank(t, rank)
		c.letGo(t)
	case rank < t.Rank && (t.state == waiting || t.state == asked):
		t.lane.withdraw(t)
		c.rank(t, rank)
		t.lane.enter(t)
	case rank < t.Rank && t.state == resting:
		c.rank(t, rank)
	}
	c.settle(now)
}

// Answer processes the limiter's answer to a request.
func (c *Core) Answer(now Time, fx *Effects, n *Lane, a *Answer) {
	now = c.begin(now, fx)
	n.answer(a, now)
	c.settle(now)
}

// Shut stops all starts of a route until a time, for a reason. A time in the past opens the route.
func (c *Core) Shut(now Time, fx *Effects, route string, until Time, reason string) {
	now = c.begin(now, fx)
	c.lane(route, now).shutUntil(until, reason, now)
	c.settle(now)
}

// Finish processes the end of an attempt.
func (c *Core) Finish(now Time, fx *Effects, t *Task, r Result) {
	now = c.begin(now, fx)
	if t.is(hasSlot) {
		c.leaveSlot(t)
	} else {
		c.lent--
	}
	if t.loan != nil {
		c.resumed(t.loan, false)
	}
	switch {
	case t.state == stuck:
		c.stuck.remove(t)
		t.state = over
		c.gone(t)
	case r.Late && !t.is(left) && c.stage < HandingBack:
		c.executing.remove(t)
		if t.tries--; t.tries == 0 {
			t.first = 0
			t.lane.budget.firsts = max(0, t.lane.budget.firsts-1)
		}
		if r.After > 0 {
			c.restUntil(t, r.Err, now+r.After)
			break
		}
		c.counts.Late++
		c.takeRoom(t)
		t.lane.enter(t)
	default:
		c.executing.remove(t)
		why := r.Err
		if r.Late {
			t.tries--
			why = t.why
			if why == nil && c.stage == HandingBack {
				why = ErrHandedBack
			} else if why == nil {
				why = ErrClosed
			}
		}
		if !c.rest(t, &r, now) {
			c.end(t, why, now)
			t.state = over
			c.gone(t)
		}
	}
	c.settle(now)
}

// Leave ends a task that has not started, or that is between two attempts. A task that executes gets the end of its
// context directly, and is not tried again.
func (c *Core) Leave(now Time, fx *Effects, t *Task, why error) {
	now = c.begin(now, fx)
	c.leave(t, why)
	c.settle(now)
}

// LeaveTogether is [Core.Leave] of all tasks of a group.
func (c *Core) LeaveTogether(now Time, fx *Effects, g *Group, why error) {
	now = c.begin(now, fx)
	for t := g.first; t != nil; t = g.first {
		c.leaveGroup(t)
		c.leave(t, why)
	}
	c.settle(now)
}

// GiveUp ends a task whose function still runs. The slot is free when the function has returned. GiveUp reports whether
// the task was executing the attempt of the given number.
func (c *Core) GiveUp(now Time, fx *Effects, t *Task, attempt int, why error) bool {
	now = c.begin(now, fx)
	ok := t.state == executing && int(t.tries) == attempt
	if ok {
		c.giveUp(t, why, now)
	}
	c.settle(now)
	return ok
}

// Tick processes the passing of time. A new worker calls it first.
func (c *Core) Tick(now Time, fx *Effects) {
	now = c.begin(now, fx)
	if fx.Worker {
		c.waking = false
	}
	for n := c.wakes.first(); n != nil && n.wake <= now; n = c.wakes.first() {
		c.wakes.remove(n)
		n.pass(now)
	}
	c.goOn(now)
	c.settle(now)
}

func (c *Core) giveUp(t *Task, why error, now Time) {
	t.givenUp = true
	c.executing.remove(t)
	c.stuck.push(t)
	c.end(t, why, now)
	t.state = stuck
}

func (c *Core) leave(t *Task, why error) {
	switch t.state {
	case waiting, asked:
		t.lane.withdraw(t)
	case resting:
		c.resting.remove(t)
	case executing:
		if !t.is(left) {
			t.set(left)
			t.why = why
		}
		return
	default:
		return
	}
	t.roomy = !t.is(outside)
	c.leaveRoom(t)
	c.end(t, why, c.now)
	t.state = over
	c.gone(t)
}

// end records how a task ended.
func (c *Core) end(t *Task, why error, now Time) {
	t.why, t.ended = why, max(now, t.since)
	c.leaveGroup(t)
	c.count(why)
	c.fx.end(t)
}

// gone records that a task has ended and its function has returned.
func (c *Core) gone(t *Task) {
	c.live--
	t.lane.tasks--
	t.lane.change()
}

// rank makes a task that is in no queue more urgent, if the given class is.
func (c *Core) rank(t *Task, rank uint8) {
	if rank >= t.Rank {
		return
	}
	if t.is(outside) {
		c.room.outside.remove(t)
		t.Rank = rank
		c.room.outside.put(t)
		return
	}
	was, is := &c.room.byRank[t.Rank], &c.room.byRank[rank]
	was.n, was.weight = was.n-1, was.weight-t.Weight
	is.n, is.weight = is.n+1, is.weight+t.Weight
	t.Rank = rank
	if c.room.sheddable.has(t) {
		c.room.sheddable.put(t)
	}
}
