package lane

import (
	"math/rand/v2"
	"time"
)

// Reroute applies a new configuration. A lane in line keeps its place and asks again at once. Callers that can no
// longer start get an error.
func (n *Lane) Reroute(r *Route) {
	n.mu.Lock()
	defer n.unlock()
	was := n.route.Load()
	if was.Built > r.Built {
		return // another goroutine was faster, with a newer route
	}
	n.route.Store(r)
	if n.closed != nil {
		return
	}
	now := time.Now()
	if was.Away != r.Away { // another store answers
		if n.asking && was.Away == 0 {
			n.giveUpLocked(was)
		}
		n.place, n.retry, n.metered = place{}, retry{}, nil
	}
	if !was.Alike(r) {
		for i := range n.pool.grants {
			n.pool.grants[i].Lose()
		}
		n.pool = pool{} // charged to other limits
	}
	if !n.place.again.IsZero() {
		n.place.again = now.Add(rand.N(jitter)) // what the store returned about the line is no longer true
	}
	for w := n.queue.first; w != nil; {
		next := w.next
		if err := r.Check(w.Cost); err != nil {
			n.endLocked(w, err)
		} else if r.free(w.Cost) {
			n.passLocked(w, r, now)
		} else if w.prompt() && !r.fits(w.Cost) {
			n.putOffLocked(w, now)
		}
		w = next
	}
	n.advanceLocked(now)
}

// Close ends the wait of all callers with an error, and returns the reservations.
func (n *Lane) Close(err error) {
	n.mu.Lock()
	defer n.unlock()
	if n.closed != nil {
		return
	}
	n.closed = err
	for n.queue.first != nil {
		n.endLocked(n.queue.first, err)
	}
	n.advanceLocked(time.Now())
}

// Retire ends a lane if nobody has used it for a time: no caller waits, no request is in flight, no reservation is in
// the pool, and the lane has no place in line. The place of a scheduler that does not come back for a minute has ended
// in the store long before.
func (n *Lane) Retire(now time.Time, idle time.Duration) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.pool.dropLate(now, n.shared.Slack)
	inLine := n.place.inLine && now.Sub(n.place.again) < time.Minute
	if n.used || inLine || n.queue.len > 0 || n.asking || len(n.pool.grants) > 0 || len(n.settled) > 0 {
		n.used, n.since = false, now
		return false
	}
	if n.closed != nil || now.Sub(n.since) < idle {
		return false
	}
	n.closed = ErrRetired
	n.timer.set(time.Time{}, now)
	return true
}

// Asking reports whether a request of the lane is in flight.
func (n *Lane) Asking() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asking
}
