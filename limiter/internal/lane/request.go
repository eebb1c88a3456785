package lane

import (
	"errors"
	"runtime"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// run makes requests while there are any to make. No caller's context bounds them.
func (n *Lane) run(loop int64) {
	defer n.shared.Running.Done()
	for again, outdated := true, 0; again; {
		if batch := int(n.batch.Load()); batch > 1 {
			n.gather(batch)
		}
		n.mu.Lock()
		if n.loop != loop {
			n.unlock()
			return
		}
		r, sent := n.route.Load(), time.Now()
		if !n.buildLocked(sent) {
			again = n.restLocked(sent)
			n.unlock()
			continue
		}
		n.timer.set(n.wakeAt(sent, time.Time{}), sent)
		q, store := n.request, n.store
		n.out = true
		n.unlock()
		err := n.reserve(store, r, q)
		if errors.Is(err, ErrOutdated) {
			const tries = 4 // a configuration that changes faster than requests are made is an error
			if outdated++; outdated < tries {
				if err = n.shared.Refresh(r.Version); err == nil {
					n.mu.Lock()
					givenUp := n.loop != loop
					if !givenUp {
						n.out = false
						n.unbuildLocked(r, time.Now())
					}
					n.mu.Unlock()
					if givenUp {
						return
					}
					continue
				}
			} else {
				err = n.shared.Unavailable(err)
			}
		}
		outdated = 0
		received := time.Now()
		n.mu.Lock()
		if n.loop != loop { // nobody waits for the reply any more
			n.unlock()
			return
		}
		n.out = false
		n.takeLocked(r, err, sent, received)
		again = n.restLocked(received)
		n.unlock()
	}
}

// reserve makes a request.
func (n *Lane) reserve(store Store, r *Route, q *Request) error {
	err := store.Reserve(r, q)
	n.shared.Requests.Add(int64(q.Runs))
	return err
}

// errGivenUp is the result of a request whose reply nobody waits for.
var errGivenUp = errors.New("given up")

// giveUpLocked gives up the request in flight over a route, whose reply may never come. Its reservations are lost.
func (n *Lane) giveUpLocked(r *Route) {
	if n.out {
		err := n.shared.Unavailable(errGivenUp)
		for _, b := range n.request.Backs {
			r.lost(b.Cost)
		}
		n.reportedLocked(r, err)
		n.taughtLocked(err)
	}
	for _, w := range n.requesters {
		w.inRequest = 0
	}
	n.requesters, n.out = nil, false
	n.loop++ // the goroutine of that request ends with it
	n.request, n.store, n.asking = &Request{}, n.shared.Line(n.ID), false
}

// restLocked ends a request, and begins the next if there is one to make.
func (n *Lane) restLocked(now time.Time) (again bool) {
	n.asking = false
	n.asking = n.settleLocked(now)
	return n.asking
}

// requestLocked makes a request that takes no time. It reports whether there was one to make.
func (n *Lane) requestLocked(now time.Time) bool {
	if !n.buildLocked(now) {
		n.timer.set(n.wakeAt(now, time.Time{}), now)
		return false
	}
	r := n.route.Load()
	n.takeLocked(r, n.reserve(n.store, r, n.request), now, time.Now())
	if n.closed == nil {
		n.shared.Used(now)
	}
	return true
}

// gather yields while more callers come: callers that the last reply woke, and that come again at once. Half of a large
// batch is enough: it is in flight while the other half comes.
func (n *Lane) gather(batch int) {
	const large = 64
	enough := min(maxAsks, max(large, batch/2))
	for was := -1; ; {
		n.mu.Lock()
		is := n.queue.len
		n.mu.Unlock()
		if is == was || is >= enough {
			return
		}
		was = is
		runtime.Gosched()
	}
}

// buildLocked builds a request of the callers without a reservation, and of what is returned. It reports whether there
// is anything to request.
func (n *Lane) buildLocked(now time.Time) bool {
	if len(n.route.Load().Limits) == 0 {
		n.dropLocked()
		return false
	}
	q := n.request
	q.Lead = n.shared.Clock.Lead(n.shared.Slack, n.shared.Horizon).Microseconds()
	q.Asks, q.Backs, q.Tell, n.requesters = q.Asks[:0], q.Backs[:0], false, n.requesters[:0]
	q.Answers, q.ComeBack = q.Answers[:0], -1
	n.matchLocked(now)
	n.returnableLocked(now, &q.Backs)
	n.reportLocked(now)
	n.holdLocked(now)
	n.lessonsLocked()
	n.batch.Store(int64(n.queue.len))
	n.place.sent = n.queue.len
	n.queue.clearUnsent(func(*waiter) bool { return true })
	plain := n.queue.odd == 0 && n.pool.odd == 0
	calls := 0
	route, of := n.route.Load(), Cost{} // of: the cost of the last run
	for i, w := 0, n.queue.first; w != nil && calls < maxAsks; i, w = i+1, w.next {
		if plain && i < len(n.pool.grants) || !plain && w.state == covered {
			continue
		}
		if w.N > maxAsks-calls && calls > 0 || route.Check(w.Cost) != nil || !route.fits(w.Cost) {
			continue
		}
		k := n.askOf(w, route, now)
		last := len(q.Asks) - 1
		alike := last >= 0 && of == w.Cost && q.Asks[last].Patience == k.Patience && q.Asks[last].Age-k.Age <= alikeAge(last, k.Age)
		if !alike && len(q.Asks) == maxRuns {
			break
		}
		if alike {
			q.Asks[last].N += k.N
		} else {
			q.Asks, of = append(q.Asks, k), w.Cost
		}
		w.inRequest, w.state = k.N, waiting
		q.Tell = q.Tell || w.Tell
		calls += k.N
		n.requesters = append(n.requesters, w)
	}
	if len(q.Asks) > 0 || n.queue.len == 0 {
		n.place.again = time.Time{}
	}
	return len(q.Asks) > 0 || len(q.Backs) > 0 || len(q.Settled) > 0 || q.Hold.For > 0 || len(q.Taught) > 0 && n.closed == nil || n.place.inLine && (!n.place.kept || n.closed != nil)
}

// dropLocked drops what the lane would send to the store about limits that its route no longer has.
func (n *Lane) dropLocked() {
	n.settled, n.taught, n.teaching, n.held, n.place = nil, nil, 0, held{}, place{}
	for i := range n.pool.grants {
		n.pool.grants[i].Lose()
	}
	n.pool = pool{}
}

// askOf returns what a caller asks of the store.
func (n *Lane) askOf(w *waiter, r *Route, now time.Time) bucket.Ask {
	k := bucket.Ask{N: min(w.N, maxAsks), Cost: w.Cost.On(r), Patience: -1, Urgent: n.Urgent}
	switch {
	case w.Mode == AtOnce:
		k.Patience = n.request.Lead // "at once" means as soon as the reply can be relied on
		return k
	case !w.Deadline.IsZero():
		k.Patience = max(0, w.Deadline.Sub(now).Microseconds())
	}
	k.Age = max(0, now.Sub(w.Since).Microseconds())
	return k
}

// alikeAge returns how much callers of one run of a request may differ in age, µs. A reply may serve the first runs:
// their order counts. A request of hundreds of callers has some tens of runs.
func alikeAge(run int, age int64) int64 {
	const exact, near = 16, 2000
	if run < exact {
		return near
	}
	return max(30_000, age/16)
}

// unbuildLocked takes back a request that the store has not served, so that it is made again for another configuration.
func (n *Lane) unbuildLocked(was *Route, now time.Time) {
	for _, w := range n.requesters {
		w.inRequest = 0
	}
	for _, s := range n.reported {
		if s.grant.lane == nil {
			n.metered = nil
		} else {
			n.settled = append(n.settled, s)
		}
	}
	clear(n.reported)
	n.reported = n.reported[:0]
	alike := was.Alike(n.route.Load())
	for _, b := range n.request.Backs {
		if alike {
			n.pool.add(&Grant{Due: n.shared.Clock.Local(b.Due, now), at: b.Due, Cost: b.Cost, lane: n, Route: was})
		} else { // charged to other limits
			was.lost(b.Cost)
		}
	}
}
