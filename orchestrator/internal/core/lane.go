package core

import (
	"slices"
	"time"
)

// Lane is the queue of one route, and the reservations that were asked for its tasks. The tasks that it has asked for are
// in front of the queue. A reservation belongs to the lane: the first task of its cost takes it when it is due.
type Lane struct {
	Route string // fixed

	core    *Core
	most    int // slots that it may take
	queue   queue
	front   list
	inFront [ranks]int // tasks in front, by class
	running int        // tasks that have a slot
	asked   int        // slots for the reservations that are being asked for
	asking  bool
	hurried bool    // that is for urgent tasks
	held    []held  // not due yet, by due time; each has a slot
	runs    []Run   // of the request
	wanted  []*Task // that it is for
	costs   map[Cost]int
	odd     int // tasks of another cost than one token
	oddHeld int // reservations of such a cost

	askedAt Time    // when the lane made the request
	since   Time    // when it made the first since it last got something
	turns   int     // requests since then
	again   [2]Time // it waits in line until then, with its ordinary and with its urgent tasks
	pause   Time    // after the last failure of the limiter
	shut    Time    // asks for nothing before
	reason  string
	gathers bool // the last request brought all that it asked for, at once
	trip    Time // how long requests take, at most, of late
	line    line
	budget  budget
	pace    pace
	tasks   int  // of the route that have not ended, and functions that still run
	idle    Time // since when there has been nothing to do

	virtual                                Time  // of its first task, while it wants to ask
	asks                                   int64 // the number of its last request, for turns between lanes
	wake                                   Time
	next                                   *Lane // in the list of those that have changed
	changed                                bool
	inWanting, inHungry, inHolding, inWake int32
}

// held is a reservation that is not due yet, and how it came.
type held struct {
	Grant

	since Time // when the lane first asked for it
	turns int  // answers without a reservation before
}

// The pace at which a lane asks.
const (
	soonest   = Time(time.Millisecond)       // the least time between two requests of a lane in line
	recheck   = Time(5 * time.Second)        // the greatest: so it hears of pauses, resumes and new rates
	firstTry  = Time(50 * time.Millisecond)  // after a failure of the limiter
	lastTry   = Time(2 * time.Second)        // at most
	lateness  = Time(5 * time.Millisecond)   // of timers and goroutines
	together  = Time(250 * time.Millisecond) // tasks whose ages differ by no more count as one
	idleAfter = Time(time.Minute)
)

var one = Cost{Tokens: 1} //nolint:gochecknoglobals // a constant

func (n *Lane) total() int { return n.queue.len + n.front.len }

// holds is how many slots the lane has, one way or another.
func (n *Lane) holds() int { return n.running + n.asked + len(n.held) }

// uncovered is how many tasks have no reservation on its way.
func (n *Lane) uncovered() int { return n.total() - n.asked - len(n.held) }

// change has the lane settled when the input ends.
func (n *Lane) change() {
	if !n.changed {
		n.changed, n.next, n.core.changed = true, n.core.changed, n
	}
}

// enter queues a task.
func (n *Lane) enter(t *Task) {
	n.queue.push(t)
	n.count(t.Cost, 1)
	if t.Deadline > 0 {
		n.line.deadlines.put(t)
	}
	n.change()
}

// withdraw takes a task out that waits.
func (n *Lane) withdraw(t *Task) {
	if t.state == asked {
		n.front.remove(t)
		n.inFront[t.Rank]--
		t.flow.front -= t.Cost.Tokens
	} else {
		n.queue.remove(t)
	}
	n.count(t.Cost, -1)
	n.line.deadlines.remove(t)
	n.change()
}

// count keeps the number of tasks of each cost other than one token.
func (n *Lane) count(c Cost, by int) {
	if c == one {
		return
	}
	if n.costs == nil {
		n.costs = map[Cost]int{}
	}
	n.odd += by
	if n.costs[c] += by; n.costs[c] == 0 {
		delete(n.costs, c)
	}
}

