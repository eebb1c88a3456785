package main

import (
	"context"

	"golang.org/x/time/rate"

	"github.com/weir-go/weir/integration/faults/process"
)

// timeRate is Wait of golang.org/x/time/rate. Processes share nothing: each has its part of the rate and of the burst, of a fleet whose
// size is set when the process starts.
type timeRate struct {
	process.Settings
	l *rate.Limiter
}

func newTimeRate(s process.Settings) *timeRate {
	t := &timeRate{Settings: s}
	t.l = rate.NewLimiter(t.part(s.Rate), max(1, int(s.Burst)/s.Replicas))
	return t
}

// part is the tokens a second of this process, of so many tokens in each period of the fleet.
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
