package lane

import (
	"math/rand/v2"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// takeLocked processes the reply to a request over a route.
func (n *Lane) takeLocked(r *Route, err error, sent, received time.Time) {
	q := n.request
	// The reservations of a late reply are dropped if they are charged to limits that the route no longer has.
	to := n.route.Load()
	former := r != to && !r.Alike(to)
	if err == nil {
		n.retry = retry{}
		n.heldLocked(sent)
		n.shared.Clock.Observe(q.Now, sent, received)
		n.trip = max(received.Sub(sent), n.trip*7/8)
		if !former {
			n.unpackLocked(r, received)
		}
		for _, b := range q.Backs {
			r.returned(b.Cost)
		}
	} else {
		for _, b := range q.Backs {
			r.lost(b.Cost)
		}
		passing := n.shared.Passing(err)
		if n.retry.failed(received); !passing {
			n.retry = retry{} // asking again would not help
		}
		if !passing || n.closed != nil {
			n.held = held{}
		}
	}
	n.reportedLocked(r, err)
	n.taughtLocked(err)
	kept := slices.ContainsFunc(n.requesters, func(w *waiter) bool { return w.Mode == Come })
	n.placeLocked(err == nil && q.ComeBack >= 0, kept, r != to, received)
	for _, w := range n.requesters {
		w.inRequest = 0 // nothing refers to it any more
		if w.Tell && err == nil && w.state != ended {
			w.left = slices.Clone(q.Left)
		}
	}
	n.matchLocked(received) // callers that got a reservation in spite of an error do not get the error
	if n.queue.odd == 0 && n.pool.odd == 0 {
		n.coverLocked()
	}
	for _, w := range n.requesters {
		if w.state == waiting {
			n.answerLocked(w, err, former, sent, received)
		}
		w.verdict = 0
	}
	if n.place.inLine { // a reply that came after a caller answers the caller by the line, unless the caller asked for more
		n.queue.clearUnsent(func(w *waiter) bool { return w.Mode == AtOnce && !w.Tell })
	}
	clear(n.requesters)
	n.requesters = n.requesters[:0]
}

// coverLocked marks the callers with a promised reservation, if all calls cost one token.
func (n *Lane) coverLocked() {
	for i, w := 0, n.queue.first; w != nil && i < len(n.pool.grants); i, w = i+1, w.next {
		w.state = covered
	}
}

// placeLocked notes whether the lane has a place in line, and when it asks again.
func (n *Lane) placeLocked(inLine, kept, changed bool, received time.Time) {
	p := &n.place
	p.inLine, p.kept = inLine, kept
	if !inLine {
		p.again = time.Time{}
		return
	}
	p.again = n.shared.Clock.Local(n.request.Now+n.request.ComeBack, received)
	if changed {
		p.again = received // what is in force has changed meanwhile
	}
	p.again = later(p.again, received.Add(soonest))
	p.again = sooner(p.again, received.Add(recheck))
	p.again = p.again.Add(rand.N(jitter))
}

// answerLocked gives the result of the reply to a caller that got nothing, if the caller wants it.
func (n *Lane) answerLocked(w *waiter, err error, former bool, sent, received time.Time) {
	switch {
	case err != nil:
		if w.prompt() || !n.shared.Passing(err) {
			n.endLocked(w, err)
		}
	case former: // the next request asks for it, by the current limits
	case w.verdict == bucket.Refused && w.Mode == AtOnce:
		w.at = sent.Add(w.readyIn)
		n.endLocked(w, ErrNotNow)
	case w.verdict == bucket.Refused:
		n.endLocked(w, &TooLateError{w.readyIn + sent.Sub(w.Since)})
	case w.verdict == bucket.Waiting && w.Mode == Come:
		w.turn = n.turnLocked()
		n.endLocked(w, ErrNotNow)
	case w.Mode == AtOnce && w.verdict == bucket.Reserved && n.pool.promise(w.Cost):
		n.queue.turn(w, WhenDue) // its token is due as soon as the reply can be relied on, which is a moment from now
	case w.Mode == AtOnce && w.verdict == bucket.Reserved && !n.place.inLine:
		// A caller that came meanwhile, but is older, has taken it. The next request asks again.
	case w.Mode == AtOnce: // an older caller of the line has taken it
		w.at = received
		n.endLocked(w, ErrNotNow)
	}
}

// unpackLocked puts the reservations of a reply into the pool, and notes the result of each caller.
func (n *Lane) unpackLocked(r *Route, received time.Time) {
	q := n.request
	at, unit, found := 0, 0, false
	taken, calls := one, 0 // calls of one cost in a row
	defer func() { r.took(taken, calls) }()
	stand := q.standing(r)
	for _, a := range q.Answers {
		g := Grant{lane: n, Route: r, stand: stand}
		if a.Bound >= 0 && a.Verdict == bucket.Reserved {
			g.Bucket = r.Limits[a.Bound].Bucket
		}
		for k := range a.N {
			if at == len(n.requesters) {
				return // more answers than asks: ignore them
			}
			w := n.requesters[at]
			if w.Cost != taken {
				r.took(taken, calls)
				taken, calls = w.Cost, 0
			}
			limit, cost := r.limitOf(&a, w.Cost)
			due := a.Due(k, limit, cost)
			switch a.Verdict {
			case bucket.Reserved:
				calls++
				if k == 0 || due != g.at-q.Now {
					g.at = q.Now + due
					g.Due = n.shared.Clock.Local(g.at, received)
				}
				g.Cost, g.Waited, g.Turns, g.since = w.Cost, 0, 0, chargedAt(&a, q.Now, g.at, n.shared.Horizon)
				if g.Bucket != "" && w.Mode != AtOnce {
					g.Waited, g.Turns = max(0, g.Due.Sub(w.Since)), w.asked
				}
				n.pool.add(&g)
				if w.state != ended {
					w.verdict = a.Verdict
				}
			case bucket.Waiting:
				if !found {
					found, n.place.first = true, n.shared.Clock.Local(q.Now+due, received)
				}
				n.place.last, n.place.every, n.place.bound = n.shared.Clock.Local(q.Now+due, received), a.Interval(limit), max(0, a.Bound)
				fallthrough
			case bucket.Refused:
				if w.state != ended { // otherwise the caller reads what it got
					w.bound, w.verdict, w.readyIn = a.Bound, a.Verdict, time.Duration(due)*time.Microsecond
				}
			}
			if unit++; unit == w.inRequest {
				if w.state != ended {
					w.asked++
				}
				at, unit = at+1, 0
			}
		}
	}
}

// chargedAt returns when the reservations of an answer were charged, or an earlier time: reservations that were
// returned earlier are due within a horizon.
func chargedAt(a *bucket.Answer, now, due int64, horizon time.Duration) int64 {
	if a.Bound < 0 && a.At.Frac > 0 {
		return due - horizon.Microseconds()
	}
	return now
}

// retry defines when a failed request is made again: after 50 ms, then after twice as long each time, up to 2 s, each
// with a random quarter more or less, so that the replicas of a fleet do not come back in the same moment.
type retry struct {
	at    time.Time
	pause time.Duration
}

func (r *retry) failed(now time.Time) {
	const first, longest = 50 * time.Millisecond, 2 * time.Second
	r.pause = min(longest, max(first, 2*r.pause))
	r.at = now.Add(r.pause*3/4 + rand.N(r.pause/2))
}
