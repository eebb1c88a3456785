package core

import (
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
	named   int // of these, tasks whose costs differ between buckets
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

// The pace at which a lane asks.
const (
	soonest   = Time(time.Millisecond)       // the least time between two requests of a lane in line
	recheck   = Time(5 * time.Second)        // the greatest: so it hears of pauses, resumes and new rates
	firstTry  = Time(50 * time.Millisecond)  // after a failure of the limiter
	lastTry   = Time(time.Second)            // at most
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
	if c.Of != "" {
		n.named += by
	}
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
