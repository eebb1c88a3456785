package lane

import "time"

// matchLocked goes through the waiting callers, in order. Each takes what the pool has for its cost: at once if that is
// due or wanted ahead, otherwise when it comes due. A reservation of more tokens serves several callers. matchLocked
// reports whether a caller is left without a reservation.
func (n *Lane) matchLocked(now time.Time) (missing bool) {
	q, p := &n.queue, &n.pool
	if q.odd == 0 && p.odd == 0 {
		served := 0
		for q.first != nil && served < len(p.grants) && !p.grants[served].Due.After(now) {
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
	for i := range p.grants {
		p.grants[i].promised = 0
	}
	n.cursors = n.cursors[:0]
	taken := false
	for w := q.first; w != nil; {
		next := w.next
		taken = n.serveLocked(w, now, n.cursorLocked(w.Cost)) || taken
		switch {
		case w.state == ended:
		case w.got > 0:
			n.endLocked(w, nil)
		default:
			missing = missing || w.state != covered && n.route.Load().fits(w.Cost) // otherwise it waits for another route
		}
		w = next
	}
	if taken {
		p.sweep()
	}
	return missing
}

// serveLocked gives a caller what the pool has for it, beginning with a grant: earlier grants have no tokens left for
// its cost. It reports whether something was taken.
func (n *Lane) serveLocked(w *waiter, now time.Time, from *int) (taken bool) {
	p := &n.pool
	w.state = waiting
	for ; *from < len(p.grants); *from++ {
		g := &p.grants[*from]
		for w.got < w.N && g.left().serves(w.Cost) {
			due := !g.Due.After(now)
			switch {
			case w.Mode == AtOnce && !due:
				return taken
			case !due && !w.Deadline.IsZero() && w.Deadline.Before(g.Due):
				n.endLocked(w, &TooLateError{g.Due.Sub(w.Since)})
				return taken
			case w.Mode == WhenDue && !due: // no longer available to later callers
				g.promised += w.Cost.Tokens
				w.state = covered
				return taken
			}
			w.take(g)
			taken = true
		}
		if w.got == w.N {
			return taken
		}
	}
	return taken
}

// take gives a caller its tokens of a grant.
func (w *waiter) take(g *Grant) {
	w.one = *g
	w.one.Cost, w.one.promised = w.Cost, 0
	if w.to != nil {
		w.to.Take(&w.one)
	}
	w.got++
	g.Cost.Tokens -= w.Cost.Tokens
}

// cursor is the first grant that may have tokens left for calls of a cost.
type cursor struct {
	cost  Cost
	grant int
}

func (n *Lane) cursorLocked(cost Cost) *int {
	for i := range n.cursors {
		if n.cursors[i].cost == cost {
			return &n.cursors[i].grant
		}
	}
	n.cursors = append(n.cursors, cursor{cost: cost})
	return &n.cursors[len(n.cursors)-1].grant
}

// refuseCoveredLocked ends the wait of callers whose deadlines come before their reservations are due.
func (n *Lane) refuseCoveredLocked() {
	i := 0
	for w := n.queue.first; w != nil && i < len(n.pool.grants); {
		next := w.next
		if due := n.pool.grants[i].Due; !w.Deadline.IsZero() && w.Deadline.Before(due) {
			n.endLocked(w, &TooLateError{due.Sub(w.Since)})
		} else {
			i++
		}
		w = next
	}
}

// turnAwayLocked ends the wait of callers that came while the lane is in line and that would not wait that long. These
// are callers that want an answer at once, and callers whose deadlines come before they could start behind all callers
// of the lane.
func (n *Lane) turnAwayLocked() {
	if n.queue.hurried == 0 {
		return
	}
	plain := n.queue.odd == 0 && n.pool.odd == 0
	ready, route := n.place.last, n.route.Load()
	for i, w := 0, n.queue.first; w != nil; i++ {
		next := w.next
		switch {
		case plain && i < len(n.pool.grants) || !plain && w.state == covered:
		case w.prompt():
			w.at = n.place.again
			if w.Mode == Come {
				n.place.kept, w.turn = true, n.turnLocked()
			} else if n.place.inLine { // behind all callers of the lane
				w.at, w.bound = later(w.at, ready.Add(time.Duration(w.Cost.at(route, n.place.bound))*n.place.every)), n.place.bound
			}
			n.endLocked(w, ErrNotNow)
		case w.asked > 0: // the store has judged its deadline
		default:
			behind := ready
			ready = ready.Add(time.Duration(w.Cost.at(route, n.place.bound)) * n.place.every)
			if !w.Deadline.IsZero() && w.Deadline.Before(ready) {
				n.endLocked(w, &TooLateError{ready.Sub(w.Since)})
				ready = behind
			}
		}
		w = next
	}
}

// returnableLocked counts the reservations that no caller of the lane waits for and that others may still use. If out
// is not nil it appends them to out and drops them. A reservation under a former configuration stays: the limits may
// have been others.
func (n *Lane) returnableLocked(now time.Time, out *[]Back) int {
	plain := n.queue.odd == 0 && n.pool.odd == 0
	if len(n.pool.grants) == 0 || plain && n.queue.len > 0 {
		return 0
	}
	count, route := 0, n.route.Load()
	soon := now.Add(worthwhile)
	free, wanted := Cost{}, false // for the cost of the grant before
	for i := range n.pool.grants {
		g := &n.pool.grants[i]
		left := g.Cost
		if !plain {
			left = g.left()
		}
		if left.Tokens == 0 || !g.Due.After(soon) || count == maxBacks || g.Route != route {
			continue
		}
		if left != free {
			free, wanted = left, n.queue.wants(left)
		}
		if wanted {
			continue
		}
		count++
		if out != nil {
			*out = append(*out, Back{g.at, left})
			g.Cost.Tokens -= left.Tokens
		}
	}
	if out != nil && count > 0 {
		n.pool.sweep()
	}
	return count
}
