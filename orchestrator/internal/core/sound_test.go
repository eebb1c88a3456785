package core

import "fmt"

// sound returns what is wrong with the structure of a core: broken lists and heaps, a task in two places, wrong sums.
func sound(c *Core) error {
	s := &soundness{core: c, seen: map[*Task]string{}}
	s.list("executing", &c.executing, executing)
	s.list("stuck", &c.stuck, stuck)
	for _, t := range c.resting.all {
		s.see(t, "resting", resting)
	}
	for route, n := range c.lanes {
		s.lane(route, n)
	}
	whole(s, "wanting", &c.wanting)
	whole(s, "hungry", &c.hungry)
	whole(s, "holding", &c.holding)
	whole(s, "wakes", &c.wakes)
	whole(s, "resting", &c.resting)
	whole(s, "resuming", &c.resuming)
	whole(s, "outside", &c.room.outside)
	if c.cfg.Full == Shed {
		whole(s, "sheddable", &c.room.sheddable)
	}
	s.room()
	s.slots()
	s.groups()
	return s.wrong
}

type soundness struct {
	core  *Core
	seen  map[*Task]string
	wrong error
}

func (s *soundness) say(format string, args ...any) {
	if s.wrong == nil {
		s.wrong = fmt.Errorf(format, args...)
	}
}

func (s *soundness) eq(what string, got, want int64) {
	if got != want {
		s.say("%s: %d, want %d", what, got, want)
	}
}

// see notes where a task is.
func (s *soundness) see(t *Task, where string, want state) {
	if was, ok := s.seen[t]; ok {
		s.say("task %d is in %s and in %s", t.number, was, where)
	}
	s.seen[t] = where
	if t.state != want {
		s.say("task %d is in %s with state %d, want %d", t.number, where, t.state, want)
	}
}

func (s *soundness) list(what string, l *list, want state) {
	var before *Task
	n := 0
	for t := l.first; t != nil; t = t.inLane.next {
		s.see(t, what, want)
		if t.inLane.prev != before {
			s.say("list %s: task %d has another before it", what, t.number)
			return
		}
		before = t
		n++
	}
	if l.last != before {
		s.say("list %s has another last", what)
	}
	s.eq("length of "+what, int64(l.len), int64(n))
}

// whole checks that each value of a heap knows its place, and comes before its children.
func whole[T any](s *soundness, what string, h *heap[T]) {
	for i, v := range h.all {
		s.eq("place in heap "+what, int64(*h.place(v)), int64(i+1))
		if i > 0 && h.before(v, h.all[(i-1)/2]) {
			s.say("heap %s: value %d comes before its parent", what, i)
		}
	}
}

func (s *soundness) lane(route string, n *Lane) {
	s.list("front of "+route, &n.front, asked)
	total, odd, inFront, deadlines := 0, 0, map[*flow]int64{}, 0
	costs := map[Cost]int{}
	note := func(t *Task) {
		if t.lane != n {
			s.say("task %d is in another lane", t.number)
		}
		if t.Cost != one {
			odd++
			costs[t.Cost]++
		}
		if t.Deadline > 0 {
			deadlines++
			if !n.line.deadlines.has(t) {
				s.say("task %d has a deadline that its lane does not know", t.number)
			}
		}
	}
	for t := n.front.first; t != nil; t = t.inLane.next {
		inFront[t.flow] += t.Cost.Tokens
		note(t)
	}
	for r := range n.queue.classes {
		c := &n.queue.classes[r]
		whole(s, "active of "+route, &c.active)
		sum := 0
		for share, f := range c.flows {
			s.eq("front of share "+share, f.front, inFront[f])
			s.list("share "+share, &f.tasks, waiting)
			whole(s, "back of share "+share, &f.back)
			for t := f.tasks.first; t != nil; t = t.inLane.next {
				if t.is(again) || t.inLane.next != nil && !t.older(t.inLane.next) {
					s.say("task %d has the wrong place in its share", t.number)
				}
				note(t)
			}
			for _, t := range f.back.all {
				s.see(t, "back of share "+share, waiting)
				if !t.is(again) {
					s.say("task %d is back, but does not know it", t.number)
				}
				note(t)
			}
			if c.active.has(f) != (f.len() > 0) {
				s.say("share %s of %s takes turns: %t, with %d tasks", share, route, c.active.has(f), f.len())
			}
			sum += f.len()
		}
		s.eq("tasks of a class of "+route, int64(c.len), int64(sum))
		total += sum
	}
	s.eq("tasks of "+route, int64(n.queue.len), int64(total))
	s.eq("deadlines of "+route, int64(len(n.line.deadlines.all)), int64(deadlines))
	whole(s, "deadlines of "+route, &n.line.deadlines)
	s.eq("odd costs of "+route, int64(n.odd), int64(odd))
	for cost, of := range costs {
		s.eq("tasks of a cost of "+route, int64(n.costs[cost]), int64(of))
	}
	odd = 0
	for i, g := range n.held {
		if g.Cost != one {
			odd++
		}
		if i > 0 && g.Due < n.held[i-1].Due {
			s.say("reservations of %s are not in order", route)
		}
	}
	s.eq("odd reservations of "+route, int64(n.oddHeld), int64(odd))
	if n.changed {
		s.say("lane %s is not settled", route)
	}
}

