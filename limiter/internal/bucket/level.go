package bucket

import (
	"math"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// Bucket is the state of one limit. Times are µs.
type Bucket struct {
	Limit

	full   Moment       // the level: when the bucket will be full again
	now    int64        // when it was last entered
	last   int64        // due time of the latest reservation
	sought int64        // when it last set the due time of a call that passes other limits, too
	urgent int64        // when the share of urgent calls will be full again
	opens  int64        // the bucket is closed until then, and empty at that moment, see close; 0 for open
	paused Moment       // full as it would be without opens, kept until the next charge
	log    log          // of a window
	learnt *adapt.State // from the provider's answers; nil if nothing
	hope   int64        // the price that callers with a long wait may count on
	price  int64        // units of 1/Tokens µs that a token is charged: Per, or more where the provider serves less
	starts int64        // of a window: the part of Burst that may be used
	eras   []era        // how empty it was, oldest first; nil until a cost was corrected
	line   line
}

// New returns a full bucket.
func New(l Limit) *Bucket { return &Bucket{Limit: l, price: l.Per, hope: l.Per, starts: l.Burst} }

// Lost returns a bucket of which nothing is known at a time: empty, and in debt by the horizon. Every forgotten
// reservation is due before now + horizon.
func Lost(l Limit, now, horizon int64) *Bucket {
	b := New(l)
	b.last = now + horizon
	if l.Window {
		b.log.edge = b.last
	} else {
		b.full = b.empty(b.last)
	}
	return b
}

// Enter updates the bucket to a time, to the limit in force, and to the moment at which it opens.
func (b *Bucket) Enter(now int64, l Limit, opens int64) {
	b.now, b.full = now, b.level()
	if l.Tokens != b.Tokens || l.Per != b.Per || l.Burst != b.Burst {
		b.become(now, l)
	}
	b.opens, b.paused = opens, b.full
	if b.learnt != nil && b.learnt.Slowed > now+farthest && b.learnt.Slowed != opens {
		b.learnt.Slowed = now // it belongs to a hold that was ended
	}
	if l.Start == 0 && b.learnt != nil && b.learnt.Seen > 0 {
		b.learnt = nil // the limit is known now
	}
	b.Keeps = l.Keeps
	if b.Start = l.Start; l.Start > 0 {
		if b.learnt == nil {
			s := adapt.New()
			b.learnt = &s
		}
		b.learnt.Enter(b.adapting(0), now)
	}
	b.reprice()
	if b.Window {
		b.log.expire(now, b.Width())
	}
	b.close()
}

// close empties a closed bucket at the moment at which it opens, unless it keeps its tokens.
func (b *Bucket) close() {
	if b.opens > 0 && !b.Window && !b.Keeps {
		b.raise(b.empty(b.opens))
	}
}

// Empty empties the bucket at a time, unless it is emptier. A window is then shut for its width.
func (b *Bucket) Empty(at int64) {
	b.full, b.opens = b.level(), 0
	if b.Window {
		b.log.edge = max(b.log.edge, at)
	} else if was := b.full; b.eras != nil {
		if b.raise(b.empty(at)); b.full != was {
			b.forgetEras()
		}
	} else {
		b.raise(b.empty(at))
	}
}

// empty returns the level of a bucket that has no token at a time.
func (b *Bucket) empty(at int64) Moment { return b.after(Moment{At: at}, b.Burst*b.Per) }

func (b *Bucket) raise(m Moment) {
	if before(b.full, m) {
		b.full = m
	}
}

// level returns the level that stays: without a reservation behind it, a pause ends when it is withdrawn.
func (b *Bucket) level() Moment {
	if b.opens > 0 {
		return b.paused
	}
	return b.full
}

func before(a, b Moment) bool { return a.At < b.At || a.At == b.At && a.Frac < b.Frac }

// become changes the limit. The number of tokens stays. The new rate counts from the last outstanding reservation;
// until then the former rate holds. Whole tokens stay exact; others are rounded up, once, in floating point.
func (b *Bucket) become(now int64, l Limit) {
	from := max(now, b.last)
	missing := 0.0 // tokens
	if b.full.Ceil() > from {
		missing = float64((b.full.At-from)*b.Tokens+b.full.Frac) / float64(b.Per)
	}
	whole := b.beyond(from)
	if b.owes(now) == 0 { // more is a rounding error
		missing, whole = min(missing, float64(b.Burst)), min(whole, b.Burst)
	}
	units := b.unitsOf(missing, l)
	units = min(units, 2*l.Burst*l.Per) // no more than one burst of debt
	b.Limit, b.learnt = l, nil          // a changed limit starts without what was learnt
	b.reprice()
	b.full = b.after(Moment{At: from}, max(0, units))
	if b.eras != nil {
		b.noteTokens(min(whole, max(0, units)/l.Per))
	}
}

// unitsOf returns how many units a bucket of another limit misses that has as many tokens as this one. missing is what
// this one misses. If a product would not be exact, the difference of the bursts is taken first; tokens may then be
// rounded.
func (b *Bucket) unitsOf(missing float64, l Limit) int64 {
	per, more := float64(l.Per), float64(l.Burst-b.Burst)
	if wide := missing * per; wide < span && math.Abs(more)*per < span {
		return int64(math.Ceil(wide)) + (l.Burst-b.Burst)*l.Per
	}
	return int64(math.Min(span, math.Ceil(math.Max(0, missing+more)*per)))
}

// Inherit takes over the number of tokens of a bucket that this one replaces, if that is smaller.
func (b *Bucket) Inherit(now int64, from *Bucket) {
	former := &Bucket{Limit: from.Limit, full: from.level(), last: from.last}
	former.become(now, b.Limit)
	b.last = max(b.last, former.last)
	b.full = b.level()
	b.raise(former.full)
	b.opens, b.paused = 0, b.full
	if b.eras != nil {
		b.forgetEras()
	}
}

// tokenAt returns when the tokens of a call have arrived behind others, both together 1 or more; in the past if they
// are there already. alike is how many further tokens arrive at the same moment, which only a window has. The n-th
// token of a window arrives one width after the n-th oldest of its last Burst starts, and every Burst further tokens
// arrive one width after those have been used. If the provider serves less, fewer starts count for the burst.
func (b *Bucket) tokenAt(ahead, cost int64) (at Moment, alike int64) {
	if b.Window {
		n, burst := ahead+cost, max(b.starts, min(cost, b.Burst))
		again := (n - 1) / burst
		us, alike := b.log.oldest(n-again*burst, burst)
		us = max(us+b.Width(), b.last, b.opens) // due times never decrease
		if again > 0 {
			us = max(us, b.now) + again*b.Width()
		}
		return Moment{At: us}, alike
	}
	at = b.slot(ahead, cost, b.price)
	if at.At < b.opens { // only a bucket that keeps its tokens has some before it opens
		at = Moment{At: b.opens}
	}
	return at, 0
}

// slot returns when the tokens of a call have arrived behind others at a price.
func (b *Bucket) slot(ahead, cost, price int64) Moment {
	return b.after(b.full, b.adapting(0).Slot(ahead, min(cost, b.Burst), price))
}

// charge takes tokens for m calls of a cost, the first due at first and the last at last, evenly between. A due time
// within the microsecond of full leaves full unchanged, so that rounding never adds up.
func (b *Bucket) charge(first, last, m, cost int64) {
	b.last = max(b.last, last)
	if b.Window {
		b.log.add(last, m*cost)
		return
	}
	if b.eras != nil && b.full != b.paused { // a pause has emptied the bucket
		b.forgetEras()
	}
	if m > 1 {
		b.take(first, (m-1)*cost)
	}
	b.take(last, cost)
	b.paused = b.full
}

func (b *Bucket) take(due, tokens int64) {
	b.note(due)
	if due > b.full.Ceil() {
		b.full = Moment{At: due}
	}
	b.full = b.after(b.full, tokens*b.price)
}

// spare returns how far ahead, µs, another limit may push a grant past tokens of this one.
func (b *Bucket) spare(horizon int64) int64 {
	if b.sought+rival < b.now {
		return passed(horizon) // nobody needs them
	}
	return min(passed(horizon), max(2*roundTrip, max(b.price, (b.Burst-1)/4*b.Per)/b.Tokens))
}

// free returns until when a grant passes over nothing.
func (b *Bucket) free(cost int64) int64 {
	if b.Window {
		at, _ := b.tokenAt(0, cost)
		return at.Ceil()
	}
	return b.full.Ceil()
}

// Available returns the number of tokens at a time; negative in debt.
func (b *Bucket) Available(now int64) float64 {
	if b.Window {
		return float64(b.log.available(now, b.starts, b.Width()))
	}
	whole := float64(b.Burst) * (float64(b.Per) / float64(b.price))
	return whole - max(0, float64(b.full.At-now)+float64(b.full.Frac)/float64(b.Tokens))/b.time(1)
}
