package limiter

import (
	"math"
	"time"
)

// stamp is a time in whole microseconds and a remainder in 1/tokens of a microsecond, 0 ≤ rem < tokens. The remainder
// is carried, never rounded: periods of whole microseconds would be 1 % off at 30,000 a second.
type stamp struct{ us, rem int64 }

func (s stamp) after(o stamp) bool { return s.us > o.us || s.us == o.us && s.rem > o.rem }

// whole is the first whole microsecond that is not before s.
func (s stamp) whole() int64 {
	if s.rem > 0 {
		return s.us + 1
	}
	return s.us
}

// moved shifts s by x in units of 1/tokens of a microsecond.
func (s stamp) moved(x, tokens int64) stamp {
	sum := s.rem + x
	r := sum % tokens
	if r < 0 {
		r += tokens
	}
	return stamp{s.us + (sum-r)/tokens, r}
}

// bucket is the state of one limit: the model that the script in Redis is walked against, step by step, and the
// bucket of the in-memory limiter. It has no clock and no lock.
//
// Its level is one stamp, full: when it will be full again. tokens(now) = burst − (full − now)·rate.
type bucket struct {
	tokens, per, burst int64 // so many tokens per so many microseconds
	seen               int64
	full               stamp
}

// newBucket is a bucket that is empty at a time and in debt by a horizon: the worst that was forgotten before it.
func newBucket(l Limit, at, horizon int64) *bucket {
	b := &bucket{tokens: l.Tokens, per: int64(l.Per / time.Microsecond), burst: l.Burst, seen: at}
	b.full = stamp{us: at + horizon}.moved(b.burst*b.per, b.tokens)
	return b
}

// enter brings the bucket to a time and to the limit in force. When the clock stepped back the level steps with it.
//
// A new limit keeps the number of tokens. A slower rate counts from now; a faster one from where the bucket would have
// been full, so that it cannot crowd reservations that are already out.
func (b *bucket) enter(now int64, l Limit) {
	if now < b.seen {
		b.full.us -= b.seen - now
	}
	b.seen = now
	per := int64(l.Per / time.Microsecond)
	if l.Tokens == b.tokens && per == b.per && l.Burst == b.burst {
		return
	}
	pivot := now
	if float64(per)*float64(b.tokens) <= float64(b.per)*float64(l.Tokens) {
		pivot = max(now, b.full.us+1)
	}
	debt := math.Ceil(float64(max(0, b.full.us+1-pivot)) * (float64(per) / float64(l.Tokens)) / (float64(b.per) / float64(b.tokens)))
	b.full = stamp{us: pivot + int64(min(span, debt))}.moved((l.Burst-b.burst)*per, l.Tokens)
	b.tokens, b.per, b.burst = l.Tokens, per, l.Burst
}

// ready is the earliest time at which the bucket can give cost tokens: full + (cost − burst)·T.
func (b *bucket) ready(cost int64) stamp { return b.full.moved((cost-b.burst)*b.per, b.tokens) }

// charge takes cost tokens at a due time that is not before ready(cost). Charging at the time of use keeps the limit
// whatever the order of the dues: a bucket's level after insertion is never below that of the sorted sequence.
func (b *bucket) charge(due, cost int64) {
	at := stamp{us: due}
	if r := b.ready(cost); r.whole() == due {
		at = r // exactly when it came, so that rounding up to a whole microsecond never adds up
	}
	if at.after(b.full) {
		b.full = at
	}
	b.full = b.full.moved(cost*b.per, b.tokens)
}

// due is the earliest time from now at which every bucket can give cost tokens, and the index of the one that sets it:
// the last of equals, or -1 when it is now.
func due(now int64, buckets []*bucket, cost int64) (at int64, bound int) {
	at, bound = now, -1
	for i, b := range buckets {
		if w := b.ready(cost).whole(); w > at || w == at && bound >= 0 {
			at, bound = w, i
		}
	}
	return at, bound
}

// level returns the tokens at a time; negative in debt.
func (b *bucket) level(now int64) float64 {
	missing := float64(b.full.us-now) + float64(b.full.rem)/float64(b.tokens)
	return float64(b.burst) - max(0, missing)*float64(b.tokens)/float64(b.per)
}
