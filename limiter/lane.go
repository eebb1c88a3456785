package limiter

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// lane is the way of one route to the store. One call of it is on its way at a time; callers that arrive meanwhile
// share the next one (flat combining): no timer, no added delay when idle.
type lane struct {
	l     *Limiter // fixed
	route *route

	mu      sync.Mutex
	waiting []*call        // for the next flight, in order of arrival
	flying  bool           // a goroutine is taking flights
	unused  []*Reservation // given up before use, by due time
}

// call is one caller's share of a flight.
type call struct {
	ask      // of each unit
	units    int
	deadline time.Time // zero for none; patience is measured against it at take-off
	done     chan struct{}

	// guarded by the lane's mu until done is closed
	gone     bool // the caller left: what it gets goes to others
	got      []*Reservation
	earliest time.Duration // where refused: from take-off until it could have started
	err      error
}

// maxAsks bounds one flight: what one script call may have to work through.
const maxAsks = 256

// do takes a call through the next flight, or as much of it as is lying unused. It returns at least one reservation, or
// an error; ctx bounds this caller's wait only, never the flight.
func (n *lane) do(ctx context.Context, c *call) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	n.mu.Lock()
	if n.reuse(c) {
		n.mu.Unlock()
		return nil
	}
	c.done = make(chan struct{})
	n.waiting = append(n.waiting, c)
	if !n.flying {
		if !n.l.start(func() { n.fly(context.WithoutCancel(ctx)) }) {
			n.waiting = slices.DeleteFunc(n.waiting, func(w *call) bool { return w == c })
			n.mu.Unlock()
			return ErrClosed
		}
		n.flying = true
	}
	n.mu.Unlock()

	select {
	case <-c.done:
		return c.err
	case <-ctx.Done():
	}
	n.mu.Lock()
	c.gone = true
	n.waiting = slices.DeleteFunc(n.waiting, func(w *call) bool { return w == c })
	got := c.got // the flight may have landed in the same moment
	n.mu.Unlock()
	for _, r := range got {
		r.Cancel()
	}
	return context.Cause(ctx)
}

// reuse serves a call from reservations that others gave up, as far as they can still be used and come in time.
func (n *lane) reuse(c *call) bool {
	n.unused = slices.DeleteFunc(n.unused, func(r *Reservation) bool {
		if r.Late() {
			return true
		}
		fits := len(c.got) < c.units && r.cost == c.cost && (c.patience < 0 || r.Delay() <= c.patience)
		if fits {
			c.got = append(c.got, r.again())
		}
		return fits
	})
	return len(c.got) > 0
}

// putBack keeps a reservation for the next caller until it is due.
func (n *lane) putBack(r *Reservation) {
	if r.Late() {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	at, _ := slices.BinarySearchFunc(n.unused, r, func(a, b *Reservation) int { return cmp.Compare(a.due.Sub(b.due), 0) })
	n.unused = slices.Insert(n.unused, at, r)
}

// fly takes flights until nobody waits. It runs in a goroutine of the limiter, so that no caller's context, and no
// caller that is stuck in a slow read, bounds the others.
func (n *lane) fly(ctx context.Context) {
	for {
		n.mu.Lock()
		var batch []*call
		asks := 0
		for len(n.waiting) > 0 && (asks == 0 || asks+n.waiting[0].units <= maxAsks) {
			batch, n.waiting = append(batch, n.waiting[0]), n.waiting[1:]
			asks += batch[len(batch)-1].units
		}
		if len(batch) == 0 {
			n.flying = false
			n.mu.Unlock()
			return
		}
		n.mu.Unlock()
		n.flight(ctx, batch, asks)
	}
}

func (n *lane) flight(ctx context.Context, batch []*call, size int) {
	asks := make([]ask, 0, size)
	lead, sent := n.l.clock.lead(n.l.s.Slack), time.Now()
	for _, c := range batch {
		k := c.ask
		switch {
		case !c.deadline.IsZero():
			k.patience = max(0, c.deadline.Sub(sent))
		case k.patience == 0:
			k.patience = lead // at once is when the reply is here
		}
		for range c.units {
			asks = append(asks, k)
		}
	}
	n.l.calls.Add(1)
	now, answers, err := n.l.store.reserve(ctx, n.route, lead, asks)
	received := time.Now()

	var left []*Reservation
	n.mu.Lock()
	for _, c := range batch {
		mine := answers
		if err == nil {
			mine, answers = answers[:c.units], answers[c.units:]
		}
		c.err = err
		for _, a := range mine {
			if !a.reserved {
				c.earliest = time.Duration(a.at-now) * time.Microsecond
				continue
			}
			c.got = append(c.got, &Reservation{
				route: n.route.name, cost: c.cost, due: n.l.clock.local(a.at, now, sent, received),
				wait: time.Duration(a.at-now) * time.Microsecond, bucket: a.bucket, slack: n.l.s.Slack, lane: n,
			})
		}
		if c.gone {
			left = append(left, c.got...)
		}
		close(c.done)
	}
	n.mu.Unlock()
	for _, r := range left {
		r.Cancel()
	}
}
