package limiter

import (
	"slices"
	"time"
)

// grant is leave to start one call, owned by whoever has it.
type grant struct {
	due    time.Time // local clock
	own    int64     // µs, the same of the store's clock
	cost   int64
	bucket string        // that set it, "" when it was at once
	wait   time.Duration // from asking until due
	turns  int           // times that its lane came back with a ticket
	lane   *lane         // nil where nothing was taken
	path   *route        // the limits that it was charged to
}

// late reports whether it is more than slack past its due time, on the monotonic or on the wall clock. The monotonic
// clock stands still while a machine sleeps; the wall clock does not.
func (g *grant) late(now time.Time, slack time.Duration) bool {
	return now.Sub(g.due) > slack || now.Round(0).Sub(g.due.Round(0)) > slack
}

// usable reports whether a call may start on it at this moment.
func (g *grant) usable(slack time.Duration) bool {
	now := time.Now()
	return !now.Before(g.due) && !g.late(now, slack)
}

// pool is the grants of a lane that are nobody's yet, by due time.
type pool struct {
	grants []grant
	odd    int // those of another cost than 1
}

func (p *pool) add(g grant) {
	if n := len(p.grants); n > 0 && g.due.Before(p.grants[n-1].due) {
		i, _ := slices.BinarySearchFunc(p.grants, g, func(a, b grant) int {
			if a.due.After(b.due) {
				return 1
			}
			return -1 // behind those that are due at the same time
		})
		p.grants = slices.Insert(p.grants, i, g)
	} else {
		p.grants = append(p.grants, g)
	}
	if g.cost != 1 {
		p.odd++
	}
}

// sweep drops those that were taken, which have no cost left.
func (p *pool) sweep() {
	p.grants = slices.DeleteFunc(p.grants, func(g grant) bool { return g.cost == 0 })
}

// shift drops the first n.
func (p *pool) shift(n int) {
	for _, g := range p.grants[:n] {
		if g.cost != 1 {
			p.odd--
		}
	}
	p.grants = slices.Delete(p.grants, 0, n)
}

// dropLate drops what can no longer be used.
func (p *pool) dropLate(now time.Time, slack time.Duration) {
	n := 0
	for n < len(p.grants) && p.grants[n].late(now, slack) {
		n++
	}
	if n > 0 {
		p.shift(n)
	}
}

// after returns when the first is due that is not due yet, zero if there is none.
func (p *pool) after(now time.Time) time.Time {
	for i := range p.grants {
		if p.grants[i].due.After(now) {
			return p.grants[i].due
		}
	}
	return time.Time{}
}
