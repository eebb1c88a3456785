package upstream

import (
	"fmt"
	"math"
	"time"
)

// Strangers are calls of other clients with the same key. The judge judges them like all calls, one every 1/Rate from
// From on, and charges accepted ones to the limits. They are no arrivals: they are counted separately and have no
// answer.
type Strangers struct {
	// API is the provider that they call.
	API API
	// Rate is in calls a second, from 0.001 to 1,000 in steps of 0.001.
	Rate float64
	// From is the time of the first call since the start, at most 31 days.
	From time.Duration
	// To is the end: no call comes at To or later. Zero: they do not end.
	To time.Duration
	// Call is the call of each. It ends at once and uses its Input and its Output.
	Call Call
}

// StrangerCount counts the calls of strangers.
type StrangerCount struct {
	Accepted, Refused int64
}

// strangerCalls is strangers under way. The times of their calls are kept as a whole number of nanoseconds and a rest, so
// that a rate whose period is no whole number does not drift.
type strangerCalls struct {
	Strangers
	at      int64 // time of the next call, never after the last one
	rest    int64 // of a nanosecond, in parts of a thousandth of the rate
	counted StrangerCount
}

func newStrangerCalls(s Strangers) *strangerCalls {
	return (&strangerCalls{Strangers: s, at: int64(s.From)}).bounded()
}

func (c *strangerCalls) bounded() *strangerCalls {
	if c.To != 0 && c.at >= int64(c.To) {
		c.at = never
	}
	return c
}

// next moves on to the time of the next call.
func (c *strangerCalls) next() {
	milli := int64(math.Round(c.Rate * 1000))
	c.at += 1_000_000_000_000 / milli
	c.rest += 1_000_000_000_000 % milli
	if c.rest >= milli {
		c.at, c.rest = c.at+1, c.rest-milli
	}
	c.bounded()
}

// nextStranger returns the strangers whose call is the next, nil if there are none.
func (j *Judge) nextStranger() (next *strangerCalls) {
	for _, c := range j.strangers {
		if next == nil || c.at < next.at {
			next = c
		}
	}
	return next
}

// stranger simulates one call at j.now.
func (j *Judge) stranger(c *strangerCalls) {
	if j.decide(c.API, c.Call).OK {
		c.counted.Accepted++
		j.settle(c.API, c.Call, Usage{Input: c.Call.Input, Output: c.Call.Output})
	} else {
		c.counted.Refused++
	}
	c.next()
}

// Strangers returns what became of the calls of strangers until now, for an API.
func (j *Judge) Strangers(api API, now time.Duration) (sum StrangerCount) {
	j.advance(int64(now))
	for _, c := range j.strangers {
		if c.API == api {
			sum.Accepted += c.counted.Accepted
			sum.Refused += c.counted.Refused
		}
	}
	return sum
}

const maxStrangers = 1000

func (s Strangers) validate(number int) error {
	name := fmt.Sprintf("strangers %d", number)
	if err := known(s.API, name); err != nil {
		return err
	}
	if !(s.Rate >= 0.001 && s.Rate <= maxStrangers) || math.Round(s.Rate*1000)/1000 != s.Rate {
		return fmt.Errorf("upstream: %s rate is %v: give one from 0.001 to %d a second in steps of 0.001", name, s.Rate, maxStrangers)
	}
	if c := s.Call; min(c.Input, c.CacheRead, c.Output, c.MaxTokens) < 0 || max(c.Input, c.CacheRead, c.Output, c.MaxTokens) > maxTokens {
		return fmt.Errorf("upstream: %s tokens are %+v: give each from 0 to %d", name, c, maxTokens)
	}
	return validStretch(name, s.From, s.To)
}
