package lane

import (
	"sync/atomic"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Tally counts the tokens of one bucket.
type Tally struct {
	Taken    atomic.Int64 // reserved
	Returned atomic.Int64 // returned to the store
	Lost     atomic.Int64 // reserved and not used in time
	Settled  atomic.Int64 // reserved for calls that cost less
	Refused  atomic.Int64 // calls, not tokens, that the provider refused
	Delayed  atomic.Int64 // calls, not tokens, that started in shadow mode and that the bucket would have delayed
}

// Used returns the tokens of calls that could start.
func (t *Tally) Used() int64 {
	return t.Taken.Load() - t.Returned.Load() - t.Lost.Load() - t.Settled.Load()
}

// each calls a function once for the tally of each bucket of a route, with the tokens that calls of a cost take of the
// bucket.
func (r *Route) each(c Cost, count func(t *Tally, tokens int64)) {
	for i := range r.Limits {
		if t := r.Limits[i].Tally; t != nil && (i == 0 || r.Limits[i-1].Tally != t) {
			count(t, c.at(r, i))
		}
	}
}

// took counts reserved tokens.
func (r *Route) took(c Cost, calls int) {
	r.each(c, func(t *Tally, tokens int64) { t.Taken.Add(tokens * int64(calls)) })
}

// returned counts returned tokens.
func (r *Route) returned(c Cost) { r.each(c, func(t *Tally, tokens int64) { t.Returned.Add(tokens) }) }

// corrected counts the difference of a call that cost less than was reserved, or more.
func (r *Route) corrected(s *bucket.Settled) {
	for i := range r.Limits {
		t := r.Limits[i].Tally
		if t == nil || i > 0 && r.Limits[i-1].Tally == t {
			continue
		}
		if surplus := s.Estimated[i] - s.Actual[i]; surplus > 0 {
			t.Settled.Add(surplus)
		} else {
			t.Taken.Add(-surplus)
		}
	}
}

// lost counts tokens that nobody can use any more.
func (r *Route) lost(c Cost) { r.each(c, func(t *Tally, tokens int64) { t.Lost.Add(tokens) }) }

// Lose counts the tokens of a grant as lost.
func (g *Grant) Lose() {
	if g.lane != nil {
		g.Route.lost(g.Cost)
	}
}

// Waiting returns the tokens that callers of the lane wait for.
func (n *Lane) Waiting() (tokens int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := n.queue.first; w != nil; w = w.next {
		tokens += w.Cost.Tokens * int64(w.N)
	}
	return tokens
}
