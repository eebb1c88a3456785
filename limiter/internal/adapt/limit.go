package adapt

import "math"

// Whole is the configured rate in parts per million of itself.
const Whole = 1_000_000

// Times are µs.
const (
	second  = 1_000_000
	longest = 1 << 46 // two years: no time computed from a rate is longer, so that 60 times as much is still exact
	most    = 1 << 30 // a count stops here

	forgotten = 60 // times pace: older reports no longer count
)

// The lowest rates. A provider that gets less than one call in two seconds shows too late that it serves again.
const (
	floorRate = 0.5     // calls a second
	crawlRate = 1.0     // calls a second, of a provider that is overloaded
	lowest    = 1_000   // ppm: of a fast limit
	highest   = 100_000 // ppm: of a refusing limit below a few calls a second; with a lower floor it would not be slowed down at all
)

// Limit is a configured limit: Tokens per Per microseconds, in lowest terms, Burst at once, reserved at most Horizon
// microseconds ahead. For an unknown limit Start is the part of the rate with which it begins, ppm; for others it is 0.
type Limit struct{ Tokens, Per, Burst, Horizon, Start int64 }

// calls returns the limit in calls that cost so many tokens, because refusals are compared with calls.
func (l Limit) calls(cost int64) Limit {
	l.Per *= bound(cost, 1, l.Burst)
	return l
}

// Floor returns the lowest factor, ppm.
func (l Limit) Floor() int64 {
	if l.Start > 0 { // the rate is only the highest that the limit can have
		return lowest
	}
	return l.share(floorRate, highest)
}

// FloorOf returns the lowest factor for a call that costs so many tokens. At a lower factor a single call would block
// the bucket for minutes, long after the provider serves again.
func (l Limit) FloorOf(cost int64) int64 { return max(l.Floor(), l.calls(cost).Floor()) }

// crawl returns the lowest factor for an overloaded provider, ppm: one call a second, or a thousandth of a fast limit.
// A limit of one call a second or less is not slowed down: it would be charged several tokens for a call, and for a
// slow limit these take hours to come back.
func (l Limit) crawl() int64 { return l.share(crawlRate, Whole) }

// share returns a number of calls a second in ppm of the configured rate, which is Tokens·1e6/Per a second; most at
// most.
func (l Limit) share(rate, most float64) int64 {
	ppm := math.Ceil(rate * float64(l.Per) / float64(l.Tokens))
	return int64(math.Max(lowest, math.Min(most, ppm)))
}

// grants returns how many tokens the limit gives in a time at a factor.
func (l Limit) grants(us, ppm int64) float64 {
	return float64(us) * float64(ppm) / Whole * float64(l.Tokens) / float64(l.Per)
}

// lasting returns the time, in whole µs, in which the limit gives so many tokens at a factor.
func (l Limit) lasting(tokens float64, ppm int64) int64 {
	return int64(math.Min(longest, math.Floor(tokens*Whole/float64(ppm)*float64(l.Per)/float64(l.Tokens))))
}

// left returns what is left of a factor when so many of the grants of a time at a rate failed; at least a part of it.
func (l Limit) left(factor int64, least float64, failed, us, rate int64) int64 {
	served := 1 - float64(failed)/l.grants(us, rate)
	return int64(math.Floor(float64(factor) * math.Max(least, served)))
}

// pace returns the unit of time in which a rate is found again: 2.5 s, and 10 grants of a limit below 4 a second. In
// simulation 5 s found a returned limit only after more than 10 s, and 10 s after more than 20 s. Less than 2.5 s costs
// more refused calls.
func (l Limit) pace() int64 { return max(2_500_000, l.lasting(10, Whole)) }

func bound(x, low, high int64) int64 { return max(low, min(high, x)) }
