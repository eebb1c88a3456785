package table

import (
	"fmt"
	"time"
)

// Never is the time of an event that did not happen.
const Never = time.Duration(1<<63 - 1)

// Horizon is how far ahead a reservation may be due.
const Horizon = 250 * time.Millisecond

// Limit is a token bucket: Tokens per Per, at most Burst at once. With Window it is at most Tokens in any half-open
// stretch of Per, and Burst equals Tokens. The fields are those of limiter.Limit, so that one converts to the other.
type Limit struct {
	Tokens int64
	Per    time.Duration
	Burst  int64
	Window bool
}

// Rate returns tokens per second.
func (l Limit) Rate() float64 { return float64(l.Tokens) / l.Per.Seconds() }

// Interval returns the time of one token, rounded up.
func (l Limit) Interval() time.Duration {
	return (l.Per + time.Duration(l.Tokens) - 1) / time.Duration(l.Tokens)
}

// HorizonTokens returns the tokens that arrive within a horizon, at least 1.
func (l Limit) HorizonTokens() float64 { return max(1, l.Rate()*Horizon.Seconds()) }

// String returns the limit in short form, such as 40/1s b40 or 10 in 1s.
func (l Limit) String() string {
	if l.Window {
		return fmt.Sprintf("%d in %v", l.Tokens, l.Per)
	}
	return fmt.Sprintf("%d/%v b%d", l.Tokens, l.Per, l.Burst)
}

// times returns a limit of num/den of the rate, before its burst is set.
func (l Limit) times(num, den int64) Limit {
	l.Tokens, l.Per = l.Tokens*num, l.Per*time.Duration(den)
	d := gcd(l.Tokens, int64(l.Per/time.Microsecond)) // a period is a whole number of microseconds
	l.Tokens, l.Per = l.Tokens/d, l.Per/time.Duration(d)
	return l
}

func gcd(a, b int64) int64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
