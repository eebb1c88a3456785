package bucket

import "time"

// Limit is a rational rate with a burst: Tokens per Per microseconds, in lowest terms, at most Burst at once. A window
// admits at most Burst in any Width. Burst·Per plus a horizon's Tokens must not exceed 2^50, so that every sum below
// stays exact in the numbers of a Redis script, too.
type Limit struct {
	Tokens, Per, Burst int64
	Window             bool
	Start              int64 // ppm: for an unknown limit, the part of the rate with which it begins; otherwise 0
	Keeps              bool  // a hold or a pause leaves its tokens, because a faster limit of its bucket shuts the bucket
}

// Width returns the length of a window, µs.
func (l Limit) Width() int64 { return l.Burst * l.Per / l.Tokens }

// interval returns the time of n tokens in µs. It is for choices, never for a charge.
func (l Limit) interval(n int64) float64 { return float64(n*l.Per) / float64(l.Tokens) }

// Interval returns the time in which the limit gives so many tokens.
func (l Limit) Interval(tokens int64) time.Duration {
	return time.Duration(l.interval(tokens) * float64(time.Microsecond))
}

// span bounds a distance between two times in units of 1/Tokens µs.
const span = 1 << 51

// Moment is an exact time: At microseconds and Frac units of 1/Tokens of a microsecond of the limit that it belongs to.
type Moment struct{ At, Frac int64 }

// Ceil returns the first whole microsecond that is not before the moment.
func (m Moment) Ceil() int64 {
	if m.Frac > 0 {
		return m.At + 1
	}
	return m.At
}

// after returns the moment a number of units later; earlier if the number is negative.
func (l Limit) after(m Moment, units int64) Moment {
	units = max(-span, min(span, units)) + m.Frac
	frac := units % l.Tokens
	if frac < 0 {
		frac += l.Tokens
	}
	return Moment{m.At + (units-frac)/l.Tokens, frac}
}
