package upstream

import (
	"math"
	"time"
)

// gate is one limit. wait returns how long until a call of n tokens can pass: 0 for now, never if a full gate has less
// than n. take charges the gate n tokens, and returns tokens if n is negative. Windows count calls and ignore n.
type gate interface {
	wait(now, n int64) int64
	take(now, n int64)
	state(now int64) State
}

// never is a wait that does not end.
const never = math.MaxInt64

// meter is a gate with its unit.
type meter struct {
	gate
	name string
	unit Unit
	of   func(Usage) int64 // what a call costs here, in the unit
}

// Unit is what a limit counts.
type Unit string

// The units of the limits.
const (
	Requests Unit = "requests"
	Tokens   Unit = "tokens"
)

// State is what one limit has left at a moment.
type State struct {
	// Name is total or the API, with -window added for the window; or input-tokens, output-tokens, tokens.
	Name string
	Unit Unit
	// Limit is the burst of a bucket and the count of a window.
	Limit int64
	// Per is the length of a window, and the time in which an empty bucket fills.
	Per time.Duration
	// PerMinute is how much the limit allows in a minute in the long run, rounded.
	PerMinute int64
	// Remaining is how much the limit allows at this moment, at most Limit, and 0 for a bucket in debt.
	Remaining int64
	// Reset is the time until all of Limit is available again without calls. For a fixed window it is the time to its
	// end.
	Reset time.Duration
}

func perCall(Usage) int64 { return 1 }

// meters makes the meters of a limit. keep is the largest count that its sliding window will ever have.
func (l Limit) meters(name string, slack time.Duration, keep int) (out []*meter) {
	if l.Rate != 0 {
		out = append(out, &meter{name: name, unit: Requests, of: perCall, gate: l.bucket(slack)})
	}
	if w := l.Window; w.N != 0 {
		m := &meter{name: name + "-window", unit: Requests, of: perCall, gate: w.sliding(slack, keep)}
		if w.Fixed {
			m.gate = w.fixed()
		}
		out = append(out, m)
	}
	return out
}
