package lane

import (
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// maxTaught bounds what one request tells of calls that taught something. The newest count.
const maxTaught = 50

// Quota is what a provider's answer says of a quota: Left of Limit tokens for Per, 0 where that is not known.
type Quota struct {
	Limit, Left int64
	Per         time.Duration
}

// lesson is what a call has taught, on its way to the store.
type lesson struct {
	bucket.Taught

	route *Route // whose limit learns
}

// Teach has the store learn from a call on a grant, for a limit of its route. That a provider has refused a call is sent at once.
func (g *Grant) Teach(what bucket.Lesson, limit int, q Quota) {
	if g.lane == nil {
		return
	}
	t := bucket.Taught{Limit: limit, Lesson: what, Due: g.at, Cost: g.Cost.at(g.Route, limit), Quota: q.Limit, Left: q.Left, Period: q.Per.Microseconds(), Level: UnknownStand}
	if what == bucket.QuotaLeft {
		t.Sent = g.at
		t.Due += time.Since(g.Due).Microseconds()
		if g.stand == nil {
			g.lane.shared.tells.Store(true) // from the next requests on grants know where the limits stood
			return
		}
		t.Level = (*g.stand)[limit]
	}
	g.lane.live(func(n *Lane) { n.teachLocked(lesson{t, g.Route}) })
}

// Teach has the store learn from a call of which nobody has the grant, for a limit of a route: as if it had been due now.
func (n *Lane) Teach(of *Route, what bucket.Lesson, limit int, q Quota) {
	now := time.Now()
	n.live(func(n *Lane) {
		t := bucket.Taught{Limit: limit, Lesson: what, Quota: q.Limit, Left: q.Left, Period: q.Per.Microseconds(), Level: UnknownStand}
		t.Due = n.shared.Clock.Store(now) // 0 where the store's clock is not known yet: then it is when the store hears of it
		n.teachLocked(lesson{t, of})
	})
}

// UnknownStand is where a limit stands of which that is not known, later than any other: nothing counts as reserved since.
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

// urgentLessons reports whether something is to be sent without waiting for a request to travel with.
func (n *Lane) urgentLessons() bool {
	for i := range n.taught {
		if n.taught[i].Lesson != bucket.QuotaLeft {
			return true
		}
	}
	return false
}

// lessonsLocked adds what was taught to the request that is made up.
func (n *Lane) lessonsLocked() {
	q, r := n.request, n.route.Load()
	q.Taught, q.Stands = q.Taught[:0], n.shared.tells.Load()
	some := min(len(n.taught), maxTaught)
	for _, l := range n.taught[:some] {
		if l.route.Alike(r) && (l.route.Away == r.Away || l.Lesson != bucket.QuotaLeft) {
			q.Taught = append(q.Taught, l.Taught)
		}
	}
	n.teaching = some
}

// taughtLocked notes that a request has brought lessons to the store, or has not: then the next one does.
func (n *Lane) taughtLocked(err error) {
	if err == nil || n.closed != nil || !n.shared.Passing(err) {
		n.taught = append(n.taught[:0], n.taught[n.teaching:]...)
	}
	n.teaching = 0
}

// standing is where the limits of a route stood after the request, for its reservations; nil where the reply does not say.
func (q *Request) standing(r *Route) *[]int64 {
	if !q.Stands || q.Tell || len(q.Stand) != len(r.Limits) {
		return nil
	}
	stand := slices.Clone(q.Stand)
	return &stand
}
