package main

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/weir-go/weir/integration/faults/process"
)

// timeRate waits with Wait of golang.org/x/time/rate. Processes share no state. Each has its part of the rate and of the burst, for a number of
// replicas that is set when the process starts.
type timeRate struct {
	process.Settings
	l *rate.Limiter
}

func newTimeRate(s process.Settings) *timeRate {
	t := &timeRate{Settings: s}
	t.l = rate.NewLimiter(t.part(s.Rate), max(1, int(s.Burst)/s.Replicas))
	return t
}

// part returns the rate of this process in tokens a second. tokens are the tokens of the fleet in each period.
func (t *timeRate) part(tokens int64) rate.Limit {
	return rate.Limit(float64(tokens) / t.Per.Seconds() / float64(t.Replicas))
}

func (t *timeRate) wait(ctx context.Context) error {
	err := t.l.Wait(ctx)
	if _, has := ctx.Deadline(); err != nil && has && ctx.Err() == nil { // the token would come too late
		return context.DeadlineExceeded
	}
	return err
}

func (t *timeRate) setRate(tokens int64) { t.l.SetLimit(t.part(tokens)) }

func (t *timeRate) asked() int64 { return 0 }