// room checks the sums of the waiting tasks.
func (s *soundness) room() {
	r := &s.core.room
	pending, weight := int64(0), int64(0)
	var byRank [ranks]struct{ n, weight int64 }
	for t := range s.seen {
		switch t.state {
		case waiting, asked, resting:
		default:
			continue
		}
		if t.is(outside) {
			if !r.outside.has(t) {
				s.say("task %d waits for room, and is not among those who do", t.number)
			}
			continue
		}
		pending++
		weight += t.Weight
		byRank[t.Rank].n++
		byRank[t.Rank].weight += t.Weight
		if s.core.cfg.Full == Shed && !r.sheddable.has(t) {
			s.say("task %d cannot be shed", t.number)
		}
	}
	s.eq("pending", int64(r.pending), pending)
	s.eq("weight", r.weight, weight)
	if r.byRank != byRank {
		s.say("by rank %v, want %v", r.byRank, byRank)
	}
	if s.core.cfg.Full == Shed {
		s.eq("sheddable", int64(len(r.sheddable.all)), pending)
	}
}

// slots checks that each is counted once.
func (s *soundness) slots() {
	c := s.core
	taken, lent, running := 0, 0, map[*Lane]int{}
	for t := range s.seen {
		switch {
		case t.is(hasSlot):
			taken++
			running[t.lane]++
		case t.state == executing || t.state == stuck:
			lent++
		}
	}
	asking := 0
	for _, n := range c.lanes {
		s.eq("running of "+n.Route, int64(n.running), int64(running[n]))
		taken += n.asked + len(n.held)
		if n.asking {
			asking++
		}
	}
	s.eq("taken", int64(c.taken), int64(taken))
	s.eq("lent", int64(c.lent), int64(lent))
	s.eq("asking", int64(c.asking), int64(asking))
	s.eq("live", int64(c.live), int64(len(s.seen)))
	executes := 0
	for t := range s.seen {
		if t.state == executing && t.is(hasSlot) {
			executes++
		}
	}
	look := c.Look(c.now)
	s.eq("running in the state", int64(look.Slots.Running), int64(executes))
	s.eq("lent in the state", int64(look.Slots.Lent), int64(lent))
	s.eq("free in the state", int64(look.Slots.Free), int64(max(0, c.cfg.Slots-taken)))
}

func (s *soundness) groups() {
	in := map[*Group]int{}
	for t := range s.seen {
		if t.group != nil {
			in[t.group]++
		}
	}
	for key, g := range s.core.groups {
		n := 0
		for t := g.first; t != nil; t = t.inAll.next {
			n++
			if t.group != g {
				s.say("task %d is in another group", t.number)
			}
		}
		s.eq(fmt.Sprintf("tasks of group %v", key), int64(n), int64(in[g]))
		if n == 0 {
			s.say("group %v is empty", key)
		}
		delete(in, g)
	}
	if len(in) > 0 {
		s.say("tasks of %d groups that are not watched", len(in))
	}
}
