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

// Anchor spends the burst at a moment that is known.
func (r timeRateReplica) Anchor(context.Context) (time.Time, error) {
	now := time.Now()
	r.l.AllowN(now, r.l.Burst())
	return now.Add(time.Duration(float64(time.Second) / float64(r.l.Limit()))), nil
}

type uberReplica struct {
	l        uber.Limiter
	interval time.Duration
}

// uberRatelimit has one method: it takes a token, however long that lasts. Its slack is the burst, but it begins empty.
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

// clockUntil is the clock of a limiter whose sleepers go home when the run ends.
type clockUntil <-chan struct{}

func (clockUntil) Now() time.Time { return time.Now() }

func (c clockUntil) Sleep(d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c: // whoever slept looks at its own context next
	}
}
