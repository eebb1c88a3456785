package evidence

import (
	"math"
	"time"
)

// The longest wait and the longest window. A wait that is too long is cut, because the caller asks again after it. A
// window that is too long is ignored, because a cut window would mean a higher rate.
const (
	longest       = 31 * 24 * time.Hour
	longestWindow = 366 * 24 * time.Hour
)

// clock is the time from which the moments of an answer are measured.
type clock struct {
	now time.Time
	own bool // it is the answer's own Date, else the time of the caller
}

func clockOf(date []string, now time.Time) clock {
	c := clock{now: now}
	for v := range readable(date) {
		if t, ok := c.date(v); ok {
			return clock{now: t, own: true}
		}
	}
	return c
}

// wait reads how long to wait: a number, a duration, or a moment in any of its forms.
func (c clock) wait(s string) (time.Duration, bool) {
	if n, ok := number(s); ok {
		return c.seconds(n), true
	}
	if s == "" || !isDigit(s[0]) {
		t, ok := c.date(s)
		return c.until(t), ok
	}
	if d, err := time.ParseDuration(s); err == nil {
		return min(d, longest), true
	}
	// The second layout has no zone and means UTC.
	for _, layout := range [...]string{time.RFC3339, time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return c.until(t), true
		}
	}
	return 0, false
}

// seconds decides by the size of a number whether it is a wait or a moment in Unix time: see the package comment.
func (c clock) seconds(n float64) time.Duration {
	switch {
	case n < 1e9, n >= 1e20:
		return delta(n)
	case n < 1e11:
	case n < 1e14:
		n /= 1e3
	case n < 1e17:
		n /= 1e6
	default:
		n /= 1e9
	}
	whole, fraction := math.Modf(n)
	// A float64 represents such a moment to a quarter of a microsecond.
	return c.until(time.Unix(int64(whole), int64(fraction*1e9)).Round(time.Microsecond))
}

// until returns the wait until a moment.
func (c clock) until(t time.Time) time.Duration {
	d := max(t.Sub(c.now), 0)
	if d > longest && !c.own {
		return 0
	}
	return min(d, longest)
}

// delta returns a number of seconds as a wait.
func delta(seconds float64) time.Duration {
	return time.Duration(math.Round(min(seconds, longest.Seconds()) * float64(time.Second)))
}

// milliseconds reads a wait in milliseconds.
func milliseconds(s string) (time.Duration, bool) {
	n, ok := number(s)
	return delta(n / 1e3), ok
}
