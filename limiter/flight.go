package limiter

import (
	"errors"
	"math/rand/v2"
	"runtime"
	"time"
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
	if r := n.route.Load(); n.boardLocked(now, r) {
		n.l.calls.Add(1)
		err := n.line.reserve(r, &n.call)
		n.landLocked(r, err, now, time.Now())
	} else {
		n.flying = false
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
	if !n.boardLocked(sent, r) {
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
		n.l.calls.Add(1)
		sent = time.Now()
		if err = n.line.reserve(r, &n.call); !errors.Is(err, errOutdated) {
			break
		}
		if failed := n.l.refresh(n.l.life, r.version); failed != nil {
			err = failed
			break
		}
		n.mu.Lock()
		was := r
		r = n.route.Load()
		again := n.boardAgainLocked(sent, was, r)
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
func (n *lane) boardLocked(now time.Time, r *route) bool {
	c := &n.call
	c.lead = n.l.clock.lead(n.l.s.Slack, n.l.s.Horizon).Microseconds()
	c.asks, c.backs, n.whose = c.asks[:0], c.backs[:0], n.whose[:0]
	c.answers, c.next, c.comeBack = c.answers[:0], c.next[:0], -1
	if n.queue.len == 0 {
		n.backsLocked(now, &c.backs)
	}
	n.matchLocked(now)
	n.crowd.Store(n.queue.len > 1)
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
		w.aboard = min(w.units, maxAsks)
		units += w.aboard
		k := ask{n: w.aboard, cost: w.cost, patience: -1, urgent: n.urgent}
		switch {
		case w.atOnce:
			k.patience = c.lead // at once is as soon as the reply can be relied upon
		case !w.deadline.IsZero():
			k.patience = max(0, w.deadline.Sub(now).Microseconds())
		}
		n.whose = append(n.whose, w)
		if last := len(c.asks) - 1; last >= 0 && c.asks[last].cost == k.cost && c.asks[last].patience == k.patience {
			c.asks[last].n += k.n
		} else {
			c.asks = append(c.asks, k)
		}
	}
	c.tickets = nil
	if !n.comeBack.IsZero() && len(n.tickets) == len(r.limits) && len(c.asks) > 0 {
		c.tickets = n.tickets
	}
	if len(c.asks) > 0 {
		n.tickets, n.comeBack = nil, time.Time{}
	}
	return len(c.asks) > 0 || len(c.backs) > 0
}

// boardAgainLocked makes up the call anew for another configuration, in which some may ask for too much.
func (n *lane) boardAgainLocked(now time.Time, was, is *route) bool {
	tickets := n.call.tickets
	for _, w := range n.whose {
		w.aboard = 0
		switch {
		case w.gone && w.shadow:
			n.ended = append(n.ended, w)
		case w.gone:
			n.l.waiters.recycle(w)
		}
	}
	if tickets != nil && alike(was, is) {
		n.tickets, n.comeBack = tickets, now
	}
	for _, b := range n.call.backs {
		n.pool.add(grant{due: n.l.clock.local(b.due, now), own: b.due, cost: b.cost, lane: n, path: was})
	}
	return n.boardLocked(now, is)
}

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
		n.unpackLocked(r, received)
	}
	asked := n.route.Load()
	n.stood = c.comeBack >= 0
	if err == nil && c.comeBack >= 0 && alike(r, asked) {
		n.tickets = append(make([]ticket, 0, len(c.next)), c.next...)
		n.comeBack = n.l.clock.local(c.now+c.comeBack, received)
		if asked != r {
			n.comeBack = now // what is in force has changed meanwhile
		}
		if soonest := received.Add(soonest); n.comeBack.Before(soonest) {
			n.comeBack = soonest
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
		case w.verdict == refused && w.atOnce:
			n.endLocked(w, errRefused)
		case w.verdict == refused:
			n.endLocked(w, &DeadlineError{
				Route: r.name, Ready: time.Duration(w.readyIn)*time.Microsecond + sent.Sub(w.arrived),
			})
		case w.verdict == waits && w.once:
			n.endLocked(w, &laterError{n.comeBack})
		case w.atOnce:
			// Its token is due as soon as the reply could be relied upon, which is a moment from now.
			n.queue.count(w, -1)
			w.atOnce = false
			n.queue.count(w, 1)
		}
		w.verdict = reserved
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
		g := grant{own: c.now + a.at, lane: n, path: r}
		if a.verdict == reserved {
			g.due = n.l.clock.local(g.own, received)
			if a.bound >= 0 && a.bound < len(r.limits) {
				g.bucket = r.limits[a.bound].bucket
			}
		}
		for range a.n {
			if at == len(n.whose) {
				return // more answers than asks: nobody's
			}
			w := n.whose[at]
			switch a.verdict {
			case reserved:
				g.cost, g.wait, g.turns = w.cost, 0, 0
				if g.bucket != "" && !w.gone && !w.arrived.IsZero() {
					g.wait, g.turns = max(0, g.due.Sub(w.arrived)), w.asked
				}
				n.pool.add(g)
			case refused, waits:
				w.verdict, w.readyIn = a.verdict, a.at
			}
			if unit++; unit == w.aboard {
				w.asked++
				at, unit = at+1, 0
			}
		}
	}
}
