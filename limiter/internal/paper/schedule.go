package paper

import "time"

// askAt is when the next request is to be made.
func (n *lane) askAt(now time.Duration) time.Duration {
	missing, p := n.queue.len() > n.pool.len(), &n.place
	switch {
	case !missing && !p.stands:
		return none
	case missing && p.again != none && p.again > now && (!p.stands || n.queue.len()-p.heard < max(fewNew, p.heard)):
		return p.again
	case missing:
		return n.gatherUntil(now)
	}
	return now
}

// gatherUntil is until when callers may gather: until the token behind the last reservation of the lane can come, less the time that a
// request takes.
func (n *lane) gatherUntil(now time.Duration) time.Duration {
	pool := n.pool.all()
	if len(pool) == 0 || n.place.stands {
		return now
	}
	return max(now, pool[len(pool)-1].due+n.interval-time.Millisecond-2*n.trip)
}

// wakeAt is when something is to be done next.
func (n *lane) wakeAt(now, request time.Duration) time.Duration {
	if n.queue.len() > 0 {
		for _, g := range n.pool.all() {
			if g.due > now {
				return min(request, g.due)
			}
		}
	}
	return request
}
