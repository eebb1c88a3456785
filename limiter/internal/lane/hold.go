package lane

import (
	"slices"
	"time"
)

// LongestHold is the longest hold that a lane reports.
const LongestHold = 30 * time.Second

// Hold makes the store shut a bucket of the route for a time, at once, because the provider refuses calls. Unused
// reservations of the lane are dropped: their calls would be refused.
func (n *Lane) Hold(d time.Duration, bucket string) {
	now := time.Now()
	n.live(func(n *Lane) {
		if n.closed != nil {
			return
		}
		n.used = true
		if until := now.Add(min(d, LongestHold)); until.After(n.held.until) {
			n.held = held{until, bucket}
		}
		for i := range n.pool.grants {
			n.pool.grants[i].Lose()
		}
		n.pool = pool{}
		n.advanceLocked(now)
	})
}

// held is a hold that the store does not know yet.
type held struct {
	until  time.Time // zero for none
	bucket string
}

// holdLocked adds the hold to the request being built, unless the route no longer passes the bucket.
func (n *Lane) holdLocked(now time.Time) {
	q := n.request
	q.Hold.For = 0
	if n.held.until.IsZero() {
		return
	}
	left := n.held.until.Sub(now).Microseconds()
	at := slices.IndexFunc(n.route.Load().Limits, func(l Limit) bool { return l.Bucket == n.held.bucket })
	if left <= 0 || at < 0 {
		n.held = held{}
		return
	}
	q.Hold.For, q.Hold.Limit = left, at
}

// heldLocked notes that a request has delivered a hold to the store.
func (n *Lane) heldLocked(sent time.Time) {
	if n.request.Hold.For > 0 && !n.held.until.After(sent.Add(time.Duration(n.request.Hold.For+1)*time.Microsecond)) {
		n.held = held{}
	}
}
