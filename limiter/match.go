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
		if q.hurried > 0 {
			n.refuseCoveredLocked()
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
				if !w.deadline.IsZero() && w.deadline.Before(g.due) {
					n.endLocked(w, &DeadlineError{Route: n.route.Load().name, Ready: g.due.Sub(w.arrived)})
					break
				}
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
		switch {
		case w.done:
		case w.got > 0:
			n.endLocked(w, nil)
		default:
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

// refuseCoveredLocked ends the wait of those whose deadlines come before the reservations that would be theirs are due.
func (n *lane) refuseCoveredLocked() {
	i := 0
	for w := n.queue.first; w != nil && i < len(n.pool.grants); {
		next := w.next
		if due := n.pool.grants[i].due; !w.deadline.IsZero() && w.deadline.Before(due) {
			n.endLocked(w, &DeadlineError{Route: n.route.Load().name, Ready: due.Sub(w.arrived)})
		} else {
			i++
		}
		w = next
	}
}

// turnAwayLocked ends the wait of callers that came while the lane stands in line and would not wait as long: those that ask
// once, and those whose deadlines come before they could start behind all callers of the lane.
func (n *lane) turnAwayLocked() {
	if n.queue.hurried == 0 {
		return
	}
	plain := n.queue.odd == 0 && n.pool.odd == 0
	ready := n.tail
	for i, w := 0, n.queue.first; w != nil; i++ {
		next := w.next
		switch {
		case plain && i < len(n.pool.grants) || !plain && w.covered:
		case w.once:
			n.kept = true
			n.endLocked(w, &laterError{n.comeBack})
		case w.atOnce:
			w.readyIn = time.Until(n.comeBack).Microseconds()
			n.endLocked(w, errRefused)
		case w.asked > 0: // the store has judged its deadline
		default:
			behind := ready
			ready = ready.Add(time.Duration(w.cost) * n.every)
			if !w.deadline.IsZero() && w.deadline.Before(ready) {
				n.endLocked(w, &DeadlineError{Route: n.route.Load().name, Ready: ready.Sub(w.arrived)})
				ready = behind
			}
		}
		w = next
	}
}
