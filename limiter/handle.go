package limiter

import (
	"context"
	"time"
)

// Route is a route of a limiter, with the limiter's verbs. [Limiter.Route] makes it and refuses a wrong name. It may be
// copied. After its route is removed, its verbs return a [RouteError] until a route of that name is made again.
type Route struct {
	l    *Limiter
	name string
}

// Route returns a route by its name: a configured route, or one of [Limiter.AddRoute]. For another name the error is a
// [RouteError].
func (l *Limiter) Route(name string) (Route, error) {
	_, err := l.lane(name, false)
	return Route{l, name}, err
}

// Check returns an error if calls of a route that cost n tokens can never start. It makes no request. Errors:
// [RouteError] for a route that does not exist, [ExceedsBurstError] for a cost above a burst, [BucketError] for [Costs]
// of a bucket that the route does not pass, [ErrClosed]. n below 1 is one token.
func (l *Limiter) Check(route string, n int64, opts ...Option) error {
	l.mu.RLock()
	path, closed := l.paths[route], l.closed
	l.mu.RUnlock()
	switch {
	case closed:
		return ErrClosed
	case path == nil:
		return &RouteError{Route: route}
	}
	cost, err := chosen(opts).costs.cost(route, max(1, n))
	if err != nil || n <= 1 && cost.Each == "" {
		return err
	}
	of, err := l.lane(route, false)
	if err != nil {
		return err
	}
	if err := of.Route().Check(cost); err != nil {
		return l.public(of, err)
	}
	return nil
}

// MaxWait returns [Config.MaxWait].
func (l *Limiter) MaxWait() time.Duration { return l.s.MaxWait }

// Name returns the name of the route.
func (r Route) Name() string { return r.name }

// Allow is [Limiter.Allow] on the route.
func (r Route) Allow(ctx context.Context, opts ...Option) (bool, error) {
	return r.l.Allow(ctx, r.name, opts...)
}

// AllowN is [Limiter.AllowN] on the route.
func (r Route) AllowN(ctx context.Context, n int64, opts ...Option) (bool, error) {
	return r.l.AllowN(ctx, r.name, n, opts...)
}

// Decide is [Limiter.Decide] on the route.
func (r Route) Decide(ctx context.Context, n int64, opts ...Option) (Decision, error) {
	return r.l.Decide(ctx, r.name, n, opts...)
}

// Reserve is [Limiter.Reserve] on the route.
func (r Route) Reserve(ctx context.Context, opts ...Option) (*Reservation, error) {
	return r.l.Reserve(ctx, r.name, opts...)
}

// ReserveN is [Limiter.ReserveN] on the route.
func (r Route) ReserveN(ctx context.Context, n int64, opts ...Option) (*Reservation, error) {
	return r.l.ReserveN(ctx, r.name, n, opts...)
}

// ReserveBatch is [Limiter.ReserveBatch] on the route.
func (r Route) ReserveBatch(ctx context.Context, runs ...Run) ([]*Reservation, Turn, error) {
	return r.l.ReserveBatch(ctx, r.name, runs...)
}

// Wait is [Limiter.Wait] on the route.
func (r Route) Wait(ctx context.Context, opts ...Option) error { return r.l.Wait(ctx, r.name, opts...) }

// WaitN is [Limiter.WaitN] on the route.
func (r Route) WaitN(ctx context.Context, n int64, opts ...Option) error {
	return r.l.WaitN(ctx, r.name, n, opts...)
}
