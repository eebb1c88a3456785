package limiter

import "slices"

// This file is the joint reservation on paper: what acquire.lua does, in the same order and with the same numbers.

// Parameters of the plan. They decide who waits how, never what a bucket gives; they were chosen on simulated fleets of
// 16 and 64 replicas.
const (
	// early is the share of the horizon, in percent, that a ticket comes back before its turn: urgent calls that passed
	// meanwhile, and turns that came later than told, are met with that, not with a second wait.
	early = 60
	// graceUS is how long a token is left for the one whose turn it is, µs; then it is anybody's, so that tickets that
	// are lost cost no budget.
	graceUS = 20_000
)

// step is one limit of a route on its way through a call: the bucket, and the caller's ticket there.
type step struct {
	*bucket

	of        string // the name of the bucket that it is a limit of
	held      rank   // of the ticket; counts while tokens are left on it
	left      int64  // tokens that the ticket still stands for
	r, effect rank
	jump      bool
	bar       int64 // µs from now: nothing is due before
	asked     int64 // µs from now: due by the deficit of the effective rank
	need      int64 // the same, but for no-shows
}

// soonest is when a bucket of a deficit can give cost tokens, in µs from now; negative when it could before.
func (s *step) soonest(deficit, cost int64) int64 { return max(s.bar, s.us(s.ready(deficit, cost))) }

// ticket is a place in the line of one limit: the rank that its holder has there, for so many tokens. A lane holds one
// for each limit of its route, most of them for none.
type ticket struct {
	rank   rank
	tokens int64
}

// ticket is what the caller comes back with.
func (s *step) ticket() ticket {
	if s.left == 0 {
		return ticket{rank: newcomer}
	}
	return ticket{s.held, s.left}
}

// planned is what became of a number of asks alike: reservations due at, or none and the time at which there might be
// one.
type planned struct {
	n       int
	verdict verdict
	at      int64 // µs from now; of those that wait, of the first
	bound   int   // the limit that sets it, -1 when it is now
}

// spare is a reservation that was given back, due so many µs from now.
type spare struct{ due, cost int64 }

// plan serves asks on a route, narrowest limit first, the shared one last. All times are µs from now; earliest is the
// soonest that anything may be due. steps hold the tickets that come with the call, and hold those to come back with.
// spares, earliest first, are handed out before anything new is charged; those that are left are returned. Answers are
// appended to out.
//
// A reservation is granted when it is due within the horizon, for everybody, and pushes no bucket but the one that
// binds further ahead than that can spare: the shared one's own next token, what it is reserved to anyway, or a quarter
// of its burst. Otherwise the caller stands in the line of the bucket that binds, and everybody behind it too.
func plan(steps []step, horizon, earliest int64, asks []ask, spares []spare, out []planned) (_ []planned, comeBack int64, left []spare) {
	comeBack = -1
	worst := -1
	var first, ahead int64 // tokens of the first ask that waits, and of all that do
	say := func(v verdict, at int64, bound int) {
		if n := len(out) - 1; n >= 0 && out[n].verdict == v && out[n].bound == bound && (out[n].at == at || v == waits) {
			out[n].n++
			return
		}
		out = append(out, planned{1, v, at, bound})
	}
	for _, k := range asks {
		for range k.n {
			var due int64
			var bound int
			var fits bool
			if worst >= 0 {
				// Those before it wait: so does it, behind them. Its time is an estimate.
				w := &steps[worst]
				due, bound = max(earliest, w.soonest(w.level(w.effect), ahead+k.cost)), worst
			} else {
				due, bound, fits = joint(steps, horizon, earliest, k)
			}
			by := horizon
			if fits {
				by = due
			}
			if k.patience >= 0 {
				by = min(by, k.patience)
			}
			given := slices.IndexFunc(spares, func(s spare) bool { return s.due >= earliest && s.due <= by && s.cost == k.cost })
			switch {
			case given >= 0:
				say(reserved, spares[given].due, -1)
				spares = slices.Delete(spares, given, given+1)
				for j := range steps {
					steps[j].left = max(0, steps[j].left-k.cost)
				}
			case k.patience >= 0 && due > k.patience:
				say(refused, due, bound)
			case fits:
				for j := range steps {
					s := &steps[j]
					s.charge(due, k.cost, s.r, s.jump, s.effect > called && s.asked > due)
					if s.jump {
						s.urgent = max(s.urgent, due*s.tokens) + k.cost*s.urgentToken()
					}
					s.left = max(0, s.left-k.cost)
				}
				say(reserved, due, bound)
			default:
				if worst < 0 {
					if bound < 0 {
						bound = len(steps) - 1
					}
					worst, first = bound, k.cost
				}
				ahead += k.cost
				say(waits, due, worst)
			}
		}
	}
	if worst >= 0 {
		comeBack = lineUp(steps, worst, horizon, first, ahead)
	}
	return out, comeBack, spares
}

