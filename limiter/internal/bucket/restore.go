package bucket

import "github.com/weir-go/weir/limiter/internal/adapt"

// Place is a lane in the line of a limit.
type Place struct {
	Lane   string
	Key    int64 // arrival, µs; for an urgent lane so much earlier that it comes before all others
	Tokens int64 // that the entry claims
	Cost   int64 // of the lane's first call
	Rest   int64 // tokens that the lane waits for behind those that the entry claims
}

// Start is the number of the last start of a window at a due time, µs.
type Start struct{ Due, Serial int64 }

// Line returns the lanes that wait at the limit, oldest first.
func (b *Bucket) Line() []Place {
	var out []Place
	for _, e := range b.line.entries {
		out = append(out, Place{e.lane, e.key, e.tokens, e.cost, e.rest})
	}
	return out
}

// Starts returns the starts that a window still counts, oldest first.
func (b *Bucket) Starts() []Start {
	var out []Start
	for _, p := range b.log.pairs {
		out = append(out, Start{p.due, p.serial})
	}
	return out
}

// Restore returns a bucket from what was read at a time. It is only for finding out how a request would be decided:
// costs cannot be settled in it.
func Restore(s State, line []Place, starts []Start, now int64) *Bucket {
	b := New(s.Limit)
	b.full, b.last, b.urgent, b.sought = s.Full, s.Last, s.Urgent, s.Sought
	b.log = log{total: s.Total, base: s.Base, edge: s.Edge}
	for _, p := range starts {
		b.log.pairs = append(b.log.pairs, pair{p.Due, p.Serial})
	}
	for _, p := range line {
		b.line.add(entry{lane: p.Lane, key: p.Key, tokens: p.Tokens, cost: p.Cost, rest: p.Rest}, s.Young)
	}
	if learnt, ok := adapt.Parse(s.Learnt, b.adapting(maxHorizon), now); ok {
		b.learnt = &learnt
	}
	b.paused = b.full
	return b
}

// maxHorizon is the longest horizon, µs.
const maxHorizon = 3_600_000_000

// Turn returns when the first call of a lane in line is expected to start, in µs from the time at which the bucket was
// entered; 0 for now.
func (b *Bucket) Turn(place int) int64 {
	ahead := int64(0)
	for _, e := range b.line.entries[:place] {
		ahead += e.tokens
	}
	e := b.line.entries[place]
	return max(0, b.expected(ahead, min(e.cost, b.Burst), b.now).Ceil()-b.now)
}
