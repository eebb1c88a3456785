package limiter

import "time"

// Model is the bucket on paper, for the walk beside the script.
type Model = bucket

// NewModel is a bucket of the model.
var NewModel = newBucket

// Enter brings a bucket to a time and a limit.
func (b *bucket) Enter(now int64, l Limit) { b.enter(now, l) }

// Deficits are the level as the script stores it.
func (b *bucket) Deficits() [5]int64 { return [5]int64{b.full, b.back, b.line, b.urgent, b.last} }

// Planned is what the model says of one ask.
type Planned struct {
	Reserved, Refused bool
	At                int64
	Bound             int
}

// Wish is one ask of the model.
type Wish struct {
	Cost, PatienceUS int64
	Urgent           bool
}

// Stub is a ticket: a rank and tokens.
type Stub struct{ Rank, Tokens int64 }

// Plan runs the model over a route, with and to tickets.
func Plan(route []*Model, tickets []Stub, horizon, earliest int64, wishes []Wish) (out []Planned, comeBack int64, next []Stub) {
	steps := make([]step, len(route))
	for i, b := range route {
		steps[i] = step{bucket: b, held: rank(tickets[i].Rank), left: tickets[i].Tokens}
	}
	asks := make([]ask, len(wishes))
	for i, w := range wishes {
		asks[i] = ask{cost: w.Cost, urgent: w.Urgent, patience: time.Duration(w.PatienceUS) * time.Microsecond}
		if w.PatienceUS < 0 {
			asks[i].patience = -1
		}
	}
	plans, comeBack := plan(steps, horizon, earliest, asks)
	for _, p := range plans {
		out = append(out, Planned{p.reserved, p.refused, p.at, p.bound})
	}
	for _, s := range steps {
		v := s.ticket()
		next = append(next, Stub{int64(v.rank), v.tokens})
	}
	return out, comeBack, next
}

// Normal is the limit in lowest terms.
func Normal(l Limit) (Limit, error) { return l.normal() }

// Clock is the mapping of the store's time.
type Clock = clock

// NewClock begins one.
var NewClock = newClock

// Observe, Local and Lead are its verbs.
func (c *clock) Observe(now int64, sent, received time.Time) { c.observe(now, sent, received) }

// Local maps a moment of the store.
func (c *clock) Local(at int64, received time.Time) time.Time { return c.local(at, received) }

// Lead is how far ahead to ask.
func (c *clock) Lead(slack, horizon time.Duration) time.Duration { return c.lead(slack, horizon) }
