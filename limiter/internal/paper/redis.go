package paper

import (
	"math"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// route holds the limits that calls of one kind pass.
type route struct {
	number int
	core   bucket.Route
	limits []bucket.Limit
	plain  bool // the short script may serve its calls
}

// redis is the state of the one server. Requests queue in front of it.
type redis struct {
	free  time.Duration // when it has finished all work received so far
	got   bucket.Reply
	query bucket.Request
}

// epochUS is time 0 of a world on the clock of the core, µs. It is so large that no limit seems to have been used
// recently.
const epochUS = 1_000_000_000_000_000

// onPaper converts a time of the core's clock, µs, to the time of the world.
func onPaper(us int64) time.Duration { return time.Duration(us-epochUS) * time.Microsecond }

// onCore converts a time of the world to the clock of the core, µs.
func onCore(at time.Duration) int64 { return epochUS + at.Microseconds() }

// occupy makes Redis busy with work from begins on, and returns when it has finished.
func (f *fleet) occupy(begins, work time.Duration) (done time.Duration) {
	f.free = begins + work
	f.worked(begins, work)
	return f.free
}

// acquire handles a request that reaches Redis.
func (n *lane) acquire(now time.Duration) {
	begins := max(now, n.free)
	turnedAway := n.route.plain && !n.busy && n.route.lined(onCore(begins))
	if turnedAway {
		n.script(begins)
		n.busy = true
		n.plan(n.occupy(begins, n.Costs.Bail)+n.way()+n.way(), n.acquire)
		return
	}
	short := n.route.plain && !n.busy
	r := &reply{now: onCore(begins)}
	inLine := n.place.inLine
	waits, bound := n.decide(r)
	work := n.Costs.Full
	extra := time.Duration(0)
	switch {
	case short && (waits || bound && len(n.route.limits) > 1):
		n.script(begins)
		work += n.Costs.Bail
		extra = n.way() + n.way()
	case short:
		work = n.Costs.Plain
	}
	work += n.Costs.Ask*time.Duration(max(0, len(n.asks)-1)) + n.Costs.Limit*time.Duration(len(n.route.limits)-1)
	line := n.Costs.Line + time.Duration(math.Log2(float64(1+n.route.lanes()))*float64(n.Costs.Deep))
	if inLine {
		work += line
	}
	if waits {
		work += line
	}
	n.script(begins)
	n.busy = n.route.lined(r.now)
	n.plan(n.occupy(begins, work)+n.way()+extra, func(now time.Duration) { n.take(r, now) })
}

// decide lets the core decide. It reports whether the lane waits, and whether a limit sets a due time.
func (n *lane) decide(r *reply) (waits, bound bool) {
	limits := n.route.core.Limits
	for i, b := range limits {
		b.Enter(r.now, n.route.limits[i], 0)
	}
	n.query = bucket.Request{Lane: n.id, Now: r.now, Horizon: horizon.Microseconds(), Lead: n.lead.Microseconds(), Asks: n.asks}
	got := &n.got
	bucket.Decide(n.route.core, &n.query, got)
	for _, a := range got.Answers {
		bound = bound || a.Bound >= 0
		if a.Verdict != bucket.Reserved {
			continue
		}
		var l bucket.Limit
		if a.Bound >= 0 {
			l = limits[a.Bound].Limit
		}
		for k := range a.N {
			r.grants = append(r.grants, r.now+a.Due(k, l, 1))
		}
	}
	r.comeBack = got.ComeBack
	return r.comeBack >= 0, bound
}

// lined reports whether a limit of the route has a state that the short script cannot handle.
func (r *route) lined(now int64) bool {
	for _, b := range r.core.Limits {
		s := b.State()
		if s.Lanes > 0 || s.Sought > 0 && s.Sought+time.Second.Microseconds() >= now {
			return true
		}
	}
	return false
}

// lanes counts the lanes in the lines of the route.
func (r *route) lanes() (n int) {
	for _, b := range r.core.Limits {
		n += b.State().Lanes
	}
	return n
}
