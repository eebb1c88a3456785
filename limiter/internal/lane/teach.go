package lane

import (
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// maxTaught bounds the lessons of one request. The newest count.
const maxTaught = 50

// Quota is what a provider's answer contains about a quota: Left of Limit tokens for Per, 0 if unknown.
type Quota struct {
	Limit, Left int64
	Per         time.Duration
}

// lesson is what a call has learnt, on its way to the store.
type lesson struct {
	bucket.Taught

	route *Route // the route whose limit learns
}

// Teach makes the store learn from a call on a grant, for a limit of its route. A refusal is sent at once.
func (g *Grant) Teach(what bucket.Lesson, limit int, q Quota) {
	if g.lane == nil {
		return
	}
	t := bucket.Taught{Limit: limit, Lesson: what, Due: g.at, Cost: g.Cost.at(g.Route, limit), Quota: q.Limit, Left: q.Left, Period: q.Per.Microseconds(), Level: UnknownStand}
	if what == bucket.QuotaLeft {
		t.Sent = g.at
		t.Due += time.Since(g.Due).Microseconds()
		if g.stand == nil {
			g.lane.shared.askStands.Store(true) // from the next requests on, grants contain where the limits stood
			return
		}
		t.Level = (*g.stand)[limit]
	}
	g.lane.live(func(n *Lane) { n.teachLocked(lesson{t, g.Route}) })
}

// Teach makes the store learn from a call without a grant, for a limit of a route, as if the call had been due now.
func (n *Lane) Teach(of *Route, what bucket.Lesson, limit int, q Quota) {
	now := time.Now()
	n.live(func(n *Lane) {
		t := bucket.Taught{Limit: limit, Lesson: what, Quota: q.Limit, Left: q.Left, Period: q.Per.Microseconds(), Level: UnknownStand}
		t.Due = n.shared.Clock.Store(now) // 0 if the store's clock is not known yet: then the due time is when the store receives it
		n.teachLocked(lesson{t, of})
	})
}

// UnknownStand replaces an unknown stand of a limit. It is later than any other, so that nothing counts as reserved
// since.
const UnknownStand = 1 << 52

func (n *Lane) teachLocked(l lesson) {
	if n.closed != nil {
		return
	}
	n.used = true
	if l.Lesson == bucket.QuotaLeft {
		for i := range n.taught[n.teaching:] { // only the newest counts
			if old := &n.taught[n.teaching+i]; old.Lesson == l.Lesson && old.Limit == l.Limit && old.route == l.route {
				*old = l
				return
			}
		}
	}
	if len(n.taught) == 2*maxTaught {
		n.taught = append(n.taught[:n.teaching], n.taught[n.teaching+1:]...)
	}
	now := time.Now()
	if len(n.taught) == n.teaching {
		n.taughtSince = now
	}
	n.taught = append(n.taught, l)
	n.advanceLocked(now)
}

// urgentLessons reports whether a lesson is to be sent without waiting for a request to travel with.
func (n *Lane) urgentLessons() bool {
	for i := range n.taught {
		if n.taught[i].Lesson != bucket.QuotaLeft {
			return true
		}
	}
	return false
}

// lessonsLocked adds lessons to the request being built.
func (n *Lane) lessonsLocked() {
	q, r := n.request, n.route.Load()
	q.Taught, q.Stands = q.Taught[:0], n.shared.askStands.Load()
	some := min(len(n.taught), maxTaught)
	for _, l := range n.taught[:some] {
		if l.route.Alike(r) && (l.route.Away == r.Away || l.Lesson != bucket.QuotaLeft) {
			q.Taught = append(q.Taught, l.Taught)
		}
	}
	n.teaching = some
}

// taughtLocked notes that a request has delivered lessons to the store, or has not: then the next one does.
func (n *Lane) taughtLocked(err error) {
	if err == nil || n.closed != nil || !n.shared.Passing(err) {
		n.taught = append(n.taught[:0], n.taught[n.teaching:]...)
	}
	n.teaching = 0
}

// standing returns where the limits of a route stood after the request, for its reservations; nil if the reply does not
// contain it.
func (q *Request) standing(r *Route) *[]int64 {
	if !q.Stands || q.Tell || len(q.Stand) != len(r.Limits) {
		return nil
	}
	stand := slices.Clone(q.Stand)
	return &stand
}
