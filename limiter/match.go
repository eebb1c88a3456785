package limiter

import "time"

// matchLocked goes through those who wait, in order: each takes what is in the pool for its cost, at once if it is due
// or wanted ahead, else when it comes due. It reports whether somebody is left without.
func (n *lane) matchLocked(now time.Time) (missing bool) {
	q, p := &n.queue, &n.pool
	if q.odd == 0 && p.odd == 0 {
		served := 0
		for q.first != nil && served < len(p.grants) && !p.grants[served].due.After(now) {
			w := q.first
			w.got, w.one = 1, p.grants[served]
			served++
			n.endLocked(w, nil)
		}
		if served > 0 {
			p.shift(served)
		}
		return q.len > len(p.grants)
	}
	type cursor struct {
		cost int64
		at   int
	}
	var few [4]cursor
	cursors := few[:0] // how far the pool is spoken for, by cost
	taken := false
	for w := q.first; w != nil; {
		next := w.next
		w.covered = false
		k := 0
		for k < len(cursors) && cursors[k].cost != w.cost {
			k++
		}
		if k == len(cursors) {
			cursors = append(cursors, cursor{cost: w.cost})
		}
		i := cursors[k].at
		for ; i < len(p.grants) && w.got < w.units && !w.covered; i++ {
			g := &p.grants[i]
			if g.cost != w.cost {
				continue
			}
			due := !g.due.After(now)
			if w.atOnce && !due {
				break
			}
			if !w.ahead && !due {
				w.covered = true // out of the reach of those behind
				continue
			}
			w.got++
			if w.once {
				w.takeAll(g, min(w.units, len(p.grants)))
			} else {
				w.one = *g
			}
			if g.cost != 1 {
				p.odd--
			}
			g.cost, taken = 0, true
		}
		cursors[k].at = i
		if w.got > 0 {
			n.endLocked(w, nil)
		} else {
			missing = missing || !w.covered
		}
		w = next
	}
	if taken {
		p.sweep()
	}
	return missing
}

// takeAll adds a grant to those that a scheduler gets, in one piece of memory.
func (w *waiter) takeAll(g *grant, most int) {
	if w.all == nil {
		w.all = make([]Reservation, 0, most)
	}
	w.all = append(w.all, Reservation{grant: *g})
}

// turnAwayLocked ends the wait of those who would not wait as long as the lane stands in line at least.
func (n *lane) turnAwayLocked() {
	if n.queue.hurried == 0 {
		return
	}
	plain := n.queue.odd == 0 && n.pool.odd == 0
	for i, w := 0, n.queue.first; w != nil; i++ {
		next := w.next
		switch {
		case plain && i < len(n.pool.grants) || !plain && w.covered:
		case w.once:
			n.endLocked(w, &laterError{n.comeBack})
		case w.atOnce:
			w.readyIn = time.Until(n.comeBack).Microseconds()
			n.endLocked(w, errRefused)
		case !w.deadline.IsZero() && w.deadline.Before(n.comeBack):
			n.endLocked(w, &DeadlineError{Route: n.route.Load().name, Ready: n.comeBack.Sub(w.arrived)})
		}
		w = next
	}
}