// joint is the earliest due time of one ask on every bucket of the route, the limit that sets it (-1 for none), and
// whether it may be granted.
func joint(steps []step, horizon, earliest int64, k ask) (due int64, bound int, fits bool) {
	for i := range steps {
		s := &steps[i]
		s.r, s.jump = newcomer, false
		if s.left > 0 {
			s.r = s.held
		}
		s.effect = s.r
		if k.urgent && s.line > s.full && s.r > called && s.urgent-(max(1, s.burst/2)-1)*s.urgentToken() <= horizon*s.tokens {
			s.jump, s.effect = true, called
		}
		s.bar = s.bucket.bar(k.cost)
		s.asked = s.soonest(s.level(s.effect), k.cost)
		s.need = s.asked
	}
	last := len(steps) - 1
	shared := &steps[last]
	base := max(earliest, shared.need)
	if base > horizon-graceUS && shared.effect > called {
		// Nobody came for these tokens: take a no-show's place.
		if free := max(earliest, shared.soonest(shared.full+shared.hold*shared.per, k.cost)); free <= horizon*early/100-graceUS {
			base = free
		}
	}
	due, worst := earliest, 0
	for i := range steps {
		s := &steps[i]
		limit := base
		if i == last {
			limit = horizon * early / 100
		}
		if s.effect > called && s.need > limit-graceUS {
			if free := s.soonest(s.full+s.hold*s.per, k.cost); free <= limit-graceUS {
				s.need = free
			}
		}
		if s.need > steps[worst].need || s.need == steps[worst].need && i == last {
			worst = i
		}
		due = max(due, s.need)
	}
	bound = worst
	if steps[worst].need <= earliest {
		bound = -1
	}
	fits = due <= horizon
	for i := range steps {
		s := &steps[i]
		spared := max(base, s.lead(horizon))
		if !s.window {
			spared = max(spared, s.us(s.full))
		}
		// Limits of one bucket are charged together, always: what one of them pushes another one ahead is no loss.
		fits = fits && (s.of == steps[worst].of || due <= spared)
	}
	return due, bound, fits
}

// lineUp puts the caller into the line of the bucket that binds, for as many of its tokens as one turn may take, and
// returns when to come back: early enough before its turn to meet what passed meanwhile.
func lineUp(steps []step, worst int, horizon, first, tokens int64) (comeBack int64) {
	s := &steps[worst]
	ahead := horizon
	if s.of != steps[len(steps)-1].of {
		for i := range steps {
			if steps[i].of != s.of {
				ahead = min(ahead, steps[i].lead(horizon))
			}
		}
	}
	ahead = ahead * early / 100
	want := min(tokens, max(first, min(s.burst/2, s.burst-1)+ahead*s.tokens/s.per))
	if s.left > 0 {
		want = min(want, s.left)
	}
	add := want * s.per
	s.hold = max(s.hold, first-1)
	var turn int64 // the deficit at which it comes
	if s.r == newcomer && !s.jump {
		s.line += add
		turn = s.line
		s.held, s.left = turned, want
	} else {
		// Its turn has come, but those before it came late, or urgent calls passed.
		s.back += add
		turn = s.back
		if s.r == newcomer {
			s.line += add
		}
		s.line = max(s.line, s.back)
		if s.jump {
			s.urgent += want * s.urgentToken()
		}
		s.held, s.left = called, max(s.left, want)
	}
	return max(0, s.soonest(turn, 0)-ahead)
}

// urgentToken is the time of one token of the share that urgent calls may take out of turn: half the rate.
func (b *bucket) urgentToken() int64 { return 2 * b.per }
