package paper

import (
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// The constants of the limiter.
const (
	horizon  = 250 * time.Millisecond
	slack    = 50 * time.Millisecond
	maxAsks  = 256 // calls of one request
	maxRuns  = 64  // runs of equal asks of one request
	fewNew   = 4   // callers that may join a lane in line before it asks again
	soonest  = time.Millisecond
	recheck  = 5 * time.Second
	jitter   = 5 * time.Millisecond
	large    = 64 // callers that are enough for a request, or half of the last batch if that is more
	exactly  = 16 // runs whose callers differ in age by 2 ms at most
	nearUS   = 2000
	farUS    = 30_000
	farShare = 16
)

// lane holds the callers of one route in one replica, and the reservations that they share.
type lane struct {
	*fleet

	replica  *replica
	route    *route
	id       string
	interval time.Duration // the time of one token of the fastest limit

	queue   fifo[time.Duration] // when each caller asked, the oldest first
	pool    fifo[grant]         // by due time
	asking  bool                // a request is under way or about to be sent
	batch   int                 // callers that waited when the last request was built
	place   place
	trip    time.Duration // longest time of recent requests; it decays
	busy    bool          // by the last reply, the next request needs the script that knows the line
	sent    time.Duration // when the request under way was sent
	asks    []bucket.Ask  // the asks of the request under way
	lead    time.Duration // the lead of the request under way
	timer   time.Duration // when the timer fires
	planned int64         // number of the timer's current event; events with other numbers are void
}

// grant is a reservation.
type grant struct {
	due time.Duration // on the clock of the replica
	at  int64         // µs, on the clock of the core
}

// place is what a lane knows about its place in line.
type place struct {
	inLine bool          // the lane has a place
	again  time.Duration // when to ask again
	sent   int           // callers in the last request
}

// join queues a caller.
func (n *lane) join(now time.Duration) {
	n.queue.insert(n.queue.len(), now)
	if !n.asking || n.pool.len() > 0 {
		n.advance(now)
	}
}

// advance settles the lane after a change, and makes a request if one is due.
func (n *lane) advance(now time.Duration) {
	if n.settle(now) {
		n.asking = true
		n.plan(now, n.run)
	}
}

// settle drops late reservations, starts the callers whose reservations are due, and sets the timer. It reports whether a
// request is due now.
func (n *lane) settle(now time.Duration) bool {
	late := 0
	for _, g := range n.pool.all() {
		if now-g.due <= slack {
			break
		}
		late++
	}
	n.lost(late, now)
	n.pool.drop(late)
	n.match(now)
	at := none
	if !n.asking {
		at = n.askAt(now)
	}
	if at > now {
		n.wake(n.wakeAt(now, at))
		return false
	}
	return true
}

// match starts callers whose reservations are due, the oldest first.
func (n *lane) match(now time.Duration) {
	queue, pool := n.queue.all(), n.pool.all()
	served := 0
	for served < min(len(queue), len(pool)) && pool[served].due <= now {
		n.start(n, queue[served], pool[served], now)
		served++
	}
	n.queue.drop(served)
	n.pool.drop(served)
}

// wake sets the timer; none stops it.
func (n *lane) wake(at time.Duration) {
	if at == n.timer {
		return
	}
	n.planned++
	n.timer = at
	if at == none {
		return
	}
	mine := n.planned
	n.plan(at, func(now time.Duration) {
		if mine == n.planned {
			n.timer = none
			n.advance(now)
		}
	})
}
