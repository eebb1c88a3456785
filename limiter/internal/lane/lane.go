package lane

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxAsks bounds the calls of one request, because one run of the script may have to process all of them.
	maxAsks = 256
	// maxRuns bounds the runs of equal asks of one request, because the script processes each on its own.
	maxRuns = 64
	// maxBacks bounds the reservations that one request returns.
	maxBacks = 100
	// fewNew is how many callers may come to a lane in line before it asks again.
	fewNew = 4
	// soonest is the shortest time between a reply and the next request.
	soonest = time.Millisecond
	// recheck is how long a lane in line sleeps at most, so that it learns of pauses, of new rates, and of callers that
	// left.
	recheck = 5 * time.Second
	// jitter spreads lanes that come back at the same time. Due times are spread by construction.
	jitter = 5 * time.Millisecond
	// worthwhile is how far ahead a reservation must be due to be returned. Otherwise it serves callers of this process
	// until slack after its due time.
	worthwhile = 10 * time.Millisecond
)

// Lane is the callers of one route, urgent or ordinary ones, in one process. Methods are safe for concurrent use.
type Lane struct {
	ID     string // in the store; fixed, like the two below
	Urgent bool
	shared *Shared

	route atomic.Pointer[Route] // changed under mu
	batch atomic.Int64          // callers that waited when the last request was made

	mu           sync.Mutex
	queue        queue
	ended        *waiter // callers to wake when mu is free, linked by next
	pool         pool
	scratch      Grant     // on its way to a scheduler
	cursors      []cursor  // how far the pool is promised, by cost, during matching
	asking       bool      // a goroutine makes requests
	loop         int64     // which one; nobody waits for the reply of another one
	out          bool      // its request is in flight
	store        Store     // like request, replaced when a request was given up
	held         held      // a hold to be sent
	taught       []lesson  // to be sent
	teaching     int       // how many of taught the request in flight has
	taughtSince  time.Time // when the oldest of taught came that waits for a request to travel with
	promptSince  time.Time // no caller that wants an answer at once came earlier
	request      *Request
	requesters   []*waiter // callers that the request in flight asks for
	settled      []settled // costs to be corrected with the next request
	reported     []settled // the corrected costs of the request in flight
	settledSince time.Time // when the first of settled came
	metered      *Route    // the route for which the lane has announced that costs will be corrected
	place        place
	retry        retry
	trip         time.Duration // how long requests took at most lately
	timer        timer
	closed       error     // what ended the lane
	used         bool      // since the last check whether it is idle
	since        time.Time // when it was last found in use
}

// place is what a lane knows about its place in line.
type place struct {
	inLine bool          // the lane has a place
	kept   bool          // a scheduler comes back for it, though no caller waits
	again  time.Time     // when to ask again; zero for none
	first  time.Time     // when the first waiting call is expected to start
	last   time.Time     // when the last waiting call is expected to start
	every  time.Duration // the time of one token, of the limit that binds
	bound  int           // that limit
	sent   int           // callers that the store knows
}

// New returns the lane of a route. id distinguishes its requests and its place from those of other lanes.
func New(s *Shared, id string, urgent bool, store Store, r *Route) *Lane {
	n := &Lane{ID: id, Urgent: urgent, shared: s, store: store, request: &Request{}, used: true}
	n.timer.call = n.ring
	n.route.Store(r)
	return n
}

// Route returns the route that the lane's callers pass.
func (n *Lane) Route() *Route { return n.route.Load() }

// Outcome is the result of a caller.
type Outcome struct {
	Grant Grant
	At    time.Time // with [ErrNotNow]: when the call could start
	Bound int       // with [ErrNotNow]: the limit that sets that time, -1 if unknown
	Left  []int64   // what each limit has left, if the caller asked for it and its request reached the store
	Route *Route    // the route of these limits
}

// advanceLocked updates the lane after a change, and starts a goroutine for the request that is due now, if any.
func (n *Lane) advanceLocked(now time.Time) {
	if n.settleLocked(now) {
		n.asking = true
		n.shared.Running.Add(1)
		n.loop++
		go n.run(n.loop)
	}
}

// settleLocked gives out reservations that are due or wanted ahead, and sets the timer for the next event. It reports
// whether to make a request now. If requests take no time it has made it.
func (n *Lane) settleLocked(now time.Time) bool {
	for {
		n.pool.dropLate(now, n.shared.Slack)
		missing := n.matchLocked(now)
		if n.asking && n.queue.prompt > 0 && now.Sub(n.promptSince) >= n.shared.Timeout {
			n.failPromptLocked(now)
		}
		var at time.Time // of the next request
		if !n.asking {
			at = n.requestAt(now, missing)
		}
		if at.IsZero() || at.After(now) {
			n.timer.set(n.wakeAt(now, at), now)
			return false
		}
		if !n.shared.Local {
			return true
		}
		if !n.requestLocked(now) {
			return false
		}
		now = time.Now()
	}
}

// failPromptLocked ends the wait of callers that want an answer at once and have waited too long.
func (n *Lane) failPromptLocked(now time.Time) {
	err := n.shared.Unavailable(fmt.Errorf("no reply in %v", n.shared.Timeout))
	n.promptSince = now
	for w := n.queue.first; w != nil; {
		next := w.next
		switch {
		case !w.prompt():
		case now.Sub(w.came) >= n.shared.Timeout:
			n.endLocked(w, err)
		case w.came.Before(n.promptSince):
			n.promptSince = w.came
		}
		w = next
	}
}

// ring is called by the timer.
func (n *Lane) ring() {
	n.mu.Lock()
	at, exact := n.timer.at, n.timer.exact()
	n.mu.Unlock()
	moves := !exact || n.shared.kernelSleeps.sleep(at)
	n.mu.Lock()
	defer n.unlock()
	n.timer.rung(!moves)
	n.advanceLocked(time.Now())
}

// Release ends the wait of all callers with an error; the lane continues.
func (n *Lane) Release(err error) {
	n.mu.Lock()
	defer n.unlock()
	for n.queue.first != nil {
		n.endLocked(n.queue.first, err)
	}
	n.advanceLocked(time.Now())
}

// live runs a function under the lock of the lane, or of the lane that replaced it. It reports whether there is one.
func (n *Lane) live(do func(n *Lane)) bool {
	for n != nil {
		n.mu.Lock()
		retired := n.closed == ErrRetired //nolint:errorlint // never wrapped
		if !retired {
			do(n)
		}
		n.unlock()
		if !retired {
			return true
		}
		n = n.shared.Reopen(n)
	}
	return false
}

// putBack takes back a reservation that its holder did not use.
func (n *Lane) putBack(g Grant) {
	if !n.live(func(n *Lane) { n.takeBackLocked(g) }) {
		g.Lose()
	}
}

// takeBackLocked puts a reservation into the pool, if it is still usable and charged to the limits of the route.
func (n *Lane) takeBackLocked(g Grant) {
	now := time.Now()
	if n.closed != nil || g.lane == nil || g.Late(now, n.shared.Slack) || !g.Route.Alike(n.route.Load()) {
		g.Lose()
		return
	}
	g.lane, g.promised = n, 0
	n.pool.add(&g)
	n.advanceLocked(now)
}
