package orchestrator

import (
	"time"

	"github.com/weir-go/weir/limiter"
)

// lane is the queue of one route and the reservations that were asked for its tasks. Everything but o, route and most is
// guarded by the orchestrator's mu.
type lane struct {
	o     *Orchestrator
	route string
	most  int      // slots that it may take
	plain *options // of tasks without options

	queue   classQueue
	running int           // tasks that have a slot
	asked   int           // slots for the reservations that are being asked for
	asking  bool          // a call is under way
	urgent  bool          // that call is for urgent tasks
	held    []held        // not due yet, by due time; each has a slot
	again   [2]time.Time  // stands in line until then, as an ordinary caller and as an urgent one; zero if not
	turns   int           // calls since the last that brought something
	since   int64         // when the first of those was made
	gathers bool          // the last call brought all that was asked for, at once
	trip    time.Duration // how long calls take at most, of late
	timer   *time.Timer
	rings   time.Time // when the timer does, zero if it does not
	tasks   int       // that refer to it: they have not ended
	swept   bool      // forgotten: who comes later takes another
	latest  int64     // when the last task came
	idleAt  int64     // since when there has been nothing to do
	budget  budget    // of retries
	starts  rate      // of tasks

	wanting, holding place
}

// held is a reservation that is not due yet, and how it came.
type held struct {
	*limiter.Reservation

	since int64 // when it was first asked for
	turns int   // calls before the one that brought it
}

// heardAgain bounds how long a lane stands in line without asking: so it hears of pauses, resumes and new rates.
const heardAgain = 5 * time.Second

// soonest is the least time between two calls of a lane that stands in line.
const soonest = time.Millisecond

func (o *Orchestrator) laneLocked(route string) *lane {
	if n := o.lanes[route]; n != nil {
		return n
	}
	o.sweepLocked()
	n := &lane{o: o, route: route, most: o.cfg.Slots, budget: newBudget(o.now())}
	if most := o.cfg.RouteSlots[route]; most > 0 {
		n.most = min(n.most, most)
	}
	n.plain = &options{lane: n, route: route, name: plainName}
	n.wanting.n, n.holding.n = n, n
	o.lanes[route] = n
	return n
}

// sweepLocked forgets lanes that have had nothing to do for a minute, when there are twice as many as the last time:
// routes made at run time come and go.
func (o *Orchestrator) sweepLocked() {
	const few, long = 64, int64(time.Minute)
	if len(o.lanes) < few || len(o.lanes) < 2*o.swept {
		return
	}
	now := o.now()
	for route, n := range o.lanes {
		if n.idle() && now-n.idleAt > long {
			delete(o.lanes, route)
			n.swept = true
		}
	}
	o.swept = len(o.lanes)
}

func (n *lane) idle() bool {
	return n.tasks == 0 && n.holds() == 0 && !n.asking && n.rings.IsZero()
}

// holds is how many slots the lane has taken, one way or another.
func (n *lane) holds() int { return n.running + n.asked + len(n.held) }

// uncovered is how many tasks have no reservation on its way.
func (n *lane) uncovered() int { return n.queue.len - n.asked - len(n.held) }

// hurried is how many of these are urgent: the reservations that are on their way go to urgent tasks first.
func (n *lane) hurried() int {
	return min(n.uncovered(), n.queue.lists[Urgent.rank()].len-n.asked-len(n.held))
}

// ask is what a lane would ask for, if anything: ordinary reservations, or urgent ones.
func (n *lane) ask() (urgent, ok bool) {
	switch {
	case n.asking || n.uncovered() <= 0 || n.holds() >= n.most || n.o.drain.given:
		return false, false
	case n.hurried() > 0 && n.again[1].IsZero():
		return true, true
	default:
		return false, n.again[0].IsZero() && n.gatherUntil().IsZero()
	}
}

// gatherUntil is how long it is worth waiting before the next call, zero if it is not: what it brings is due behind what
// there is, so that it may come just before the last of that, for all the tasks and slots that there are by then. Where
// there is a line it is better to stand in it.
func (n *lane) gatherUntil() time.Time {
	if !n.gathers || len(n.held) == 0 {
		return time.Time{}
	}
	const spare = 5 * time.Millisecond // for timers and goroutines to be late
	until := n.held[len(n.held)-1].Due().Add(-spare - 2*n.trip)
	if time.Until(until) <= 0 {
		return time.Time{}
	}
	return until
}

// movedLocked brings everything in line with a lane in which something has changed: reservations without tasks are given
// back, the lane is among those that want a slot or it is not, and its timer is set.
func (n *lane) movedLocked() {
	n.trimLocked()
	_, ok := n.ask()
	n.o.wanting.keep(&n.wanting, ok)
	n.o.holding.keep(&n.holding, len(n.held) > 0)
	n.setTimerLocked()
	if n.queue.len == 0 && n.holds() == 0 {
		n.idleAt = n.o.now()
	}
}

// trimLocked gives back the reservations for which no task is left, the latest first, and frees their slots.
func (n *lane) trimLocked() {
	for len(n.held) > n.queue.len {
		n.giveBackLocked()
		n.o.slots.leave()
	}
}

// giveBackLocked gives back the reservation that is due last. Its slot is the caller's. The limiter keeps it for the
// next who asks: that is worth asking for, whatever the line.
func (n *lane) giveBackLocked() {
	n.again = [2]time.Time{}
	last := len(n.held) - 1
	n.held[last].Cancel()
	n.held[last] = held{}
	n.held = n.held[:last]
	if n.o.drain.closed {
		n.o.drain.report.Reservations++
	}
}

// setTimerLocked sets the timer for the next due time or the end of standing in line.
func (n *lane) setTimerLocked() {
	var next time.Time
	if len(n.held) > 0 {
		next = n.held[0].Due()
	}
	if n.uncovered() > 0 && !n.asking {
		for _, again := range [...]time.Time{n.again[0], n.again[1], n.gatherUntil()} {
			if !again.IsZero() && (next.IsZero() || again.Before(next)) {
				next = again
			}
		}
	}
	switch {
	case next.Equal(n.rings):
		return
	case next.IsZero():
		n.timer.Stop()
	case n.timer == nil:
		n.timer = time.AfterFunc(time.Until(next), n.ring)
	default:
		n.timer.Reset(time.Until(next))
	}
	n.rings = next
}

// ring is called when something is due. One that comes too early or for nothing does no harm.
func (n *lane) ring() {
	n.o.mu.Lock()
	defer n.o.unlock()
	n.rings = time.Time{}
	now := time.Now()
	for i, again := range n.again {
		if !again.After(now) {
			n.again[i] = time.Time{}
		}
	}
	n.dueLocked(now)
	n.movedLocked()
	n.o.wakeLocked()
}
