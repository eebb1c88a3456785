package upstream

import (
	"math"
	"time"
)

// judge decides which arrivals are within the limits. It has no clock and no lock: times are arguments, in
// nanoseconds from any origin that is not after the first arrival.
type judge struct {
	now   int64 // the latest time it has been told
	gates map[API][]gate
}

// gate is one limit. Its wait is how long until it would let one more arrival pass, 0 for now; take charges it.
type gate interface {
	wait(now int64) int64
	take(now int64)
}

// newJudge makes the judge of a valid configuration. All buckets start full and all windows empty.
func newJudge(cfg Config) *judge {
	total := cfg.Total.gates(cfg.Slack)
	j := &judge{gates: make(map[API][]gate)}
	for _, api := range apis() {
		j.gates[api] = append(cfg.PerAPI[api].gates(cfg.Slack), total...)
	}
	return j
}

func (l Limit) gates(slack time.Duration) (gates []gate) {
	if l.Rate != 0 {
		full := l.capacity(slack)
		gates = append(gates, &bucket{refill: l.refill(), full: full, level: full})
	}
	if l.Window.N != 0 {
		gates = append(gates, &window{n: l.Window.N, length: int64(l.Window.Per - slack)})
	}
	return gates
}

// arrive judges one arrival at now: 0 if it is accepted, else the time until this API could be accepted if nobody
// else came. A now before an earlier one counts as that one.
func (j *judge) arrive(api API, now int64) time.Duration {
	j.now = max(j.now, now)
	var wait int64
	for _, g := range j.gates[api] {
		wait = max(wait, g.wait(j.now))
	}
	if wait > 0 {
		return time.Duration(wait)
	}
	for _, g := range j.gates[api] {
		g.take(j.now)
	}
	return 0
}

// token is one token in the unit of levels. A unit is 10⁻¹² of a token because then a rate in thousandths of a token
// a second is a whole number of units a nanosecond, and nothing is ever rounded.
const token = 1_000_000_000_000

// refill is the rate in units a nanosecond.
func (l Limit) refill() int64 { return int64(math.Round(l.Rate * 1000)) }

// capacity is burst + rate·slack in units: the most that is accepted in no time at all.
func (l Limit) capacity(slack time.Duration) int64 { return l.Burst*token + l.refill()*int64(slack) }

type bucket struct {
	refill int64 // units a nanosecond
	full   int64 // units
	level  int64 // units, as of at
	at     int64
}

func (b *bucket) wait(now int64) int64 {
	// The time to the brim is compared first: the product of an idle day and a high rate does not fit 63 bits.
	if elapsed := now - b.at; elapsed >= ceilDiv(b.full-b.level, b.refill) {
		b.level = b.full
	} else {
		b.level += elapsed * b.refill
	}
	b.at = now
	return ceilDiv(max(0, token-b.level), b.refill)
}

func (b *bucket) take(int64) { b.level -= token }

func ceilDiv(a, b int64) int64 { return (a + b - 1) / b }

type window struct {
	n      int
	length int64   // nanoseconds, slack taken off
	log    []int64 // the last n arrivals accepted, as a ring once it is full
	oldest int
}

func (w *window) wait(now int64) int64 {
	if len(w.log) < w.n {
		return 0
	}
	return max(0, w.log[w.oldest]+w.length-now)
}

func (w *window) take(now int64) {
	if len(w.log) < w.n {
		w.log = append(w.log, now)
		return
	}
	w.log[w.oldest] = now
	w.oldest = (w.oldest + 1) % w.n
}
