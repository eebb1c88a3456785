package limiter

import (
	"slices"
	"time"

	"github.com/weir-go/weir/lua"
)

// Model is the bucket on paper, for the walk beside the script.
type Model = bucket

// NewModel is a bucket of the model.
var NewModel = newBucket

// Enter brings a bucket to a time, a limit, and the moment at which it opens.
func (b *bucket) Enter(now int64, l Limit, opens int64) {
	b.enter(now, l)
	b.opens = opens
}

// Deficits are the level as the script stores it.
func (b *bucket) Deficits() [6]int64 {
	return [6]int64{b.full, b.back, b.line, b.urgent, b.last, b.hold}
}

// Window is the log of a window, the newest first, and its edge.
func (b *bucket) Window() (log []int64, edge int64) {
	log = slices.Clone(b.log)
	slices.Reverse(log)
	return log, b.edge
}

// Planned is what the model says of a number of asks.
type Planned struct {
	N                 int
	Reserved, Refused bool
	At                int64
	Bound             int
}

// Asked is a number of asks of the model.
type Asked struct {
	N                int
	Cost, PatienceUS int64
	Urgent           bool
}

// Stub is a ticket: a rank and tokens.
type Stub struct{ Rank, Tokens int64 }

// Spare is a reservation that was given back.
type Spare struct{ Due, Cost int64 }

// Plan runs the model over the limits of buckets of these names, with and to tickets and spare reservations.
func Plan(route []*Model, of []string, tickets []Stub, horizon, earliest int64, asked []Asked, spares []Spare) (out []Planned, comeBack int64, next []Stub, left []Spare) {
	steps := make([]step, len(route))
	for i, b := range route {
		steps[i] = step{bucket: b, of: of[i], held: rank(tickets[i].Rank), left: tickets[i].Tokens}
	}
	asks := make([]ask, len(asked))
	for i, w := range asked {
		asks[i] = ask{n: w.N, cost: w.Cost, urgent: w.Urgent, patience: w.PatienceUS}
	}
	var given []spare
	for _, s := range spares {
		given = append(given, spare{s.Due, s.Cost})
	}
	plans, comeBack, rest := plan(steps, horizon, earliest, asks, given, nil)
	for _, p := range plans {
		out = append(out, Planned{p.n, p.verdict == reserved, p.verdict == refused, p.at, p.bound})
	}
	for _, s := range steps {
		v := s.ticket()
		next = append(next, Stub{int64(v.rank), v.tokens})
	}
	for _, s := range rest {
		left = append(left, Spare{s.due, s.cost})
	}
	return out, comeBack, next, left
}

// Normal is the limit with its zero values filled in.
func Normal(l Limit) (Limit, error) { return l.normal() }

// Args is the limit of a bucket as the scripts take it.
func Args(bucket string, l Limit, own bool, opens int64) lua.Limit {
	return bound{bucket: bucket, limit: l, own: own, opens: opens}.args()
}

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
