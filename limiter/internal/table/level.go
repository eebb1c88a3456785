package table

import "time"

// level is the state of one limit: exact, and without any notion of a queue.
type level struct {
	limit Limit

	// For a bucket: the time at which it will be full, in units of 1/tokens of a nanosecond, never rounded.
	tokens, per, full int64

	// For a window: the starts of the last period, oldest first, and their sum.
	starts []start
	count  int64
}

// start is a moment at which tokens were spent.
type start struct {
	at   time.Duration
	cost int64
}

// newLevel returns a limit that has spent all it had at time 0.
func newLevel(l Limit) *level {
	d := gcd(l.Tokens, int64(l.Per))
	v := &level{limit: l, tokens: l.Tokens / d, per: int64(l.Per) / d}
	v.take(0, l.Burst)
	return v
}

// ready returns the earliest time at which cost tokens are available, rounded up to a nanosecond.
func (v *level) ready(cost int64) time.Duration {
	if !v.limit.Window {
		at := v.full - (v.limit.Burst-cost)*v.per
		return time.Duration(max(0, (at+v.tokens-1)/v.tokens))
	}
	over := v.count + cost - v.limit.Tokens // so many must leave the window first
	for _, s := range v.starts {
		if over <= 0 {
			break
		}
		over -= s.cost
		if over <= 0 {
			return s.at + v.limit.Per
		}
	}
	return 0
}

// take spends tokens at a time, which must not go back.
func (v *level) take(at time.Duration, cost int64) {
	if !v.limit.Window {
		v.full = max(v.full, int64(at)*v.tokens) + cost*v.per
		return
	}
	v.leave(at)
	v.starts, v.count = append(v.starts, start{at, cost}), v.count+cost
}

// leave removes the starts that a window no longer counts at a time.
func (v *level) leave(at time.Duration) {
	n := 0
	for n < len(v.starts) && v.starts[n].at+v.limit.Per <= at {
		v.count -= v.starts[n].cost
		n++
	}
	v.starts = v.starts[n:]
}

// available returns the tokens that are available at a time.
func (v *level) available(at time.Duration) float64 {
	if v.limit.Window {
		v.leave(at)
		return float64(v.limit.Tokens - v.count)
	}
	return float64(v.limit.Burst) - float64(max(0, v.full-int64(at)*v.tokens))/float64(v.per)
}
