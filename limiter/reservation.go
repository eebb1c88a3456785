package limiter

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Reservation is leave to start one call at its due time, once. Whoever holds it must wait until then, call
// [Reservation.Use] at the moment of starting, and start only if that says so; or give it up with [Reservation.Cancel].
// Methods are safe for concurrent use.
type Reservation struct {
	grant lane.Grant // fixed, like asked
	asked lane.Cost  // what the caller named

	state   atomic.Int32
	settled atomic.Bool
	refused atomic.Bool // it was reported that the provider has refused the call
}

const (
	held int32 = iota
	used
	givenUp
)

// Route is the kind of call that it is for.
func (r *Reservation) Route() string { return r.grant.Route.Name }

// Due is the earliest time at which the call may start, on the local clock.
func (r *Reservation) Due() time.Time { return r.grant.Due }

// Delay is how long it is until then, 0 when it is due.
func (r *Reservation) Delay() time.Duration { return max(0, time.Until(r.grant.Due)) }

// TokenWait is how long the caller had to wait for its token, from asking until it is due; 0 if the call could start at once.
func (r *Reservation) TokenWait() time.Duration { return r.grant.Waited }

// Turns is how many replies told the caller to wait before it had this; 0 for those of [Limiter.ReserveBatch], whose caller counts.
func (r *Reservation) Turns() int { return r.grant.Turns }

// Bucket is the bucket that set the due time, "" if the call could start at once.
func (r *Reservation) Bucket() string { return r.grant.Bucket }

// Late reports whether it can no longer be used: slack past its due time, on the monotonic or on the wall clock. The
// monotonic clock stands still while a machine sleeps; the wall clock does not.
func (r *Reservation) Late() bool { return r.grant.Late(time.Now(), r.grant.Route.Slack) }

// Use spends the reservation on a call of a route that starts now. It is true once, only for its own route, not before
// it is due and not when it is late. Where it is false nothing may start on it.
func (r *Reservation) Use(route string) bool {
	return route == r.grant.Route.Name && r.grant.Usable(r.grant.Route.Slack) && r.state.CompareAndSwap(held, used)
}

// Cancel gives up a reservation that was not used. It keeps its due time and serves a caller of the same cost who waits in this
// process; where nobody does, its tokens go back to the fleet, as far as reservations that were made after it allow. Less than
// 10 ms before its due time it stays in this process, and is lost a slack after it. Cancelling twice, or after use, does nothing.
func (r *Reservation) Cancel() {
	if r.state.CompareAndSwap(held, givenUp) {
		r.grant.Return()
	}
}

type contextKey struct{}

// ReservationKey is the key under which a context holds its reservation: for contexts that carry one without [NewContext].
var ReservationKey any = contextKey{} //nolint:gochecknoglobals // a constant

// NewContext returns a context that carries a reservation to the place where the call is sent.
func NewContext(ctx context.Context, r *Reservation) context.Context {
	return context.WithValue(ctx, contextKey{}, r)
}

// FromContext returns the reservation that a context carries. It may be used already: ask [Reservation.Use].
func FromContext(ctx context.Context) (*Reservation, bool) {
	r, ok := ctx.Value(contextKey{}).(*Reservation)
	return r, ok
}
