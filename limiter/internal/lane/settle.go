package lane

import (
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

const (
	// reportAfter is how long a corrected cost waits for a request to travel with.
	reportAfter = time.Second
	// maxSettled bounds the corrected costs of one request; this many are sent at once.
	maxSettled = 100
)

// settled is a call with known costs.
type settled struct {
	grant  Grant
	actual Each  // the real cost, of the named buckets; other buckets keep what was reserved
	ended  int64 // µs, the store's clock, not later than when the cost was known
}

// Settle makes the store correct the cost of a call that has started.
func (g *Grant) Settle(actual Each) {
	if g.lane == nil {
		return
	}
	now := time.Now()
	s := settled{*g, actual, g.at + now.Sub(g.Due).Microseconds()}
	g.lane.live(func(n *Lane) {
		if n.closed != nil {
			return
		}
		n.used = true
		if len(n.settled) == 0 {
			n.settledSince = now
		}
		n.settled = append(n.settled, s)
		n.advanceLocked(now)
	})
}

// reportAt returns when corrected costs are sent at the latest. It is zero if they need no request of their own: a lane
// in line sends them with its next request, which comes in 5 s at most.
func (n *Lane) reportAt(now time.Time) time.Time {
	switch {
	case n.held.until.After(now), n.closed == nil && n.urgentLessons():
		return later(now, n.retry.at)
	case len(n.settled) == 0 && (len(n.taught) == 0 || n.closed != nil):
		return time.Time{}
	case n.shared.Local, len(n.settled) >= maxSettled, n.closed != nil:
		return later(now, n.retry.at)
	case n.place.inLine && (n.place.kept && n.queue.len == 0 || n.place.again.After(now)):
		return time.Time{}
	}
	since := n.settledSince
	if len(n.settled) == 0 || len(n.taught) > 0 && n.taughtSince.Before(since) {
		since = n.taughtSince
	}
	return later(since.Add(reportAfter), n.retry.at)
}

// reportLocked adds corrected costs to the request being built.
func (n *Lane) reportLocked(now time.Time) {
	q, r := n.request, n.route.Load()
	q.Settled, n.reported = q.Settled[:0], n.reported[:0]
	if (len(q.Asks) > 0 || n.queue.len > 0) && n.metered != r && slices.ContainsFunc(r.Limits, func(l Limit) bool { return l.Meter }) {
		// From now on the buckets note how empty they are. If an older call cost less, nothing is taken back.
		n.metered = r
		s := settled{grant: Grant{Route: r}}
		b := s.on(r, 0)
		for i, l := range r.Limits {
			b.Since[i], b.Estimated[i], b.Actual[i] = 0, 0, 0
			if l.Meter {
				b.Estimated[i] = 1
			}
		}
		q.Settled, n.reported = append(q.Settled, b), append(n.reported, s)
	}
	some := min(len(n.settled), maxSettled)
	for _, s := range n.settled[:some] {
		if s.grant.Route.Alike(r) { // otherwise the estimate stays: it was charged to other limits
			q.Settled = append(q.Settled, s.on(r, n.shared.Horizon.Microseconds()))
			n.reported = append(n.reported, s)
		}
	}
	rest := copy(n.settled, n.settled[some:])
	clear(n.settled[rest:])
	n.settled, n.settledSince = n.settled[:rest], now
}

// on returns the correction for each limit of a route.
func (s *settled) on(r *Route, horizon int64) bucket.Settled {
	k := len(r.Limits)
	all := make([]int64, 3*k)
	b := bucket.Settled{Since: all[:k:k], Estimated: all[k : 2*k : 2*k], Actual: all[2*k:]}
	real := Cost{0, s.actual}
	for i, l := range r.Limits {
		b.Since[i] = s.grant.since
		if l.Holds {
			b.Since[i] = s.ended - horizon
		}
		b.Estimated[i] = s.grant.Cost.at(r, i)
		b.Actual[i] = b.Estimated[i]
		if s.actual.names(l.Bucket) {
			b.Actual[i] = real.Of(l.Bucket)
		}
	}
	return b
}

// names reports whether a bucket is named.
func (e Each) names(bucket string) bool {
	for name := range e.All {
		if name == bucket {
			return true
		}
	}
	return false
}

// reportedLocked notes the result of the corrected costs of a request. If it is unknown, or they did not reach the
// store, a shortfall is reported again: at worst it counts twice. A surplus is not reported again: it would be taken
// back twice.
func (n *Lane) reportedLocked(r *Route, err error) {
	for i := range n.reported {
		s, on := &n.reported[i], &n.request.Settled[i]
		short := false
		for k := range on.Actual {
			short = short || on.Actual[k] > on.Estimated[k]
		}
		switch {
		case err == nil && s.grant.lane != nil:
			r.corrected(on)
		case err == nil:
		case s.grant.lane == nil:
			n.metered = nil
		case short && n.closed == nil && n.shared.Passing(err):
			n.settled = append(n.settled, *s)
		}
	}
	clear(n.reported)
	n.reported = n.reported[:0]
}
