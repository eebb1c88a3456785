package table

import "time"

// slowest is the divisor of the slowest limit of a row with several.
const slowest = 8

// maxWindow bounds the count of a window, because a limiter remembers each start.
const maxWindow = 1000

// route makes the limits and routes of a row. The wide limit has the row's rate; narrow ones have parts of it, and the
// same kind of burst.
func (r *Row) route(rate Limit, burst, kind uint8) {
	part := func(num, den int64) Limit {
		l := rate.times(num, den)
		l.Burst = burstOf(l, burst)
		return l
	}
	window := func(num, den int64) Limit {
		l := part(num, den)
		n := min(maxWindow, l.Burst)
		// A window of n takes as long as n tokens of the rate.
		per := (l.Per*time.Duration(n)/time.Duration(l.Tokens) + time.Microsecond - 1).Truncate(time.Microsecond)
		return Limit{Tokens: n, Per: per, Burst: n, Window: true}
	}
	switch kind {
	case 0:
		r.Limits = []Limit{part(1, 1)}
		r.Routes = []Route{{[]int{0}, rate.Rate()}}
	case 1:
		r.Limits = []Limit{part(1, 4), part(1, 1)}
		r.Routes = []Route{{[]int{0, 1}, rate.Rate() / 4}}
	case 2:
		r.Limits = []Limit{part(1, 4), part(1, 2), part(1, 1)}
		r.Routes = []Route{{[]int{0, 1, 2}, rate.Rate() / 4}}
	case 3: // the third route is bound by its own limit, the others by the shared one
		r.Limits = []Limit{part(3, 4), part(3, 4), part(1, 8), part(1, 1)}
		r.Routes = []Route{{[]int{0, 3}, rate.Rate() * 7 / 16}, {[]int{1, 3}, rate.Rate() * 7 / 16}, {[]int{2, 3}, rate.Rate() / 8}}
	case 4:
		r.Limits = []Limit{window(1, 4), part(1, 1)}
		r.Routes = []Route{{[]int{0, 1}, r.Limits[0].Rate()}}
	case 5: // a second route has the window alone, so that the window is always used up
		r.Limits = []Limit{part(1, 4), window(1, 1)}
		r.Routes = []Route{{[]int{0, 1}, rate.Rate() / 4}, {[]int{1}, r.Limits[1].Rate() - rate.Rate()/4}}
	}
}
