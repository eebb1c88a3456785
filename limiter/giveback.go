package limiter

import "time"

// backsLocked counts the reservations that nobody in the lane waits for and that others may still use, and appends them to out,
// unless it is nil, and drops them. A reservation under a former configuration stays: the limits may have been others.
func (n *lane) backsLocked(now time.Time, out *[]back) int {
	if n.queue.odd == 0 && n.pool.odd == 0 && n.queue.len > 0 {
		return 0
	}
	count, route := 0, n.route.Load()
	soon := now.Add(worthwhile)
	cost, wanted := int64(0), false // of the reservation before
	for i := range n.pool.grants {
		g := &n.pool.grants[i]
		if !g.due.After(soon) || count == maxBacks || g.path != route {
			continue
		}
		if g.cost != cost {
			cost, wanted = g.cost, n.queue.wants(g.cost)
		}
		if wanted {
			continue
		}
		count++
		if out != nil {
			*out = append(*out, back{g.own, g.cost})
			if g.cost != 1 {
				n.pool.odd--
			}
			g.cost = 0
		}
	}
	if out != nil {
		n.pool.sweep()
	}
	return count
}

// putBack takes in a reservation that its holder did not use.
func (n *lane) putBack(g grant) {
	now := time.Now()
	n.mu.Lock()
	if n.closed == errGivenUp { //nolint:errorlint // never wrapped
		n.unlock()
		if next, err := n.l.openLane(n.key, n); err == nil {
			next.putBack(g)
		}
		return
	}
	defer n.unlock()
	if n.closed != nil || g.late(now, n.l.s.Slack) || !alike(g.path, n.route.Load()) {
		return
	}
	n.pool.add(g)
	n.moveLocked(now)
}
