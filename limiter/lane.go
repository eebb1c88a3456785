package limiter

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// lane is the way of one route to the store, for urgent or for ordinary callers. One call of it is under way at a time;
// callers that arrive meanwhile share the next one (flat combining): no timer, no added delay when idle.
//
// Reservations belong to the lane until they are due: then whoever waits first takes one, so that a caller that gives
// up wastes nothing. A lane that could not be served whole holds tickets and comes back with them; it does not poll.
type lane struct {
	l      *Limiter // fixed, like the three below
	route  *route
	id     string
	urgent bool

	mu       sync.Mutex
	waiters  []*waiter      // in order of arrival
	pool     []*Reservation // nobody's yet, by due time
	flying   bool           // a call is under way
	tickets  []ticket       // of the last reply
	comeBack time.Time      // when they are worth something; zero for none
	alarm    *time.Timer    // for the next due time, or for coming back
}

const (
	// maxAsks bounds one call: what one run of the script may have to work through.
	maxAsks = 256
	// soonest is the least time between a reply and coming back with its tickets.
	soonest = time.Millisecond
	// stale is how long after its turn a ticket is still shown.
	stale = 5 * time.Second
	// jitter spreads those who come back at the same time. Due times are spread by construction.
	jitter = 5 * time.Millisecond
)

// join waits in the lane until w has at least one reservation, or an error.
func (n *lane) join(ctx context.Context, w *waiter) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.done = make(chan struct{})
	n.mu.Lock()
	n.waiters = append(n.waiters, w)
	if !n.flying { // else the reply will see to it
		n.moveLocked()
	}
	n.mu.Unlock()
	select {
	case <-w.done:
		return w.err
	case <-ctx.Done():
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	select {
	case <-w.done: // in the same moment
		if w.err == nil {
			for _, r := range w.got {
				n.poolLocked(r)
			}
		}
	default:
		n.waiters = slices.DeleteFunc(n.waiters, func(o *waiter) bool { return o == w })
	}
	n.moveLocked()
	return context.Cause(ctx)
}

// moveLocked does what can be done now: hands out what is due or wanted ahead, asks for what is missing, and sets the
// alarm for what comes next.
func (n *lane) moveLocked() {
	now := time.Now()
	n.pool = slices.DeleteFunc(n.pool, (*Reservation).Late)
	missing := n.matchLocked(now)
	var next time.Time
	if i := slices.IndexFunc(n.pool, func(r *Reservation) bool { return r.due.After(now) }); i >= 0 && len(n.waiters) > 0 {
		next = n.pool[i].due
	}
	if !n.comeBack.IsZero() && now.Sub(n.comeBack) > stale {
		n.comeBack = time.Time{} // nobody came to redeem the tickets
	}
	if missing && !n.flying {
		if !n.comeBack.After(now) {
			n.takeOffLocked()
		} else if n.turnAwayLocked(); next.IsZero() || n.comeBack.Before(next) {
			next = n.comeBack
		}
	}
	if next.IsZero() {
		if n.alarm != nil {
			n.alarm.Stop()
		}
		return
	}
	if n.alarm == nil {
		n.alarm = time.AfterFunc(next.Sub(now), n.ring)
	} else {
		n.alarm.Reset(next.Sub(now))
	}
}

// turnAwayLocked ends the wait of those who would not wait as long as the lane stands in line at least.
func (n *lane) turnAwayLocked() {
	n.waiters = slices.DeleteFunc(n.waiters, func(w *waiter) bool {
		switch {
		case w.covered:
			return false
		case w.atOnce || !w.deadline.IsZero() && w.deadline.Before(n.comeBack):
			w.err = &DeadlineError{Route: n.route.name, Ready: n.comeBack.Sub(w.arrived)}
		case w.once:
			w.err, w.again = errLater, n.comeBack
		default:
			return false
		}
		close(w.done)
		return true
	})
}

func (n *lane) ring() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.moveLocked()
}

// matchLocked goes through those who wait, in order: each takes what is in the pool for its cost, at once if it is due
// or wanted ahead, else when it comes due. It reports whether somebody is left without.
func (n *lane) matchLocked(now time.Time) (missing bool) {
	spoken := 0 // reservations at the front of the pool that earlier waiters wait for
	left := n.waiters[:0]
	for _, w := range n.waiters {
		w.covered = false
		for i := spoken; i < len(n.pool) && len(w.got) < w.units && !w.covered; {
			r := n.pool[i]
			due := !r.due.After(now)
			switch {
			case r.cost != w.cost || w.atOnce && !due:
				i++
				continue
			case w.ahead || due:
				w.got = append(w.got, r)
				n.pool = slices.Delete(n.pool, i, i+1)
			default: // out of the reach of those behind
				w.covered = true
				n.pool = slices.Insert(slices.Delete(n.pool, i, i+1), spoken, r)
				spoken++
			}
		}
		if len(w.got) > 0 {
			close(w.done)
			continue
		}
		missing = missing || !w.covered
		left = append(left, w)
	}
	clear(n.waiters[len(left):])
	n.waiters = left
	n.sortLocked()
	return missing
}

