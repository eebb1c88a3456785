package limiter

import (
	"context"
	"log/slog"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Report is what a call has taught about its provider: [Throttled], [Overloaded] or [Remaining].
type Report interface{ kind() string }

// Throttled is the report of a call that the provider has refused because of its quota, as a rule with status 429.
type Throttled struct {
	// RetryAfter is how long the provider asks to wait, 0 where it does not say. Where it does, the bucket is shut for the fleet.
	RetryAfter time.Duration
}

// Overloaded is the report of a call that failed because the provider cannot serve anybody, as a rule with status 503 or 529. It says
// nothing about a quota.
type Overloaded struct{}

// Remaining is the report of what is left of a quota, as the headers of an answer say.
type Remaining struct {
	// Bucket is whose quota it is. Zero is the narrowest configured bucket of the route.
	Bucket string
	// Limit is the tokens of the whole quota, 1 or more. Left is what remains of them, 0 or more.
	Limit, Left int64
	// Per is the time to which Limit belongs, 0 where the provider does not say.
	Per time.Duration
}

func (Throttled) kind() string  { return "throttled" }
func (Overloaded) kind() string { return "overloaded" }
func (Remaining) kind() string  { return "remaining" }

// LongestHold is the longest time for which a report shuts a bucket.
const LongestHold = 31 * 24 * time.Hour

// Report tells the fleet what a call of a route has taught. Where the provider has asked to wait, the first configured bucket of the route,
// its narrowest, is shut for the whole fleet until then, and is empty then; of several such reports the longest counts. Calls whose deadline
// is earlier are refused. Reservations that were granted before start nevertheless, a horizon's at most.
//
// A hold of up to 30 s is sent at once, and Report does not wait for it. A longer one is a pause, as by [Limiter.Pause]: Report returns when
// Redis has it, the fleet remembers it over restarts and over a Redis that forgets, and [Limiter.Resume] ends it. A route without a configured
// bucket is shut for 30 s at most.
//
// Errors: [RouteError], [ErrClosed], and of a longer hold those of Pause.
func (l *Limiter) Report(ctx context.Context, route string, r Report) error {
	return l.report(ctx, route, r)
}

// Report is [Limiter.Report] by whoever has the reservation of the call, which says when the call was due. That the call was refused is
// reported once: later reports of [Throttled] and [Overloaded] do nothing. It is nil where the reservation was given up.
func (r *Reservation) Report(ctx context.Context, rep Report) error {
	if _, what := rep.(Remaining); r.state.Load() == givenUp || !what && !r.refused.CompareAndSwap(false, true) {
		return nil
	}
	return passedOf(r.grant.Route).limiter.report(ctx, r.grant.Route.Name, rep)
}

func (l *Limiter) report(ctx context.Context, route string, r Report) error {
	n, err := l.lane(route, false)
	if err != nil {
		return err
	}
	switch r := r.(type) {
	case Throttled:
		l.telemetry.reported(ctx, passedOf(n.Route()).labels, r)
		return l.hold(ctx, n, min(r.RetryAfter, LongestHold))
	case Overloaded:
		l.telemetry.reported(ctx, passedOf(n.Route()).labels, r)
	}
	return nil
}

// hold shuts the bucket that a report of a route is about.
func (l *Limiter) hold(ctx context.Context, n *lane.Lane, hold time.Duration) error {
	if hold <= 0 || l.shadows.Load() {
		return nil
	}
	b := reportedOn(n.Route())
	l.s.Logger.LogAttrs(ctx, slog.LevelWarn, "a provider asks to wait: its bucket is shut for the fleet", slog.String("namespace", l.s.Namespace),
		slog.String("route", n.Route().Name), slog.String("bucket", b.bucket), slog.Duration("for", hold))
	switch {
	case hold <= lane.LongestHold || b.own:
		n.Hold(hold, b.bucket)
		return nil
	case l.opensAt(b.bucket).After(time.Now().Add(hold - sameHold)):
		return nil // the fleet knows
	}
	return l.Pause(ctx, b.bucket, hold)
}

// reportedOn is a limit of the bucket that a report of a route is about: of the first configured one, the narrowest.
func reportedOn(r *lane.Route) bound {
	limits, at := passedOf(r).limits, 0
	for at < len(limits)-1 && limits[at].own {
		at++
	}
	return limits[at]
}

// sameHold is how much two holds of one refusal may differ.
const sameHold = 5 * time.Second

// opensAt is when a paused bucket opens, as far as this replica has heard; a moment that has passed for one that is open.
func (l *Limiter) opensAt(bucket string) time.Time {
	l.mu.RLock()
	opens := l.conf.opens[bucket]
	l.mu.RUnlock()
	if opens == 0 {
		return time.Time{}
	}
	return l.shared.Clock.Local(opens, time.Now())
}
