package limiter

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

	held      rank  // of the ticket; counts while tokens are left on it
	left      int64 // tokens that the ticket still stands for
	r, effect rank
	jump      bool
	need      int64 // µs from now
}

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

// planned is what became of one ask: a reservation due at, or no reservation and the time at which there might be one.
type planned struct {
	reserved bool
	refused  bool  // at is beyond its patience: nothing was taken, and it stands in no line
	at       int64 // µs from now
	bound    int   // the limit that sets it, -1 when it is now
}

// plan serves asks on a route, narrowest limit first, the shared one last. All times are µs from now; earliest is the
// soonest that anything may be due. steps hold the tickets that come with the call, and hold those to come back with.
//
// A reservation is granted when it is due within the horizon, for everybody, and pushes no bucket but the one that
// binds further ahead than that can spare: the shared one's own next token, what it is reserved to anyway, or a quarter
// of its burst. Otherwise the caller stands in the line of the bucket that binds, and everybody behind it too.
func plan(steps []step, horizon, earliest int64, asks []ask) (out []planned, comeBack int64) {
	comeBack = -1
	out = make([]planned, len(asks))
	worst := -1
	var first, ahead int64 // tokens of the first ask that waits, and of all that do
	for i, k := range asks {
		patience := k.patience.Microseconds()
		if worst >= 0 {
			// Those before it wait: so does it, behind them. Its time is an estimate.
			w := &steps[worst]
			at := max(earliest, w.us(w.ready(w.level(w.effect), ahead+k.cost)))
			out[i] = planned{at: at, bound: worst, refused: k.patience >= 0 && at > patience}
			if !out[i].refused {
				ahead += k.cost
			}
			continue
		}
		due, bound, fits := joint(steps, horizon, earliest, k)
		if k.patience >= 0 && due > patience {
			out[i] = planned{at: due, bound: bound, refused: true}
			continue
		}
		if fits {
			for j := range steps {
				s := &steps[j]
				s.charge(due, k.cost, s.r, s.jump, s.effect > called && s.us(s.ready(s.level(s.effect), k.cost)) > due)
				if s.jump {
					s.urgent = max(s.urgent, due*s.tokens) + k.cost*s.urgentToken()
				}
				s.left = max(0, s.left-k.cost)
			}
			out[i] = planned{reserved: true, at: due, bound: bound}
			continue
		}
		if bound < 0 {
			bound = len(steps) - 1
		}
		worst, first, ahead = bound, k.cost, k.cost
		out[i] = planned{at: due, bound: bound}
	}
	if worst >= 0 {
		comeBack = queue(steps, worst, horizon, first, ahead)
	}
	return out, comeBack
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
	}
	last := len(steps) - 1
	shared := &steps[last]
	base := max(earliest, shared.us(shared.ready(shared.level(shared.effect), k.cost)))
	if base > horizon-graceUS && shared.effect > called {
		// Nobody came for these tokens: take a no-show's place.
		if free := max(earliest, shared.us(shared.ready(shared.full, k.cost))); free <= horizon*early/100-graceUS {
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
		s.need = s.us(s.ready(s.level(s.effect), k.cost))
		if s.effect > called && s.need > limit-graceUS {
			if free := s.us(s.ready(s.full, k.cost)); free <= limit-graceUS {
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
		fits = fits && (i == worst || due <= max(base, s.us(s.full), s.lead(horizon)))
	}
	return due, bound, fits
}

// queue puts the caller into the line of the bucket that binds, for as many of its tokens as one turn may take, and
// returns when to come back: early enough before its turn to meet what passed meanwhile.
func queue(steps []step, worst int, horizon, first, tokens int64) (comeBack int64) {
	s := &steps[worst]
	ahead := horizon
	if worst != len(steps)-1 {
		for i := range steps {
			if i != worst {
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
	var turn int64
	if s.r == newcomer && !s.jump {
		s.line += add
		turn = s.ready(s.line, 0)
		s.held, s.left = turned, want
	} else {
		// Its turn has come, but those before it came late, or urgent calls passed.
		s.back += add
		turn = s.ready(s.back, 0)
		if s.r == newcomer {
			s.line += add
		}
		s.line = max(s.line, s.back)
		if s.jump {
			s.urgent += want * s.urgentToken()
		}
		s.held, s.left = called, max(s.left, want)
	}
	return max(0, s.us(turn)-ahead)
}

// urgentToken is the time of one token of the share that urgent calls may take out of turn: half the rate.
func (b *bucket) urgentToken() int64 { return 2 * b.per }