func (n *lane) sortLocked() {
	slices.SortStableFunc(n.pool, func(a, b *Reservation) int { return a.due.Compare(b.due) })
}

// poolLocked takes in a reservation that is nobody's.
func (n *lane) poolLocked(r *Reservation) {
	if !r.Late() {
		n.pool = append(n.pool, r)
		n.sortLocked()
	}
}

// putBack takes in a reservation that its holder did not use.
func (n *lane) putBack(r *Reservation) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.poolLocked(r)
	n.moveLocked()
}

// takeOffLocked starts a call for everybody who is left without. It runs in a goroutine of the limiter, so that no
// caller's context, and no caller that is stuck in a slow read, bounds the others.
func (n *lane) takeOffLocked() {
	var asks []ask
	var whose []*waiter
	for _, w := range n.waiters {
		if w.covered || len(asks)+w.units > maxAsks && len(asks) > 0 {
			continue
		}
		for range min(w.units, maxAsks) {
			asks, whose = append(asks, ask{cost: w.cost, patience: -1, urgent: n.urgent}), append(whose, w)
		}
	}
	if len(asks) == 0 {
		return
	}
	tickets := n.tickets
	if n.comeBack.IsZero() {
		tickets = nil
	}
	n.flying, n.tickets, n.comeBack = true, nil, time.Time{}
	if !n.l.start(func() { n.fly(asks, whose, tickets) }) {
		n.flying = false
		n.closeLocked()
	}
}

// closeLocked ends the wait of everybody.
func (n *lane) closeLocked() {
	for _, w := range n.waiters {
		w.err = ErrClosed
		close(w.done)
	}
	n.waiters, n.pool = nil, nil
	if n.alarm != nil {
		n.alarm.Stop()
	}
}

func (n *lane) fly(asks []ask, whose []*waiter, tickets []ticket) {
	lead, sent := n.l.clock.lead(n.l.s.Slack, n.l.s.Horizon), time.Now()
	for i, w := range whose {
		switch {
		case w.atOnce:
			asks[i].patience = lead // at once is as soon as the reply can be relied upon
		case !w.deadline.IsZero():
			asks[i].patience = max(0, w.deadline.Sub(sent))
		}
	}
	n.l.calls.Add(1)
	got, err := n.l.store.reserve(n.route, n.id, lead, asks, tickets)
	n.land(whose, asks, got, err, sent, time.Now())
}

// land hands out what a call has brought.
func (n *lane) land(whose []*waiter, asks []ask, got reply, err error, sent, received time.Time) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.flying = false
	for i, w := range whose {
		if i == 0 || whose[i-1] != w {
			w.asked++
		}
	}
	if err == nil {
		n.l.clock.observe(got.now, sent, received)
	}
	over := map[*waiter]error{}
	if err != nil {
		for _, w := range whose {
			over[w] = err
		}
	}
	for i, a := range got.answers {
		switch a.verdict {
		case reserved:
			due := n.l.clock.local(got.now+a.at.Microseconds(), received)
			r := &Reservation{route: n.route.name, cost: asks[i].cost, due: due, bucket: a.bucket, slack: n.l.s.Slack, lane: n}
			if w := whose[i]; a.bucket != "" {
				r.wait, r.turns = max(0, due.Sub(w.arrived)), w.asked-1
			}
			n.pool = append(n.pool, r)
		case refused:
			if over[whose[i]] == nil {
				over[whose[i]] = &DeadlineError{Route: n.route.name, Ready: a.at + sent.Sub(whose[i].arrived)}
			}
		case waits:
			if w := whose[i]; w.once && over[w] == nil {
				over[w] = errLater
			}
		}
	}
	n.sortLocked()
	if err == nil && got.comeBack >= 0 {
		n.tickets = got.tickets
		n.comeBack = n.l.clock.local(got.now+got.comeBack.Microseconds(), received)
		if soonest := received.Add(soonest); n.comeBack.Before(soonest) {
			n.comeBack = soonest
		}
		n.comeBack = n.comeBack.Add(rand.N(jitter))
	}
	if len(over) > 0 {
		n.matchLocked(received) // those who got something in spite of it
		n.waiters = slices.DeleteFunc(n.waiters, func(w *waiter) bool {
			if over[w] == nil || w.covered {
				return false
			}
			w.err, w.again = over[w], n.comeBack
			close(w.done)
			return true
		})
	}
	n.moveLocked()
}
