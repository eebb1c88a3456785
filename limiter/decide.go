package limiter

import (
	"context"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Decision is whether a call may start now, with what a server sends to its client: a status 429 with Retry-After if OK
// is false, and the numbers of a RateLimit header.
type Decision struct {
	OK bool
	// RetryAfter is how long until the call could start, as far as is known now; 0 if OK. It counts the tokens of
	// waiting calls, one token after the other. For other replicas it counts the calls that their lanes have announced.
	// Behind calls that cost several tokens of a window it can be too short.
	RetryAfter time.Duration
	// Bucket and Limit are the limit of the route that is nearest to its end, or that the call waits for.
	Bucket string
	Limit  Limit
	// Remaining is what this limit has left after the call, in tokens, 0 to its burst. It is -1 if unknown: in shadow
	// mode, and for a call that starts on a reservation that another call has given up.
	Remaining int64
}

// Decide is [Limiter.AllowN] with the reason. It decides whether a call that costs n tokens may start now, and takes
// the tokens only then. It returns the errors of AllowN, including [ErrUnavailable].
func (l *Limiter) Decide(ctx context.Context, route string, n int64, opts ...Option) (Decision, error) {
	asked := time.Now()
	o, err := l.usable(ctx, route, lane.Ask{Mode: lane.AtOnce, Tell: true}, n, opts)
	d := Decision{OK: err == nil}
	switch late, _ := err.(*DeadlineError); { //nolint:errorlint // never wrapped
	case late != nil:
		d.RetryAfter = late.Ready
	case err != nil && !notNow(err):
		return Decision{}, err
	case err != nil:
		d.RetryAfter = max(0, o.At.Sub(asked))
	}
	d.setLimit(o)
	return d, nil
}

// setLimit fills in the limit that counts.
func (d *Decision) setLimit(o lane.Outcome) {
	if o.Route == nil { // refused before a lane was asked
		return
	}
	limits, at := passedOf(o.Route).limits, o.Bound
	if len(limits) == 0 { // all in shadow mode
		d.Remaining = -1
		return
	}
	if len(o.Left) != len(limits) {
		o.Left = nil // of another configuration, or not filled in by the store
	}
	if at < 0 || at >= len(limits) {
		at = 0
		for i := range o.Left {
			if share(o.Left[i], limits[i]) < share(o.Left[at], limits[at]) {
				at = i
			}
		}
	}
	d.Bucket, d.Limit = limits[at].bucket, limits[at].limit
	switch {
	case o.Left == nil && d.OK:
		d.Remaining = -1
	case o.Left != nil:
		d.Remaining = max(0, min(o.Left[at], limits[at].limit.Burst))
	}
}

func share(left int64, b bound) float64 { return float64(left) / float64(b.limit.Burst) }
