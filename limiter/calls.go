package limiter

import (
	"context"
	"errors"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Option changes how one call is treated.
type Option interface{ apply(o *options) }

type options struct {
	urgent bool
	costs  Costs
}

// Urgent lets a call pass the lines of the fleet, within half the rate of each bucket. Beyond that half it is an
// ordinary call: of callers that wait all the time, every second start is urgent. It never passes reservations, which reach at most a horizon ahead.
func Urgent() Option { return urgent{} }

type urgent struct{}

func (urgent) apply(o *options) { o.urgent = true }

// Allow reports whether a call of a route may start now, and takes a token of each of its buckets only then.
func (l *Limiter) Allow(ctx context.Context, route string, opts ...Option) (bool, error) {
	return l.AllowN(ctx, route, 1, opts...)
}

// AllowN is [Limiter.Allow] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) AllowN(ctx context.Context, route string, n int64, opts ...Option) (bool, error) {
	_, err := l.usable(ctx, route, lane.Ask{Mode: lane.AtOnce}, n, opts)
	if notNow(err) {
		return false, nil
	}
	return err == nil, err
}

func notNow(err error) bool {
	if err == lane.ErrNotNow { //nolint:errorlint // never wrapped
		return true
	}
	_, late := errors.AsType[*DeadlineError](err)
	return late
}

// Reserve returns permission to start one call of a route. It waits until the due time is at most a horizon away. The
// caller then waits for the reservation's delay and uses it. If the deadline of ctx comes before the call could start,
// Reserve returns a [DeadlineError] and takes nothing.
func (l *Limiter) Reserve(ctx context.Context, route string, opts ...Option) (*Reservation, error) {
	return l.ReserveN(ctx, route, 1, opts...)
}

// ReserveN is [Limiter.Reserve] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) ReserveN(ctx context.Context, route string, n int64, opts ...Option) (*Reservation, error) {
	ctx, cancel := l.bounded(ctx, lane.Ahead)
	defer cancel()
	o, err := l.acquire(ctx, route, lane.Ask{Mode: lane.Ahead}, n, opts)
	if err != nil {
		return nil, err
	}
	r := &Reservation{grant: o.Grant, asked: lane.Cost{Tokens: n}}
	if len(opts) > 0 {
		r.asked, _ = chosen(opts).costs.cost(route, n) // the cost was valid when the call asked
	}
	return r, nil
}

// Wait sleeps until a call of a route may start. If the deadline of ctx comes first, Wait returns a *[DeadlineError] as
// soon as that is known and takes nothing. If ctx ends while Wait sleeps, Wait returns the cause of ctx, and the token
// goes to another caller.
func (l *Limiter) Wait(ctx context.Context, route string, opts ...Option) error {
	return l.WaitN(ctx, route, 1, opts...)
}

// WaitN is [Limiter.Wait] for a call that costs n tokens, 1 to the burst of every bucket of the route.
func (l *Limiter) WaitN(ctx context.Context, route string, n int64, opts ...Option) error {
	_, err := l.usable(ctx, route, lane.Ask{Mode: lane.WhenDue}, n, opts)
	return err
}

// chosen applies the options of a call. It is a function of its own so that calls without options keep theirs off the
// heap.
func chosen(opts []Option) options {
	var o options
	for _, opt := range opts {
		if opt != nil {
			opt.apply(&o)
		}
	}
	return o
}

// usable acquires until it has a reservation on which a call can start now. It drops a reservation whose caller woke up
// too late.
func (l *Limiter) usable(ctx context.Context, route string, ask lane.Ask, tokens int64, opts []Option) (lane.Outcome, error) {
	ctx, cancel := l.bounded(ctx, ask.Mode)
	defer cancel()
	for {
		o, err := l.acquire(ctx, route, ask, tokens, opts)
		if err != nil || o.Grant.Usable(l.s.Slack) {
			return o, err
		}
		o.Grant.Lose()
		l.telemetry.tooLate(ctx, &o.Grant)
	}
}

// bounded gives a context without a deadline the configured one, if the call would wait and the configuration has one.
func (l *Limiter) bounded(ctx context.Context, mode lane.Mode) (context.Context, context.CancelFunc) {
	if _, has := ctx.Deadline(); has || l.s.MaxWait == 0 || mode == lane.AtOnce {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, l.s.MaxWait)
}

// acquire gets a reservation for a caller from the lane of its route.
func (l *Limiter) acquire(ctx context.Context, route string, ask lane.Ask, tokens int64, opts []Option) (o lane.Outcome, err error) {
	var chose options
	if len(opts) > 0 {
		chose = chosen(opts)
	}
	n, err := l.lane(route, chose.urgent)
	if err != nil {
		return o, err
	}
	if ask.Cost, err = l.estimates.scaled(n.Route(), chose.costs).cost(route, tokens); err != nil {
		return o, err
	}
	ask.N, ask.Since = 1, time.Now()
	if l.shadows.Load() {
		l.judgeBeside(n, ask.Cost)
		l.pretend(n, ask.Cost, 1)
		return lane.Outcome{Grant: pretended(n, ask.Cost), Route: n.Route(), Bound: -1}, nil
	}
	ask.Deadline, _ = ctx.Deadline()
	ctx, span := l.telemetry.asks(ctx, n)
	o, err = n.Join(ctx, ask)
	if err == lane.ErrRetired { //nolint:errorlint // never wrapped
		err = l.through(n, func(n *lane.Lane) (err error) {
			o, err = n.Join(ctx, ask)
			return err
		})
	}
	if err != nil && l.shadows.Load() && (err == errPretend || l.public(n, err) != err || err == lane.ErrNotNow) { //nolint:errorlint // never wrapped
		o, err = lane.Outcome{Grant: pretended(n, ask.Cost), Route: n.Route(), Bound: -1}, nil // shadow mode began meanwhile
	}
	if err != nil {
		err = l.public(n, err)
	}
	l.telemetry.got(ctx, n, ask.Since, &o.Grant, span, err)
	if err == nil {
		l.judgeBeside(n, ask.Cost)
		l.telemetry.alone(ctx, o.Grant.Route, 1)
	}
	return o, err
}

// public converts an error of a lane to the exported error.
func (l *Limiter) public(n *lane.Lane, err error) error {
	switch e := err.(type) { //nolint:errorlint // never wrapped
	case *lane.TooLargeError:
		return &ExceedsBurstError{Route: n.Route().Name, Bucket: e.Bucket, Cost: e.Cost, Burst: e.Burst}
	case *lane.TooLateError:
		return &DeadlineError{Route: n.Route().Name, Ready: e.Ready}
	case *lane.BucketError:
		return &BucketError{Route: n.Route().Name, Bucket: e.Bucket}
	}
	return err
}
