package paper

import "time"

// askAt returns when the next request is due; none if the lane needs no request.
func (n *lane) askAt(now time.Duration) time.Duration {
	missing, p := n.queue.len() > n.pool.len(), &n.place
	switch {
	case !missing && !p.inLine:
		return none
	case missing && p.again != none && p.again > now && (!p.inLine || n.queue.len()-p.sent < max(fewNew, p.sent)):
		return p.again
	case missing:
		return n.gatherUntil(now)
	}
	return now
}

// gatherUntil returns until when callers may gather. That is when the token after the lane's last reservation can be due, less the
// time of a request.
func (n *lane) gatherUntil(now time.Duration) time.Duration {
	pool := n.pool.all()
	if len(pool) == 0 || n.place.inLine {
		return now
	}
	return max(now, pool[len(pool)-1].due+n.interval-time.Millisecond-2*n.trip)
}

// wakeAt returns when the timer has to fire: for the request, or for an earlier due time of a reservation.
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
