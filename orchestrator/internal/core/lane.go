package core

import (
	"time"
)

// Lane is the queue of one route, and the reservations for its tasks. Tasks for which the lane has asked are in front
// of the queue. A reservation belongs to the lane: when it is due, the first task of its cost takes it.
type Lane struct {
	Route string // fixed

	core    *Core
	most    int // slots that the lane may take
	queue   queue
	front   list
	inFront [ranks]int // tasks in front, by class
	running int        // tasks that have a slot
	asked   int        // slots for the reservations of the present request
	asking  bool
	hurried bool    // the request is for urgent tasks
	held    []held  // reservations not due yet, by due time; each has a slot
	runs    []Run   // of the request
	wanted  []*Task // the tasks of the request
	costs   map[Cost]int
	odd     int // tasks of another cost than one token
	named   int // odd tasks whose costs differ between buckets
	oddHeld int // reservations of such a cost

	askedAt Time    // when the lane made the request
	since   Time    // when it made the first request after its last reservation
	turns   int     // requests since then
	again   [2]Time // until when it waits in line, for ordinary and for urgent tasks
	pause   Time    // the wait after the last failure of the limiter
	shut    Time    // no request before this time
	reason  string
	gathers bool // the last request got all its reservations at once
	trip    Time // the longest time of recent requests
	line    line
	budget  budget
	pace    pace
	tasks   int  // tasks of the route that have not ended, and functions that still run
	idle    Time // since when the lane has had no work

	virtual                                Time  // of its first task, while the lane wants to ask
	asks                                   int64 // the number of its last request, for turns between lanes
	wake                                   Time
	next                                   *Lane // in the list of changed lanes
	changed                                bool
	inWanting, inHungry, inHolding, inWake int32
}

// The pace at which a lane asks.
const (
	soonest   = Time(time.Millisecond)       // the least time between two requests of a lane in line
	recheck   = Time(5 * time.Second)        // the greatest: so the lane learns of pauses, resumes and new rates
	firstTry  = Time(50 * time.Millisecond)  // after a failure of the limiter
	lastTry   = Time(time.Second)            // the longest wait after a failure
	lateness  = Time(5 * time.Millisecond)   // of timers and goroutines
	together  = Time(250 * time.Millisecond) // tasks whose ages differ by at most this count as one age
	idleAfter = Time(time.Minute)
)

var one = Cost{Tokens: 1} //nolint:gochecknoglobals // a constant

func (n *Lane) total() int { return n.queue.len + n.front.len }

// holds returns how many slots the lane has, for any purpose.
func (n *Lane) holds() int { return n.running + n.asked + len(n.held) }

// uncovered returns how many tasks have neither a reservation nor a request for one.
func (n *Lane) uncovered() int { return n.total() - n.asked - len(n.held) }

// change marks the lane as changed, so that the end of the input settles it.
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

// withdraw removes a waiting task.
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

// count updates the numbers of tasks with another cost than one token.
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

// alike reports whether all tasks and reservations have one token: then only their numbers count.
func (n *Lane) alike() bool { return n.odd == 0 && n.oddHeld == 0 }

// waitingOf returns how many tasks of a cost wait.
func (n *Lane) waitingOf(c Cost) int {
	if c == one {
		return n.total() - n.odd
	}
	return n.costs[c]
}

// settle updates all state that depends on a changed lane.
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

// wakes returns when the lane next needs attention, 0 for never.
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
