package limiter

import (
	"math/rand/v2"
	"time"
)

// burst is the largest cost that the route can ever start, and the bucket that sets it.
func (n *lane) burst() (int64, string) {
	limits := n.route.Load().limits
	least := 0
	for i := range limits {
		if limits[i].limit.Burst < limits[least].limit.Burst {
			least = i
		}
	}
	return limits[least].limit.Burst, limits[least].bucket
}

// reroute follows a new configuration. A lane in line keeps its place and asks again at once; callers that can never start any
// more get an error.
func (n *lane) reroute(r *route) {
	n.mu.Lock()
	defer n.unlock()
	was := n.route.Load()
	if was != nil && was.built > r.built {
		return // somebody was faster, with what is newer
	}
	n.route.Store(r)
	if was == nil || n.closed != nil {
		return
	}
	now := time.Now()
	if !alike(was, r) {
		n.pool = pool{} // charged to other limits
	}
	if !n.comeBack.IsZero() {
		n.comeBack = now.Add(rand.N(jitter)) // what the store said of the line is no longer true
	}
	burst, bucket := n.burst()
	for w := n.queue.first; w != nil; {
		next := w.next
		if w.cost > burst {
			n.endLocked(w, &ExceedsBurstError{Route: r.name, Bucket: bucket, Cost: w.cost, Burst: burst})
		}
		w = next
	}
	n.moveLocked(now)
}

// boardAgainLocked makes up the call anew for another configuration, in which some may ask for too much.
func (n *lane) boardAgainLocked(now time.Time, was *route) bool {
	for _, w := range n.whose {
		w.aboard = 0
		switch {
		case w.gone && w.shadow:
			n.ended = append(n.ended, w)
		case w.gone:
			n.l.waiters.recycle(w)
		}
	}
	if !alike(was, n.route.Load()) {
		n.call.backs = n.call.backs[:0] // charged to other limits
	}
	for _, b := range n.call.backs {
		n.pool.add(grant{due: n.l.clock.local(b.due, now), own: b.due, cost: b.cost, lane: n, path: was})
	}
	return n.boardLocked(now)
}

// alike reports whether two routes have the same limits in the same places, whatever their rates.
func alike(a, b *route) bool {
	if len(a.limits) != len(b.limits) {
		return false
	}
	for i := range a.limits {
		if a.limits[i].args().Field != b.limits[i].args().Field {
			return false
		}
	}
	return true
}
