package bucket

import "slices"

// Spare is a reservation that was returned unused.
type Spare struct {
	Due   int64 // µs
	Cost  []int64
	Fresh bool // this request returns it, and no limit of the route has changed since it was made
}

func (s *Spare) cost(i int) int64 {
	if len(s.Cost) == 1 {
		return s.Cost[0]
	}
	return s.Cost[i]
}

// giveBack puts the tokens of reservations that have just been returned back into the buckets, at the configured price,
// which is at most what they were charged. A reservation of which a limit would lose more than half stays a spare.
func (d *decision) giveBack() {
	d.Left = slices.DeleteFunc(d.Left, func(s Spare) bool {
		for i, b := range d.Limits {
			if units := s.cost(i) * b.price; !s.Fresh || units > 0 && 2*b.returned(s.Due, s.cost(i)*b.Per) < units {
				return false
			}
		}
		for i, b := range d.Limits {
			if s.cost(i) == 0 {
				continue
			}
			units := b.returned(s.Due, s.cost(i)*b.Per)
			b.full = b.after(b.full, -units)
			b.paused = b.full
			b.lower(s.Due-d.Horizon, (units+b.Per-1)/b.Per)
		}
		return true
	})
}

// returned returns how much of a reservation, in units of 1/tokens µs, can go back into the bucket; 0 or less for
// nothing.
//
// The level is the maximum, over all reservations, of due + the time of its tokens and of the tokens that were reserved
// after it. Without the reservation the bucket would be full sooner, by the time of its tokens. A later reservation may
// have counted on them. Then the bucket would be full sooner by that time less the distance of the two due times, which
// is at most last − due. For a window, and for a closed bucket, there is no such sum.
func (b *Bucket) returned(due, units int64) int64 {
	if b.Window || b.opens > 0 || due < b.now || due > b.last {
		return 0
	}
	return units - min(b.last-due, span/b.Tokens)*b.Tokens
}

// spare returns the first returned reservation that serves an ask by a time, or -1.
func (d *decision) spare(by int64, a *Ask) int {
	return slices.IndexFunc(d.Left, func(s Spare) bool {
		for i := range d.Limits {
			if s.cost(i) < a.cost(i) {
				return false
			}
		}
		return s.Due >= d.from && s.Due <= by
	})
}

// split takes an ask's tokens from a spare. The rest of the spare serves calls that cost less.
func (d *decision) split(k int, a *Ask) {
	s := &d.Left[k]
	rest, one := make([]int64, len(d.Limits)), len(s.Cost) == 1 && len(a.Cost) == 1
	for i := range rest {
		if rest[i] = s.cost(i) - a.cost(i); rest[i] == 0 && s.cost(i) > 0 {
			d.Left = slices.Delete(d.Left, k, k+1)
			return
		}
	}
	if one {
		rest = rest[:1]
	}
	s.Cost = rest
}
