package limiter

import "math"

// bucket is the state of one limit: the model that the script in Redis is walked against, step by step, and the bucket
// of the in-memory limiter. It has no clock and no lock.
//
// Its level is a deficit, counted at the time it was last seen: how long it takes to be full again, in units of 1/tokens
// of a microsecond. A token is per units, a microsecond gives tokens units back, and both are whole numbers: nothing is
// ever rounded, at no rate. tokens(now) = burst − deficit/per; the bucket is in debt where the deficit is deeper than
// burst·per.
//
// Three deficits stand beside each other, full ≤ back ≤ line: that of what was reserved; with those counted in whose
// turn came before their token did; and with everyone counted in who stands in line.
type bucket struct {
	tokens, per, burst int64 // so many tokens per so many microseconds
	seen               int64 // µs
	full, back, line   int64 // deficits
	urgent             int64 // deficit of the share of the rate with which urgent calls may pass the line
	last               int64 // µs until the latest reservation that is out is due
	hold               int64 // tokens that somebody in line has to gather besides one
	opens              int64 // µs: nothing is due before; 0 for open

	window bool
	width  int64   // µs, of a window
	log    []int64 // µs, due times of a window's last burst reservations, the newest last
	edge   int64   // µs, the newest that was dropped from log, or of what was forgotten
}

// rank is the place of a caller before a bucket: it decides which deficit counts for it.
type rank int64

// The ranks: a newcomer queues behind the line, one whose turn has come behind those whose turn came before, one that
// was called back, or passes the line because it is urgent, behind nobody but what is reserved.
const (
	called rank = iota
	turned
	newcomer
)

// newBucket is a bucket that is empty at a time and in debt by a horizon: the worst that was forgotten before it.
func newBucket(l Limit, at, horizon int64) *bucket {
	tokens, per := l.ratio()
	b := &bucket{tokens: tokens, per: per, burst: l.Burst, seen: at, window: l.Window}
	b.full = b.burst*b.per + horizon*b.tokens
	b.back, b.line, b.last = b.full, b.full, horizon
	if b.window {
		b.width, b.edge = b.burst*b.per/b.tokens, at+horizon
	}
	return b
}

// enter brings the bucket to a time and to the limit in force.
//
// A new limit keeps the number of tokens, and counts from the last reservation that is out: before that the former one
// holds. Both directions turn at the same moment, so that replicas that disagree about a limit lead nowhere.
func (b *bucket) enter(now int64, l Limit) {
	gone := max(0, now-b.seen)
	for _, d := range []*int64{&b.full, &b.back, &b.line, &b.urgent} {
		if *d/b.tokens < gone { // the product below could be beyond what counts exactly
			*d = 0
		} else {
			*d -= gone * b.tokens
		}
	}
	b.last = max(0, b.last-gone)
	b.seen = now
	b.order()
	if b.line == b.full || b.hold >= l.Burst {
		b.hold = 0
	}
	if tokens, per := l.ratio(); tokens != b.tokens || per != b.per || l.Burst != b.burst {
		b.become(tokens, per, l.Burst)
	}
}

// order keeps full ≤ back ≤ line.
func (b *bucket) order() {
	b.back = max(b.back, b.full)
	b.line = max(b.line, b.back)
}

func (b *bucket) become(tokens, per, burst int64) {
	// In floating point, rounded up, once, when a limit changes.
	was, is := float64(b.per)/float64(b.tokens), float64(per)/float64(tokens)
	convert := func(d, more int64) int64 {
		us := float64(d) / float64(b.tokens)
		kept := min(us, float64(b.last))
		rest := min(span, math.Ceil((us-kept)*is/was*float64(tokens))) + float64(more)*float64(per)
		return int64(math.Ceil(kept*float64(tokens)) + max(0, rest))
	}
	more := burst - b.burst
	b.full, b.back, b.line, b.urgent = convert(b.full, more), convert(b.back, more), convert(b.line, more), convert(b.urgent, 0)
	b.tokens, b.per, b.burst = tokens, per, burst
	b.full = max(b.full, b.last*tokens)
	b.order()
	if b.window {
		b.width = burst * per / tokens
	}
}

// level is the deficit that counts for a caller of a rank.
func (b *bucket) level(r rank) int64 {
	switch r {
	case called:
		return b.full
	case turned:
		return b.back
	default:
		return b.line
	}
}

// ready is when a bucket of a deficit can give cost tokens, in units from now; negative when it could before.
func (b *bucket) ready(deficit, cost int64) int64 { return deficit + (cost-b.burst)*b.per }

// us converts units from now to whole microseconds from now, rounded up.
func (b *bucket) us(units int64) int64 {
	if r := units % b.tokens; r > 0 {
		return (units-r)/b.tokens + 1
	} else {
		return (units - r) / b.tokens
	}
}

// bar is the time, in µs from now, before which nothing of a cost is due whatever the deficits: a paused bucket opens
// then, and a window's reservations neither overtake each other nor crowd.
func (b *bucket) bar(cost int64) int64 {
	at := int64(never)
	if b.opens > 0 {
		at = b.opens - b.seen
	}
	if b.window {
		at = max(at, b.newest(1)-b.seen, b.newest(b.burst-cost+1)+b.width-b.seen)
	}
	return at
}

// never is before all times.
const never = -exact

// newest is the n-th last due time of a window, the last being 1, or the edge where it has not so many.
func (b *bucket) newest(n int64) int64 {
	if n > int64(len(b.log)) {
		return b.edge
	}
	return b.log[int64(len(b.log))-n]
}

// lead is how far ahead, in µs, a narrower limit may push this bucket at the price of no more than a quarter of its
// burst. A window would lose all that lies between.
func (b *bucket) lead(horizon int64) int64 {
	if b.window {
		return 0
	}
	return min(horizon, (b.burst-1)*b.per/4/b.tokens)
}

// charge takes cost tokens at a due time, in µs from now, that is not before the bucket can give them. Charging at the
// time of use keeps the limit whatever the order of the dues: the deficit after an insertion is never below that of the
// sorted sequence.
func (b *bucket) charge(due, cost int64, r rank, jump, passed bool) {
	at := due * b.tokens
	if exactly := b.ready(b.full, cost); b.us(exactly) == due {
		at = exactly // so that rounding up to a whole microsecond never adds up
	}
	add := cost * b.per
	b.full = max(b.full, at) + add
	if !passed && (r > called || jump) {
		b.back = max(b.back, at) + add
		if r == newcomer || jump {
			b.line = max(b.line, at) + add
		}
	}
	b.last = max(b.last, due)
	b.order()
	if b.window {
		for range cost {
			b.log = append(b.log, b.seen+due)
		}
		if drop := int64(len(b.log)) - b.burst; drop > 0 {
			b.edge = max(b.edge, b.log[drop-1])
			b.log = append(b.log[:0], b.log[drop:]...)
		}
	}
}

// available returns the tokens in the bucket when it was last seen; negative in debt.
func (b *bucket) available() float64 { return float64(b.burst) - float64(b.full)/float64(b.per) }
