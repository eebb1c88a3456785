package contestant

import (
	"context"
	"time"

	uber "go.uber.org/ratelimit"
	"golang.org/x/time/rate"
)

type timeRateReplica struct{ l *rate.Limiter }

func timeRate() Contestant {
	return Contestant{Name: "x/time/rate", OneProcess: true, Open: func(_ context.Context, s Setup) (*Fleet, error) {
		return alike(timeRateReplica{rate.NewLimiter(rate.Limit(s.Rate), s.Burst)}, s.Replicas), nil
	}}
}

func (r timeRateReplica) Allow(context.Context) (bool, error) { return r.l.Allow(), nil }

func (r timeRateReplica) Wait(ctx context.Context) error { return r.l.Wait(ctx) }

// Anchor takes the whole burst at a known time, and returns the time of the next token.
func (r timeRateReplica) Anchor(context.Context) (time.Time, error) {
	now := time.Now()
	r.l.AllowN(now, r.l.Burst())
	return now.Add(time.Duration(float64(time.Second) / float64(r.l.Limit()))), nil
}

type uberReplica struct {
	l        uber.Limiter
	interval time.Duration
}

// uberRatelimit returns uber/ratelimit. Its only method, Take, blocks until a token is available. Its slack acts as the burst, but the
// bucket begins empty.
func uberRatelimit() Contestant {
	return Contestant{
		Name: "uber/ratelimit", OneProcess: true, NoCancel: true,
		Open: func(ctx context.Context, s Setup) (*Fleet, error) {
			l := uber.New(s.Rate, uber.WithSlack(s.Burst-1), uber.WithClock(clockUntil(ctx.Done())))
			return alike(uberReplica{l, time.Second / time.Duration(s.Rate)}, s.Replicas), nil
		},
	}
}

func (r uberReplica) Allow(ctx context.Context) (bool, error) {
	r.l.Take()
	return ctx.Err() == nil, ctx.Err()
}

func (r uberReplica) Wait(ctx context.Context) error {
	r.l.Take()
	return ctx.Err()
}

// Anchor takes the first token, from which the others are counted.
func (r uberReplica) Anchor(context.Context) (time.Time, error) {
	return r.l.Take().Add(r.interval), nil
}

// clockUntil is a clock for uber/ratelimit. Its Sleep returns early when the channel is closed at the end of the run.
type clockUntil <-chan struct{}

func (clockUntil) Now() time.Time { return time.Now() }

func (c clockUntil) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c: // Allow and Wait then return the error of their context
	}
}
