package lane

import (
	"slices"
	"time"
)

// Grant is permission to start one call. It belongs to its holder.
type Grant struct {
	Due    time.Time // local clock
	Cost   Cost
	Bucket string        // that set the due time, "" if the call could start at once
	Waited time.Duration // from asking until due, 0 if the call could start at once
	Turns  int           // replies that named a later time, before this one
	Route  *Route        // the limits that it was charged to

	at       int64    // µs, the due time by the store's clock
	since    int64    // µs, when it was charged, or earlier
	promised int64    // in a pool: tokens promised to callers that wait until the due time
	lane     *Lane    // nil where nothing was taken
	stand    *[]int64 // where the limits stood after the request that made it; nil if that was not requested
}

// Late reports whether the grant is more than a slack past its due time, on the monotonic or on the wall clock. The
// monotonic clock stands still while a machine sleeps; the wall clock does not.
func (g *Grant) Late(now time.Time, slack time.Duration) bool {
	return now.Sub(g.Due) > slack || now.Round(0).Sub(g.Due.Round(0)) > slack
}

// Usable reports whether a call may start on the grant now.
func (g *Grant) Usable(slack time.Duration) bool {
	now := time.Now()
	return !now.Before(g.Due) && !g.Late(now, slack)
}

// Taken reports whether tokens were taken for the grant.
func (g *Grant) Taken() bool { return g.lane != nil }

// Return gives the grant back.
func (g *Grant) Return() {
	if g.lane != nil {
		g.lane.putBack(*g)
	}
}

// pool is the free grants of a lane, by due time.
type pool struct {
	grants []Grant
	odd    int // number of grants of another cost than 1
}

// add adds a grant, behind those that are due at the same time.
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

// left returns the cost that is not promised.
func (g *Grant) left() Cost { return Cost{g.Cost.Tokens - g.promised, g.Cost.Each} }

// serves reports whether a reservation of a cost serves a call of another cost. It serves calls of as many tokens or
// fewer. If a cost names buckets, it serves only the same cost.
func (c Cost) serves(call Cost) bool {
	return c == call || c.Each == "" && call.Each == "" && c.Tokens >= call.Tokens
}

// promise promises tokens to a caller that waits until they are due. It reports whether one grant has so many.
func (p *pool) promise(cost Cost) bool {
	for i := range p.grants {
		if g := &p.grants[i]; g.left().serves(cost) {
			g.promised += cost.Tokens
			return true
		}
	}
	return false
}

// sweep drops used grants, which have no tokens left.
func (p *pool) sweep() {
	p.odd = 0
	p.grants = slices.DeleteFunc(p.grants, func(g Grant) bool {
		if g.Cost.Tokens > 0 && g.Cost != one {
			p.odd++
		}
		return g.Cost.Tokens == 0
	})
}

// shift drops the first n grants.
func (p *pool) shift(n int) {
	for i := range p.grants[:n] {
		if p.grants[i].Cost != one {
			p.odd--
		}
	}
	p.grants = slices.Delete(p.grants, 0, n)
}

// dropLate drops grants that can no longer be used.
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

// after returns when the first grant after now is due; zero if there is none.
func (p *pool) after(now time.Time) time.Time {
	for i := range p.grants {
		if p.grants[i].Due.After(now) {
			return p.grants[i].Due
		}
	}
	return time.Time{}
}
