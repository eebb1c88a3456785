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

// reroute follows a new configuration. Who stands in line keeps the place, and comes back as much sooner or later as the
// new rate has it; those who can never start any more are told.
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
	switch slower := 0.0; {
	case n.comeBack.IsZero():
	case !alike(was, r):
		n.tickets, n.comeBack = nil, time.Time{}
	case opened(was, r):
		n.comeBack = now.Add(rand.N(jitter))
	default:
		for i, t := range n.tickets {
			if t.tokens > 0 {
				slower = max(slower, was.limits[i].limit.Rate()/r.limits[i].limit.Rate())
			}
		}
		if slower > 0 {
			n.comeBack = now.Add(time.Duration(float64(n.comeBack.Sub(now)) * slower))
		}
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

// opened reports whether a bucket that was paused is so no longer, or for a shorter time.
func opened(was, is *route) bool {
	for i := range was.limits {
		if was.limits[i].opens > is.limits[i].opens {
			return true
		}
	}
	return false
}
