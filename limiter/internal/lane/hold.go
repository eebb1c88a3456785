package lane

import "time"

// LongestHold is the longest hold that a lane reports. Longer ones are told to the fleet in another way.
const LongestHold = 30 * time.Second

// Hold has the store shut the bucket of a limit of the route for a time, at once, because the provider refuses calls. Reservations of the lane
// that nobody uses yet are dropped: their calls would be refused.
func (n *Lane) Hold(d time.Duration, limit int) {
	now := time.Now()
	n.mu.Lock()
	retired := n.closed == ErrRetired //nolint:errorlint // never wrapped
	if n.closed == nil {
		n.used = true
		if until := now.Add(min(d, LongestHold)); until.After(n.held.until) {
			n.held = held{until, limit}
		}
		for i := range n.pool.grants {
			n.pool.grants[i].Lose()
		}
		n.pool = pool{}
		n.advanceLocked(now)
	}
	n.unlock()
	if !retired {
		return
	}
	if next := n.shared.Reopen(n); next != nil {
		next.Hold(d, limit)
	}
}

// held is a hold that the store has not heard of yet.
type held struct {
	until time.Time // zero for none
	limit int
}

// holdLocked adds the hold to the request that is made up.
func (n *Lane) holdLocked(now time.Time) {
	q := &n.request
	q.Hold.For = 0
	if left := n.held.until.Sub(now).Microseconds(); left > 0 && n.held.limit < len(n.route.Load().Limits) {
		q.Hold.For, q.Hold.Limit = left, n.held.limit
	} else {
		n.held = held{}
	}
}

// heldLocked notes that a request has brought a hold to the store.
func (n *Lane) heldLocked(sent time.Time) {
	if n.request.Hold.For > 0 && !n.held.until.After(sent.Add(time.Duration(n.request.Hold.For+1)*time.Microsecond)) {
		n.held = held{}
	}
}
