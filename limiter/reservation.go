package limiter

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Reservation is permission to start one call at its due time, once. Its holder must wait until then, call
// [Reservation.Use] at the moment of starting, and start only if Use returns true. Otherwise the holder gives it up
// with [Reservation.Cancel]. Where Use returns false, reserve again. [Limiter.Wait] does all of this. Methods are safe for concurrent use.
type Reservation struct {
	grant lane.Grant // fixed, like asked
	asked lane.Cost  // what the caller named

	state   atomic.Int32
	settled atomic.Bool
	refused atomic.Bool // whether the provider was reported to have refused the call
}

const (
	held int32 = iota
	used
	givenUp
)

// Route returns the route that the reservation is for.
func (r *Reservation) Route() string { return r.grant.Route.Name }

// Due returns the earliest time at which the call may start, on the local clock.
func (r *Reservation) Due() time.Time { return r.grant.Due }

// Delay returns how long it is until the due time; 0 if that has passed.
func (r *Reservation) Delay() time.Duration { return max(0, time.Until(r.grant.Due)) }

// TokenWait returns how long the caller had to wait for its token, from asking until the due time; 0 if the call could
// start at once.
func (r *Reservation) TokenWait() time.Duration { return r.grant.Waited }

// Turns returns how many replies made the caller wait before it had this reservation; 0 for those of
// [Limiter.ReserveBatch], whose caller counts them itself.
func (r *Reservation) Turns() int { return r.grant.Turns }

// Bucket returns the bucket that set the due time; "" if the call could start at once.
func (r *Reservation) Bucket() string { return r.grant.Bucket }

// Late reports whether the reservation can no longer be used: it is slack past its due time, on the monotonic or on the
// wall clock. The monotonic clock stands still while a machine sleeps; the wall clock does not.
func (r *Reservation) Late() bool { return r.grant.Late(time.Now(), r.grant.Route.Slack) }

// Use spends the reservation on a call of a route that starts now. It returns true once, only for the reservation's own
// route, not before the due time and not when late. If it returns false, no call may start on the reservation.
func (r *Reservation) Use(route string) bool {
	return route == r.grant.Route.Name && r.grant.Usable(r.grant.Route.Slack) && r.state.CompareAndSwap(held, used)
}

// Cancel gives up an unused reservation. The reservation keeps its due time and serves a waiting caller of the same
// cost in this process. If there is none, its tokens go back to the fleet, as far as later reservations allow. Less
// than 10 ms before its due time it stays in this process, and is lost a slack after that time. Cancelling twice, or
// after use, does nothing.
func (r *Reservation) Cancel() {
	if r.state.CompareAndSwap(held, givenUp) {
		r.grant.Return()
	}
}

type contextKey struct{}

// ReservationKey is the key of a reservation in a context, for contexts that are not made by [NewContext].
var ReservationKey any = contextKey{} //nolint:gochecknoglobals // a constant

// NewContext returns a context that carries a reservation to the place that sends the call.
func NewContext(ctx context.Context, r *Reservation) context.Context {
	return context.WithValue(ctx, contextKey{}, r)
}

// FromContext returns the reservation that a context carries. The reservation may be used already: see
// [Reservation.Use].
func FromContext(ctx context.Context) (*Reservation, bool) {
	r, ok := ctx.Value(contextKey{}).(*Reservation)
	return r, ok
}
