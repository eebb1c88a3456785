package upstream

import (
	"math"
	"time"
)

// token is one call in the unit of a bucket of calls. A unit is 10⁻¹² of a call because then a rate in thousandths of a
// call a second is a whole number of units a nanosecond, and no value is rounded.
const token = 1_000_000_000_000

// modelToken is one token of a model in the unit of its buckets. A unit is 1/(6·10¹⁰) of a token because then a rate
// in whole tokens a minute is a whole number of units a nanosecond.
const modelToken = 60_000_000_000

// maxDebt is the deepest level of a bucket, in units. It keeps the way back to a full bucket within 63 bits.
const maxDebt = 4_000_000_000_000_000_000

// bucket is a token bucket. Its level can be below zero: the charge at the end of a call is never refused.
type bucket struct {
	unit   int64 // units of one token
	refill int64 // units a nanosecond
	full   int64 // units, slack included
	burst  int64 // tokens, slack apart
	level  int64 // units, as of at
	at     int64
}

// refill returns the rate in units a nanosecond.
func (l Limit) refill() int64 { return int64(math.Round(l.Rate * 1000)) }

// capacity returns burst + rate·slack in units: the most that is accepted at one moment.
func (l Limit) capacity(slack time.Duration) int64 { return l.Burst*token + l.refill()*int64(slack) }

func (l Limit) bucket(slack time.Duration) *bucket {
	full := l.capacity(slack)
	return &bucket{unit: token, refill: l.refill(), full: full, burst: l.Burst, level: full}
}

// become gives the bucket the rate and the burst of another bucket from now on. It keeps its level, as far as that
// fits.
func (b *bucket) become(other *bucket, now int64) {
	b.fill(now)
	b.refill, b.full, b.burst = other.refill, other.full, other.burst
}

// fill updates the level to now. It cuts a level above the brim, which can follow returned tokens or a lower burst.
func (b *bucket) fill(now int64) {
	// The time to the brim is compared first: the product of an idle day and a high rate does not fit 63 bits.
	if elapsed := now - b.at; elapsed >= ceilDiv(b.full-b.level, b.refill) {
		b.level = b.full
	} else {
		b.level += elapsed * b.refill
	}
	b.at = now
}

func (b *bucket) wait(now, n int64) int64 {
	b.fill(now)
	if n > b.full/b.unit {
		return never
	}
	return ceilDiv(max(0, n*b.unit-b.level), b.refill)
}

func (b *bucket) take(now, n int64) {
	b.fill(now)
	most := maxDebt / b.unit
	n = max(-most, min(n, most))
	b.level = max(-maxDebt, b.level-n*b.unit)
}

func (b *bucket) state(now int64) State {
	b.fill(now)
	brim := b.burst * b.unit // without the slack, which no provider promises
	return State{
		Limit:     b.burst,
		Per:       time.Duration(ceilDiv(brim, b.refill)),
		PerMinute: int64(math.Round(60e9 / float64(b.unit) * float64(b.refill))),
		Remaining: min(b.burst, max(0, b.level/b.unit)),
		Reset:     time.Duration(ceilDiv(max(0, brim-b.level), b.refill)),
	}
}

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }
