package limiter

import "time"

// backsLocked counts the reservations that nobody waits for and that others may still use, and appends them to out,
// unless it is nil, and drops them.
func (n *lane) backsLocked(now time.Time, out *[]back) int {
	if !n.l.store.shared() {
		return 0
	}
	count := 0
	for i := range n.pool.grants {
		g := &n.pool.grants[i]
		if g.due.Sub(now) < worthwhile || count == maxBacks {
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
	defer n.unlock()
	if n.closed != nil || g.late(now, n.l.s.Slack) || !alike(g.path, n.route.Load()) {
		return
	}
	n.pool.add(g)
	n.moveLocked(now)
}