// alike reports whether all tasks and reservations are of one token: then it is their number that counts.
func (n *Lane) alike() bool { return n.odd == 0 && n.oddHeld == 0 }

// waitingOf is how many tasks of a cost wait.
func (n *Lane) waitingOf(c Cost) int {
	if c == one {
		return n.total() - n.odd
	}
	return n.costs[c]
}

// settle brings everything in line with a lane that has changed.
func (n *Lane) settle(now Time) {
	c := n.core
	n.trim()
	_, ok := n.wants(now)
	if ok {
		n.virtual = n.firstVirtual()
	}
	c.wanting.keep(n, ok)
	c.hungry.keep(n, ok && n.holds() == 0)
	c.holding.keep(n, len(n.held) > 0)
	n.wake = n.wakes(now)
	c.wakes.keep(n, n.wake > 0)
	if n.total() == 0 && n.holds() == 0 {
		n.idle = now
	}
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

// giveBack gives back a reservation. Its slot is the caller's. The limiter keeps the reservation for the next who asks, so
// that asking is worth it, whatever the line.
func (n *Lane) giveBack(i int) {
	n.again = [2]Time{}
	n.core.fx.Return = append(n.core.fx.Return, n.held[i].Reservation)
	n.core.report.Returned++
	n.drop(i)
}

// giveAllBack gives back what the lane holds, with its slots.
func (n *Lane) giveAllBack() {
	for len(n.held) > 0 {
		n.giveBack(len(n.held) - 1)
		n.core.taken--
	}
}

// drop takes a reservation out of those that the lane holds.
func (n *Lane) drop(i int) {
	if n.held[i].Cost != one {
		n.oddHeld--
	}
	n.held = slices.Delete(n.held, i, i+1)
}

// wants reports whether the lane should ask now, and whether for its urgent tasks alone.
func (n *Lane) wants(now Time) (hurried, ok bool) {
	if n.asking || n.uncovered() <= 0 || n.holds() >= n.most || n.shut > now || n.core.stage >= Refusing {
		return false, false
	}
	if n.again[1] == 0 && n.uncoveredUrgent() > 0 {
		return true, true
	}
	return false, n.again[0] == 0 && n.gathersUntil(now) == 0
}

// uncoveredUrgent is how many urgent tasks have no reservation on its way: those that are go to urgent tasks first.
func (n *Lane) uncoveredUrgent() int {
	urgent := n.queue.classes[Urgent].len + n.inFront[Urgent]
	if urgent == 0 {
		return 0
	}
	if n.alike() || n.asked > 0 {
		return min(n.uncovered(), urgent-n.asked-len(n.held))
	}
	left, uncovered := slices.Clone(n.held), 0
	for t := n.front.first; t != nil; t = t.inLane.next {
		if t.Rank != Urgent {
			continue
		}
		if i := slices.IndexFunc(left, func(g held) bool { return g.Cost == t.Cost }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			uncovered++
		}
	}
	return uncovered + max(0, n.queue.classes[Urgent].len-len(left))
}

// gathersUntil is how long it is worth waiting before the next request, 0 if it is not: what the request brings is due
// behind what the lane holds, so that it may come just before the last of that, for all tasks and slots that there are by
// then. Where there is a line it is better to stand in it.
func (n *Lane) gathersUntil(now Time) Time {
	if !n.gathers || len(n.held) == 0 {
		return 0
	}
	if until := n.held[len(n.held)-1].Due - lateness - 2*n.trip; until > now {
		return until
	}
	return 0
}

// wakes is when the lane has to be looked at again, 0 for never.
func (n *Lane) wakes(now Time) Time {
	at := never
	if len(n.held) > 0 {
		at = max(1, n.held[0].Due)
	}
	if n.uncovered() > 0 && !n.asking {
		for _, until := range [...]Time{n.again[0], n.again[1], n.gathersUntil(now), n.shut} {
			if until > 0 {
				at = min(at, until)
			}
		}
	}
	if at == never {
		return 0
	}
	return at
}

// firstVirtual is the virtual time of the first task of the lane.
func (n *Lane) firstVirtual() Time {
	at := never
	for _, t := range n.firstInFront(one, true) {
		if t != nil {
			at = min(at, t.virtual(n.core.cfg.Ageing))
		}
	}
	if t := n.queue.first(n.core.cfg.Ageing); t != nil {
		at = min(at, t.virtual(n.core.cfg.Ageing))
	}
	return at
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

// request takes out of the queue the tasks that the lane asks for next, at most so many, and says so in runs of equal ones.
// Those in front for which it holds nothing come first.
func (n *Lane) request(most int, hurried bool, now Time) {
	n.runs = n.runs[:0]
	alike, skip, covered := n.alike(), len(n.held), n.held
	if !alike {
		covered = slices.Clone(n.held)
	}
	take := func(t *Task) {
		if alike {
			if skip > 0 {
				skip--
				return
			}
		} else if i := slices.IndexFunc(covered, func(g held) bool { return g.Cost == t.Cost }); i >= 0 {
			covered = slices.Delete(covered, i, i+1)
			return
		}
		most--
		n.asked++
		n.wanted = append(n.wanted, t)
		n.add(t, hurried, now)
	}
	for _, urgent := range [...]bool{true, false} { // reservations that are there go to urgent tasks first
		for t := n.front.first; t != nil && most > 0; t = t.inLane.next {
			if (t.Rank == Urgent) == urgent && (urgent || !hurried) {
				take(t)
			}
		}
	}
	for most > 0 {
		t := n.queue.first(n.core.cfg.Ageing)
		if hurried {
			t = n.queue.firstOf(Urgent)
		}
		if t == nil {
			break
		}
		var before *Task // one that came back to the queue, or came late, goes before the younger ones of its share
		for u := n.front.last; u != nil && t.flow.front > 0 && (u.flow != t.flow || t.older(u)); u = u.inLane.prev {
			if u.flow == t.flow {
				before = u
			}
		}
		n.queue.take(t)
		n.front.insert(t, before)
		t.state = asked
		t.flow.front += t.Cost.Tokens
		n.inFront[t.Rank]++
		take(t)
	}
	// The limiter serves the older first. The order here is that of classes and turns: who comes before an older task takes the
	// older one's place.
	for i := len(n.runs) - 2; i >= 0; i-- {
		n.runs[i].Since = min(n.runs[i].Since, n.runs[i+1].Since)
	}
}

// add adds a task to the runs of a request. Tasks whose ages differ by no more than a quarter, or by a quarter of a second, are
// of one age.
func (n *Lane) add(t *Task, hurried bool, now Time) {
	since := n.fleetAge(t.since)
	if i := len(n.runs) - 1; i >= 0 && n.runs[i].Cost == t.Cost {
		r := &n.runs[i]
		if older, younger := min(r.Since, since), max(r.Since, since); younger-older <= max(together, (now-older)/4)/2 {
			r.N++
			r.Since = older
			return
		}
	}
	n.runs = append(n.runs, Run{N: 1, Cost: t.Cost, Since: since, Urgent: hurried})
}

// fleetAge is when a task arrived, for the fleet, which serves older calls first: half way to the time since when its lane has been
// asking. So an old task comes before young ones of other replicas; and replicas with equal work take turns, while by arrival
// alone the one whose thousand tasks came a moment before those of the others would be served before all of them.
func (n *Lane) fleetAge(since Time) Time { return since + (n.since-since)/2 }

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
	c := n.core
	for len(n.held) > 0 && n.held[0].Due <= now {
		g := n.held[0]
		n.change()
		t := n.nextOf(g.Cost)
		if t == nil {
			n.giveBack(0)
			c.taken--
			continue
		}
		n.drop(0)
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
