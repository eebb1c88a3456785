package limiter

import "time"

// pretend lets a call start at once and has the store say what would have become of it, unless the lane was given up.
func (n *lane) pretend(want want) (g grant, all []Reservation, ok bool) {
	now := time.Now()
	g = grant{due: now, cost: want.cost, path: n.route.Load()}
	if want.once {
		all = make([]Reservation, want.units)
		for i := range all {
			all[i].grant = g
		}
	}
	shadow := want
	shadow.atOnce, shadow.ahead, shadow.once, shadow.shadow, shadow.arrived = true, false, false, true, now
	n.mu.Lock()
	defer n.unlock()
	if n.closed == errGivenUp { //nolint:errorlint // never wrapped
		return grant{}, nil, false
	}
	n.used = true
	const enough = 4 * maxAsks // while Redis hangs, those behind are not judged
	if n.closed == nil && n.queue.len < enough {
		shadow.units = 1
		for range want.units {
			n.queue.push(n.l.waiters.new(shadow))
		}
		if !n.flying {
			n.moveLocked(now)
		}
	}
	return g, all, true
}
