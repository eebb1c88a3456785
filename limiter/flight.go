package limiter

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// takeOffLocked starts a call for everybody who is left without, or with what is given back. No caller's context bounds
// it. It runs in a goroutine of the limiter, or in that of a caller who has offered to make it: handing it over and back
// costs as much as the call itself. Where the store is this process' own it is over when takeOffLocked returns true.
func (n *lane) takeOffLocked(now time.Time) (landed bool) {
	n.flying = true
	if n.l.store.shared() {
		n.l.flights.Add(1)
		if n.watch == nil {
			n.watch = time.AfterFunc(quick, n.listen)
		} else {
			n.watch.Reset(quick)
		}
		if n.offered {
			n.offered, n.piloted = false, true
		} else {
			go n.fly()
		}
		return false
	}
	if r := n.route.Load(); n.boardLocked(now) {
		err := n.line.reserve(r, &n.call)
		n.l.calls.Add(int64(n.call.runs))
		n.landLocked(r, err, now, time.Now())
	} else {
		n.flying = false
	}
	if n.closed == nil { // then Close waits for it
		n.l.sweepOnUse(now)
	}
	return true
}

// fly makes the call. Where it has been a crowd lately those who were woken by the last reply, and come again at once,
// are let aboard first; where nobody else wants to run that takes no time.
func (n *lane) fly() {
	defer n.l.flights.Done()
	if n.crowd.Load() {
		n.letAboard()
	}
	n.mu.Lock()
	r, sent := n.route.Load(), time.Now()
	if !n.boardLocked(sent) {
		n.flying = false
		n.watch.Stop()
		n.moveLocked(sent)
		n.unlock()
		return
	}
	n.unlock()
	const tries = 4 // a configuration that changes faster than that is not one
	var err error
	for range tries {
		sent = time.Now()
		err = n.line.reserve(r, &n.call)
		n.l.calls.Add(int64(n.call.runs))
		if !errors.Is(err, errOutdated) {
			break
		}
		if failed := n.l.refresh(n.l.life, r.version); failed != nil {
			err = failed
			break
		}
		n.mu.Lock()
		was := r
		r = n.route.Load()
		again := n.boardAgainLocked(sent, was)
		if !again {
			n.flying = false
			n.watch.Stop()
			n.moveLocked(sent)
		}
		n.unlock()
		if !again {
			return
		}
	}
	if errors.Is(err, errOutdated) { // what is in force changes faster than calls are made
		err = fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	received := time.Now()
	n.mu.Lock()
	n.landLocked(r, err, sent, received)
	n.unlock()
}

// letAboard lets others run for as long as more of them come.
func (n *lane) letAboard() {
	for was := -1; ; {
		n.mu.Lock()
		is := n.queue.len
		n.unlock()
		if is == was || is >= maxAsks {
			return
		}
		was = is
		runtime.Gosched()
	}
}

// boardLocked makes up a call of those who are left without. It reports whether there is anything to call for.
func (n *lane) boardLocked(now time.Time) bool {
	c := &n.call
	c.lead = n.l.clock.lead(n.l.s.Slack, n.l.s.Horizon).Microseconds()
	c.asks, c.backs, n.whose = c.asks[:0], c.backs[:0], n.whose[:0]
	c.answers, c.comeBack = c.answers[:0], -1
	n.backsLocked(now, &c.backs)
	n.matchLocked(now)
	n.crowd.Store(n.queue.len > 1)
	n.announced = n.queue.len
	plain := n.queue.odd == 0 && n.pool.odd == 0
	units, burst := 0, int64(0)
	burst, _ = n.burst()
	for i, w := 0, n.queue.first; w != nil && units < maxAsks; i, w = i+1, w.next {
		if plain && i < len(n.pool.grants) || !plain && w.covered {
			continue
		}
		if w.units > maxAsks-units && units > 0 || w.cost > burst {
			continue
		}
		k := bucket.Ask{N: min(w.units, maxAsks), Cost: costs(w.cost), Patience: -1, Urgent: n.key.urgent}
		if !w.arrived.IsZero() && !w.atOnce {
			k.Age = max(0, now.Sub(w.arrived).Microseconds())
		}
		switch {
		case w.atOnce:
			k.Patience = c.lead // at once is as soon as the reply can be relied upon
		case !w.deadline.IsZero():
			k.Patience = max(0, w.deadline.Sub(now).Microseconds())
		}
		last := len(c.asks) - 1
		alike := last >= 0 && c.asks[last].Cost[0] == w.cost && c.asks[last].Patience == k.Patience && c.asks[last].Age-k.Age <= alikeAge(last, k.Age)
		if !alike && len(c.asks) == maxRuns {
			break
		}
		if alike {
			c.asks[last].N += k.N
		} else {
			c.asks = append(c.asks, k)
		}
		w.aboard = k.N
		units += k.N
		n.whose = append(n.whose, w)
	}
	if len(c.asks) > 0 || n.queue.len == 0 {
		n.comeBack = time.Time{}
	}
	return len(c.asks) > 0 || len(c.backs) > 0 || n.lined && !n.kept || n.closed != nil && n.lined
}

// alikeAge is how much callers of one run of a request may differ in age, µs. The first runs are the ones that a reply may
// serve: their order counts. A request of hundreds of callers has some tens of runs.
func alikeAge(run int, age int64) int64 {
	const exact, near = 16, 2000
	if run < exact {
		return near
	}
	return max(30_000, age/16)
}

// costs is the cost of a call on every limit of its route.
func costs(n int64) []int64 {
	if n == 1 {
		return one
	}
	return []int64{n}
}

var one = []int64{1} //nolint:gochecknoglobals // a constant

// landLocked hands out what a call over a route has brought.
func (n *lane) landLocked(r *route, err error, sent, received time.Time) {
	c := &n.call
	n.flying = false
	now := received
	n.healthy = err == nil && received.Sub(sent) < quick
	if n.watch != nil {
		n.watch.Stop()
	}
	if err == nil {
		n.l.clock.observe(c.now, sent, received)
		n.trip = max(received.Sub(sent), n.trip*7/8)
	}
	to := n.route.Load()
	former := r != to && !alike(r, to) // the reservations of this reply are charged to limits that are the route's no longer
	if err == nil && !former {
		n.unpackLocked(r, received)
	}
	n.lined = err == nil && c.comeBack >= 0
	n.kept = slices.ContainsFunc(n.whose, func(w *waiter) bool { return w.once })
	if n.lined {
		n.comeBack = n.l.clock.local(c.now+c.comeBack, received)
		if n.route.Load() != r {
			n.comeBack = now // what is in force has changed meanwhile
		}
		if soonest := received.Add(soonest); n.comeBack.Before(soonest) {
			n.comeBack = soonest
		}
		if latest := received.Add(recheck); n.comeBack.After(latest) {
			n.comeBack = latest
		}
		n.comeBack = n.comeBack.Add(rand.N(jitter))
	}
	for _, w := range n.whose {
		w.aboard = 0 // nothing refers to it from here on
	}
	n.matchLocked(now) // those who got something in spite of an error are not told of it
	for _, w := range n.whose {
		switch {
		case w.gone && w.shadow:
			n.ended = append(n.ended, w)
			continue
		case w.gone:
			n.l.waiters.recycle(w)
			continue
		case w.done || w.covered:
		case err != nil:
			n.endLocked(w, err)
		case former: // the next call asks for it, by the limits of now
		case w.verdict == bucket.Refused && w.atOnce:
			n.endLocked(w, errRefused)
		case w.verdict == bucket.Refused:
			n.endLocked(w, &DeadlineError{
				Route: r.name, Ready: time.Duration(w.readyIn)*time.Microsecond + sent.Sub(w.arrived),
			})
		case w.verdict == bucket.Waiting && w.once:
			n.endLocked(w, &laterError{n.comeBack})
		case w.atOnce:
			// Its token is due as soon as the reply could be relied upon, which is a moment from now.
			n.queue.count(w, -1)
			w.atOnce = false
			n.queue.count(w, 1)
		}
		w.verdict = 0
	}
	clear(n.whose)
	n.whose = n.whose[:0]
	n.moveLocked(now)
}

// unpackLocked puts the reservations of a reply into the pool, and notes of each caller what became of it.
func (n *lane) unpackLocked(r *route, received time.Time) {
	c := &n.call
	at, unit := 0, 0
	for _, a := range c.answers {
		g := grant{lane: n, path: r}
		var limit bucket.Limit
		if a.Bound >= 0 {
			limit = r.cores[a.Bound]
			if a.Verdict == bucket.Reserved {
				g.bucket = r.limits[a.Bound].bucket
			}
		}
		for k := range a.N {
			if at == len(n.whose) {
				return // more answers than asks: nobody's
			}
			w := n.whose[at]
			due := a.Due(k, limit, w.cost)
			switch a.Verdict {
			case bucket.Reserved:
				if k == 0 || due != g.own-c.now {
					g.own = c.now + due
					g.due = n.l.clock.local(g.own, received)
				}
				g.cost, g.wait, g.turns = w.cost, 0, 0
				if g.bucket != "" && !w.gone && !w.arrived.IsZero() {
					g.wait, g.turns = max(0, g.due.Sub(w.arrived)), w.asked
				}
				n.pool.add(g)
			case bucket.Waiting:
				n.tail, n.every = n.l.clock.local(c.now+due, received), limit.Interval(1)
				fallthrough
			case bucket.Refused:
				w.verdict, w.readyIn = a.Verdict, due
			}
			if unit++; unit == w.aboard {
				w.asked++
				at, unit = at+1, 0
			}
		}
	}
}
