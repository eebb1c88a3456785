package limiter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// mostOfBatch is how many calls of a run one batch asks for at most.
const mostOfBatch = 256

// Run is a number of equal calls that a scheduler could start.
type Run struct {
	N      int       // calls, 1 or more; one batch asks for 256 at most, and may get fewer
	Cost   int64     // tokens of each, 1 to the burst of every bucket of the route; zero is 1
	Costs  Costs     // of each call, where that differs between buckets: see [Costs]; zero is none
	Since  time.Time // when the oldest of the calls came: older runs go first, across replicas too; zero is now
	Urgent bool      // as by [Urgent]
}

// Turn is the answer to a scheduler whose calls have to wait.
type Turn struct {
	Again time.Time     // when to ask again
	Last  time.Time     // when the last of the requested calls could start, as far as is known now; behind a window, the first; zero if unknown
	Every time.Duration // how long each further token takes after Last; 0 if unknown, as behind a window
}

// ReserveBatch reserves the calls of some runs in one request. It is for schedulers that know how many calls they could
// start and do not want to wait while they hold room for them. It returns the reservations that are due within the
// horizon, each with its own due time, earliest first. If there are none it returns a [Turn] with the time to ask
// again. Until then the route keeps its place in line, unless other callers of the route ask, or a reservation is
// cancelled. A run that comes back with its Since keeps its turn in any case. [Reservation.Cost] and
// [Reservation.Costs] are the cost of each. A deadline of ctx bounds only the request and does not change the answer.
func (l *Limiter) ReserveBatch(ctx context.Context, route string, runs ...Run) ([]*Reservation, Turn, error) {
	var few [2][4]lane.Run // most have one run
	kinds, b := [2][]lane.Run{few[0][:0], few[1][:0]}, batch{}
	for _, r := range runs {
		if r.N < 1 || r.Cost < 0 {
			return nil, Turn{}, fmt.Errorf("limiter: route %s: %d calls of %d tokens: want 1 or more of 1 or more", route, r.N, r.Cost)
		}
		cost, err := l.costOf(route, &b, &r)
		if err != nil {
			return nil, Turn{}, err
		}
		kind := 0
		if r.Urgent {
			kind = 1
		}
		kinds[kind] = append(kinds[kind], lane.Run{N: r.N, Cost: cost, Since: r.Since})
		b.most += r.N
	}
	var turn lane.Turn
	for kind, runs := range kinds {
		if len(runs) == 0 {
			continue
		}
		part, err := l.batch(ctx, route, &b, runs, kind == 1)
		if err != nil && len(b.all) == 0 {
			return nil, Turn{}, err
		}
		turn.Merge(part)
	}
	if len(b.all) > 0 {
		return b.byDue(), Turn{}, nil
	}
	return nil, Turn(turn), nil
}

// costOf returns the cost that is reserved for each call of a run.
func (l *Limiter) costOf(route string, b *batch, r *Run) (lane.Cost, error) {
	asked, err := r.Costs.cost(route, max(1, r.Cost))
	if err != nil || l.estimates == nil || asked.Each == "" {
		return asked, err
	}
	n, err := l.lane(route, r.Urgent)
	if err != nil {
		return asked, err
	}
	cost, err := l.estimates.scaled(n.Route(), r.Costs).cost(route, max(1, r.Cost))
	b.named = append(b.named, named{cost, asked, r.N})
	return cost, err
}

// batch collects the reservations of a scheduler.
type batch struct {
	all   []Reservation
	most  int     // calls that were asked for
	named []named // calls whose reserved cost differs from the requested one
}

// named is a number of calls whose reserved cost differs from the requested one.
type named struct {
	cost, asked lane.Cost
	calls       int
}

// Take adds a reservation to the batch.
func (b *batch) Take(g *lane.Grant) {
	n := len(b.all)
	if n == cap(b.all) {
		b.all = append(make([]Reservation, 0, n+min(256, max(1, b.most-n))), b.all...)
	}
	b.all = b.all[:n+1]
	b.all[n].grant, b.all[n].asked = *g, g.Cost
	for i := range b.named {
		if k := &b.named[i]; k.cost == g.Cost && k.calls > 0 {
			k.calls--
			b.all[n].asked = k.asked
			break
		}
	}
}

// batch asks a lane of a route for a scheduler. If nothing was granted it returns when to ask again.
func (l *Limiter) batch(ctx context.Context, route string, b *batch, runs []lane.Run, urgent bool) (turn lane.Turn, err error) {
	n, err := l.lane(route, urgent)
	if err != nil {
		return turn, err
	}
	if l.shadows.Load() {
		b.pretend(l, n, runs)
		return turn, nil
	}
	before := len(b.all)
	turn, err = n.Batch(ctx, runs, b)
	if err == lane.ErrRetired { //nolint:errorlint // never wrapped
		err = l.through(n, func(n *lane.Lane) (err error) {
			turn, err = n.Batch(ctx, runs, b)
			return err
		})
	}
	if err != nil && l.shadows.Load() && (err == errPretend || err == lane.ErrNotNow) { //nolint:errorlint // never wrapped
		b.pretend(l, n, runs) // shadow mode began meanwhile
		return turn, nil
	}
	l.telemetry.served(ctx, n, len(b.all)-before, err)
	l.telemetry.alone(ctx, n.Route(), len(b.all)-before)
	if len(n.Route().Beside) > 0 {
		for i := range b.all[before:] {
			l.judgeBeside(n, b.all[before+i].grant.Cost)
		}
	}
	if err == nil || err == lane.ErrNotNow { //nolint:errorlint // never wrapped
		return turn, nil
	}
	return turn, l.public(n, err)
}

// pretend lets the calls of runs start at once, at most as many as one batch asks for.
func (b *batch) pretend(l *Limiter, n *lane.Lane, runs []lane.Run) {
	for _, r := range runs {
		most := min(r.N, mostOfBatch)
		l.pretend(n, r.Cost, most)
		for range most {
			l.judgeBeside(n, r.Cost)
			g := pretended(n, r.Cost)
			b.Take(&g)
		}
	}
}

// byDue returns the reservations by due time. Those of one run usually are in that order already.
func (b *batch) byDue() []*Reservation {
	out, ordered := make([]*Reservation, len(b.all)), true
	for i := range b.all {
		out[i] = &b.all[i]
		ordered = ordered && (i == 0 || !out[i].grant.Due.Before(out[i-1].grant.Due))
	}
	if !ordered {
		slices.SortStableFunc(out, func(a, b *Reservation) int { return a.grant.Due.Compare(b.grant.Due) })
	}
	return out
}
