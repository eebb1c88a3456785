package lane

import "sync/atomic"

// Tally counts the tokens of one bucket.
type Tally struct {
	Taken    atomic.Int64 // reserved
	Returned atomic.Int64 // given back to the store
	Lost     atomic.Int64 // reserved, and not used in time
}

// each does something with the tally of each bucket of a route, once.
func (r *Route) each(count func(*Tally)) {
	for i := range r.Limits {
		if t := r.Limits[i].Tally; t != nil && (i == 0 || r.Limits[i-1].Tally != t) {
			count(t)
		}
	}
}

// took counts tokens that were reserved.
func (r *Route) took(tokens int64) { r.each(func(t *Tally) { t.Taken.Add(tokens) }) }

// returned counts tokens that were given back.
func (r *Route) returned(tokens int64) { r.each(func(t *Tally) { t.Returned.Add(tokens) }) }

// lost counts tokens that nobody can use any more.
func (r *Route) lost(tokens int64) { r.each(func(t *Tally) { t.Lost.Add(tokens) }) }

// Lose counts the tokens of a grant as lost.
func (g *Grant) Lose() {
	if g.lane != nil {
		g.Route.lost(g.Cost)
	}
}

// Waiting is the tokens for which callers of the lane wait.
func (n *Lane) Waiting() (tokens int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for w := n.queue.first; w != nil; w = w.next {
		tokens += w.Cost * int64(w.N)
	}
	return tokens
}
