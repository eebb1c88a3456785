package lane

import (
	"slices"
	"time"
)

// Grant is leave to start one call, owned by whoever has it.
type Grant struct {
	Due    time.Time // local clock
	Cost   Cost
	Bucket string        // that set the due time, "" when the call could start at once
	Waited time.Duration // from asking until due, 0 when the call could start at once
	Turns  int           // replies that said later, before this one
	Route  *Route        // the limits that it was charged to

	at     int64    // µs, the due time by the store's clock
	since  int64    // µs, when it was charged, or before
	spoken int64    // in a pool: tokens that are for callers who wait until they are due
	lane   *Lane    // nil where nothing was taken
	stand  *[]int64 // where the limits stood after the request that made it; nil where that was not asked
}

// Late reports whether it is more than a slack past its due time, on the monotonic or on the wall clock. The monotonic
// clock stands still while a machine sleeps; the wall clock does not.
func (g *Grant) Late(now time.Time, slack time.Duration) bool {
	return now.Sub(g.Due) > slack || now.Round(0).Sub(g.Due.Round(0)) > slack
}

// Usable reports whether a call may start on it at this moment.
func (g *Grant) Usable(slack time.Duration) bool {
	now := time.Now()
	return !now.Before(g.Due) && !g.Late(now, slack)
}

// Taken reports whether tokens were taken for it.
func (g *Grant) Taken() bool { return g.lane != nil }

// Return gives it up.
func (g *Grant) Return() {
	if g.lane != nil {
		g.lane.putBack(*g)
	}
}

// pool is the grants of a lane that are nobody's yet, by due time.
type pool struct {
	grants []Grant
	odd    int // those of another cost than 1
}

// add takes in a grant, behind those that are due at the same time.
func (p *pool) add(g *Grant) {
	i := len(p.grants)
	for i > 0 && g.Due.Before(p.grants[i-1].Due) {
		i--
	}
	if i == len(p.grants) {
		p.grants = append(p.grants, *g)
	} else {
		p.grants = slices.Insert(p.grants, i, *g)
	}
	if g.Cost != one {
		p.odd++
	}
}

// left is what nobody has spoken for.
func (g *Grant) left() Cost { return Cost{g.Cost.Tokens - g.spoken, g.Cost.Each} }

// serves reports whether a reservation of a cost serves a call of another cost: of as many tokens or fewer; where a cost names
// buckets, of the same cost only.
func (c Cost) serves(call Cost) bool {
	return c == call || c.Each == "" && call.Each == "" && c.Tokens >= call.Tokens
}

// speak sets tokens aside for a caller that waits until they are due. It reports whether there are so many in one grant.
func (p *pool) speak(cost Cost) bool {
	for i := range p.grants {
		if g := &p.grants[i]; g.left().serves(cost) {
			g.spoken += cost.Tokens
			return true
		}
	}
	return false
}

// sweep drops those that were taken, which have no tokens left.
func (p *pool) sweep() {
	p.odd = 0
	p.grants = slices.DeleteFunc(p.grants, func(g Grant) bool {
		if g.Cost.Tokens > 0 && g.Cost != one {
			p.odd++
		}
		return g.Cost.Tokens == 0
	})
}

// shift drops the first n.
func (p *pool) shift(n int) {
	for i := range p.grants[:n] {
		if p.grants[i].Cost != one {
			p.odd--
		}
	}
	p.grants = slices.Delete(p.grants, 0, n)
}

// dropLate drops what can no longer be used.
func (p *pool) dropLate(now time.Time, slack time.Duration) {
	n := 0
	for n < len(p.grants) && p.grants[n].Late(now, slack) {
		p.grants[n].Lose()
		n++
	}
	if n > 0 {
		p.shift(n)
	}
}

// after returns when the first is due that is not due yet, zero if there is none.
func (p *pool) after(now time.Time) time.Time {
	for i := range p.grants {
		if p.grants[i].Due.After(now) {
			return p.grants[i].Due
		}
	}
	return time.Time{}
}
