package lane

import (
	"context"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Run is a number of equal calls that a scheduler could start.
type Run struct {
	N     int       // calls
	Cost  Cost      // of each
	Since time.Time // when the oldest call came; zero for now
}

// Turn is the answer to a scheduler that was not served.
type Turn struct {
	Again time.Time     // when to ask again
	Last  time.Time     // when the last of the requested calls could start, as far as is known
	Every time.Duration // how long one further token takes; 0 if tokens may come together
}

// turnLocked returns the turn of a scheduler of the lane.
func (n *Lane) turnLocked() Turn {
	p, limits := &n.place, n.route.Load().Limits
	t := Turn{Again: p.again, Last: p.last, Every: p.every}
	if p.bound < len(limits) && limits[p.bound].Window {
		t.Last, t.Every = p.first, 0 // the others may start together with the first
	}
	return t
}

// Merge merges the turns of a scheduler with several runs: the earlier one counts, as far as is known.
func (t *Turn) Merge(other Turn) {
	if t.Last.Before(other.Last) {
		t.Last, t.Every = other.Last, other.Every
	}
	t.Again = sooner(t.Again, other.Again)
}

// Taker receives the reservations that a scheduler gets.
type Taker interface{ Take(*Grant) }

// Batch asks once for permission to start the calls of runs. It sorts the runs, oldest first, and gives each
// reservation to a Taker, under the lane's lock. With [ErrNotNow] it returns when to come back: the lane keeps its
// place until then. If ctx ends first, the reservations given so far still belong to the caller.
func (n *Lane) Batch(ctx context.Context, runs []Run, to Taker) (turn Turn, err error) {
	if ctx.Err() != nil {
		return turn, context.Cause(ctx)
	}
	now := time.Now()
	for i := range runs {
		if runs[i].Since.IsZero() {
			runs[i].Since = now
		}
	}
	slices.SortStableFunc(runs, func(a, b Run) int { return a.Since.Compare(b.Since) })
	if n.shared.Local {
		n.mu.Lock()
		if n.closed == nil && n.queue.len == 0 && n.fitsLocked(runs, now) {
			turn, err = n.batchLocked(runs, to, now)
			n.unlock()
			return turn, err
		}
		n.mu.Unlock()
	}
	var few [4]*waiter
	all := few[:0]
	for _, r := range runs {
		w := n.shared.waiters.get(Ask{Mode: Come, Cost: r.Cost, N: min(r.N, maxAsks), Since: r.Since})
		w.to = to
		all = append(all, w)
	}
	n.mu.Lock()
	for _, w := range all {
		n.enterLocked(w, now)
	}
	n.advanceOnArrivalLocked(now)
	n.unlock()
	got := 0
	for _, w := range all {
		select {
		case <-w.ready:
		case <-ctx.Done():
			n.leave(w)
			w.err = context.Cause(ctx)
		}
		got += w.got
		if w.err != nil && (err == nil || err == ErrNotNow) { //nolint:errorlint // never wrapped
			err = w.err
		}
		turn.Merge(w.turn)
		n.shared.waiters.put(w)
	}
	if got > 0 {
		return Turn{}, nil
	}
	return turn, err
}

// fitsLocked reports whether one request can ask for all of these runs, and nothing of the pool serves them.
func (n *Lane) fitsLocked(runs []Run, now time.Time) bool {
	calls := 0
	route := n.route.Load()
	for _, r := range runs {
		calls += r.N
		if route.Check(r.Cost) != nil || route.free(r.Cost) {
			return false
		}
	}
	n.pool.dropLate(now, n.shared.Slack)
	return len(n.pool.grants) == 0 && calls <= maxAsks && len(runs) <= maxRuns
}

// batchLocked is Batch for requests that take no time, with no caller waiting: it asks, and passes on the answers.
func (n *Lane) batchLocked(runs []Run, to Taker, now time.Time) (turn Turn, err error) {
	q, r := n.request, n.route.Load()
	n.used = true
	q.Tell, q.Lead, q.Backs, q.Asks, q.Answers, q.ComeBack = false, 0, q.Backs[:0], q.Asks[:0], q.Answers[:0], -1
	for _, run := range runs {
		q.Asks = append(q.Asks, bucket.Ask{N: run.N, Cost: run.Cost.On(r), Patience: -1, Urgent: n.Urgent, Age: max(0, now.Sub(run.Since).Microseconds())})
	}
	n.reportLocked(now)
	n.holdLocked(now)
	n.lessonsLocked()
	err = n.reserve(n.store, r, q)
	n.reportedLocked(r, err)
	n.taughtLocked(err)
	if err != nil {
		return turn, err
	}
	n.heldLocked(now)
	n.shared.Clock.Observe(q.Now, now, now)
	got, left := 0, runs[0].N // calls of the run that have no answer yet
	found := false
	for _, a := range q.Answers {
		for left == 0 {
			runs = runs[1:]
			left = runs[0].N
		}
		if a.Verdict == bucket.Reserved {
			n.giveAll(r, &a, &runs[0], now, to)
			got += a.N
			r.took(runs[0].Cost, a.N)
		}
		if a.Verdict == bucket.Waiting && a.Bound >= 0 {
			limit, cost := r.limitOf(&a, runs[0].Cost)
			if !found {
				found, n.place.first = true, n.shared.Clock.Local(q.Now+a.Due(0, limit, cost), now)
			}
			n.place.last = n.shared.Clock.Local(q.Now+a.Due(a.N-1, limit, cost), now)
			n.place.every, n.place.bound = a.Interval(limit), a.Bound
		}
		left -= a.N
	}
	n.placeLocked(q.ComeBack >= 0, true, false, now)
	n.shared.Used(now)
	if got > 0 {
		return turn, nil
	}
	return n.turnLocked(), ErrNotNow
}

// giveAll passes on the reservations of one answer.
func (n *Lane) giveAll(r *Route, a *bucket.Answer, run *Run, now time.Time, to Taker) {
	g := &n.scratch
	limit, cost := r.limitOf(a, run.Cost)
	*g = Grant{lane: n, Route: r, Cost: run.Cost, stand: n.request.standing(r)}
	if a.Bound >= 0 {
		g.Bucket = r.Limits[a.Bound].Bucket
	}
	for k := range a.N {
		due := n.request.Now + a.Due(k, limit, cost)
		if k == 0 || due != g.at {
			g.at, g.Due = due, n.shared.Clock.Local(due, now)
		}
		if g.Bucket != "" {
			g.Waited = max(0, g.Due.Sub(run.Since))
		}
		g.since = chargedAt(a, n.request.Now, due, n.shared.Horizon)
		to.Take(g)
	}
}
