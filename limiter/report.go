package limiter

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/lane"
)

// Report is what a call has learnt about its provider: [Throttled], [Overloaded] or [Remaining].
type Report interface{ kind() string }

// Throttled is the report of a call that the provider has refused because of its quota, usually with status 429.
type Throttled struct {
	// RetryAfter is how long the provider asks to wait; 0 if it does not say. If it does, the bucket is shut for the
	// fleet.
	RetryAfter time.Duration
}

// Overloaded is the report of a call that failed because the provider cannot serve anybody, usually with status 503 or
// 529. It contains nothing about a quota.
type Overloaded struct {
	// RetryAfter is how long the provider asks to wait; 0 if it does not say. If it does, the bucket is shut for the
	// fleet.
	RetryAfter time.Duration
}

// Remaining is the report of what is left of a quota, from the headers of an answer.
type Remaining struct {
	// Bucket is the bucket of the quota. Zero is the narrowest configured bucket of the route.
	Bucket string
	// Limit is the tokens of the whole quota, 1 or more. Left is how many of them remain, 0 or more.
	Limit, Left int64
	// Per is the time to which Limit belongs; 0 if the provider does not say.
	Per time.Duration
}

func (Throttled) kind() string  { return "throttled" }
func (Overloaded) kind() string { return "overloaded" }
func (Remaining) kind() string  { return "remaining" }

const (
	// LongestHold is the longest time for which a report shuts a bucket.
	LongestHold = 31 * 24 * time.Hour
	// PromptHold is the longest hold that Report sends without waiting for Redis. Redis and every replica remember a
	// longer one.
	PromptHold = 5 * time.Second
	// momentary is the longest time to wait that is about the rate of calls, not about a quota of the hour or the day.
	// A refusal with a longer time does not lower the rate: the bucket opens gently instead.
	momentary = 30 * time.Second
)

// Report reports to the fleet what a call of a route has learnt about the provider. The report concerns the first
// configured bucket of the route, its narrowest.
//
//   - [Throttled] with a time to wait shuts the bucket for the whole fleet until then; the bucket is then empty. Of
//     several such reports the longest counts. A report that differs by less than a quarter, 5 s at most, belongs to
//     the same refusal and does not count. Calls whose deadline is earlier are refused. Reservations that were granted
//     before still start, a horizon's at most. A hold of up to [PromptHold] is sent at once, and Report does not wait
//     for it. A longer hold is a pause, as by [Limiter.Pause]: Report returns when Redis has it, the fleet remembers it
//     over restarts and over a Redis that forgets, and [Limiter.Resume] ends it. A route without a configured bucket is
//     shut for 30 s at most. While Redis is away the hold applies to this replica at once, and to the fleet when Redis
//     is back. If the replica ends before that, the fleet does not learn of the hold.
//   - [Throttled] lowers the rate of the fleet to what the provider accepts, when refusals are more than chance: two
//     within one second and within 25 calls of each other. The rate grows again, slowly near the rate that was refused
//     and ever faster beyond it. It never exceeds the configured rate, and never falls below one token in two seconds, or a tenth of a limit
//     below 5 a second. The rate also grows during a hold, so that a long hold forgets part of what was learnt. A
//     RetryAfter of more than 30 s is about a quota, and does not lower the rate: when the bucket opens, one call
//     starts in the first second, then twice as many each second.
//   - [Overloaded] lowers the rate when more than 40 % of the calls of a second fail. After that the rate doubles each
//     second. With a time to wait it shuts the bucket as Throttled does.
//   - [Remaining] makes the rate follow what is left of the quota; the bucket holds no more than that. Reports by a
//     reservation count from the second one of a process on: with the first the process begins to note where the limits
//     stand when it reserves.
//
// [Config.FixedRates] leaves the rate alone. Reports that lower the rate are sent at once, and Report does not wait for
// that. Of several limits of the bucket the fastest is slowed down. For a window, fewer starts are allowed.
//
// A call without a reservation counts as due when it is reported, and all earlier reservations count as known to the
// provider. The holder of the call's reservation can report more precisely: see [Reservation.Report].
//
// Errors: [RouteError], [ErrClosed], for a longer hold those of Pause, and an error for a [Remaining] without a limit
// or of another route's bucket.
func (l *Limiter) Report(ctx context.Context, route string, r Report) error {
	n, err := l.lane(route, false)
	if err != nil {
		return err
	}
	of := n.Route()
	return l.report(ctx, n, of, r, func(what bucket.Lesson, limit int, q lane.Quota) { n.Teach(of, what, limit, q) })
}

// Report is [Limiter.Report] by the holder of the call's reservation, which knows when the call was due. A refusal is
// reported once: after one report without an error, later reports of [Throttled] and [Overloaded] do nothing. Report
// returns nil if the reservation was given up.
func (r *Reservation) Report(ctx context.Context, rep Report) error {
	if _, what := rep.(Remaining); r.state.Load() == givenUp || !what && !r.refused.CompareAndSwap(false, true) {
		return nil
	}
	l := passedOf(r.grant.Route).limiter
	n, err := l.lane(r.grant.Route.Name, false)
	if err != nil {
		return err
	}
	err = l.report(ctx, n, r.grant.Route, rep, r.grant.Teach)
	if err != nil {
		r.refused.Store(false) // a hold that has not reached Redis may be reported again
	}
	return err
}

// report makes the limit learn that a report is about, for a route that the lane has or had. teach receives the index
// of the limit in the route.
func (l *Limiter) report(ctx context.Context, n *lane.Lane, of *lane.Route, rep Report, teach func(bucket.Lesson, int, lane.Quota)) error {
	limits, about := passedOf(of).limits, passedOf(of).about
	if l.s.FixedRates || l.shadows.Load() {
		teach = func(bucket.Lesson, int, lane.Quota) {}
	}
	switch r := rep.(type) {
	case Throttled:
		l.telemetry.reported(ctx, passedOf(of).labels, r)
		l.tallies.refused(about.bucket)
		if r.RetryAfter <= momentary {
			if at := fastest(limits, about.bucket, 0); at >= 0 && !l.shadowed(about.bucket) {
				teach(bucket.QuotaSpent, at, lane.Quota{})
			}
			l.refusing(ctx, of.Name, about.bucket, r)
		}
		return l.hold(ctx, n, about, min(r.RetryAfter, LongestHold))
	case Overloaded:
		l.telemetry.reported(ctx, passedOf(of).labels, r)
		l.tallies.refused(about.bucket)
		if at := fastest(limits, about.bucket, 0); at >= 0 && !l.shadowed(about.bucket) {
			teach(bucket.Overload, at, lane.Quota{})
		}
		l.refusing(ctx, of.Name, about.bucket, r)
		return l.hold(ctx, n, about, min(r.RetryAfter, LongestHold))
	case Remaining:
		name := r.Bucket
		if name == "" {
			name = about.bucket
		}
		at, beside := fastest(limits, name, r.Per), slices.Contains(of.Beside, name)
		if at < 0 && !beside {
			return &BucketError{Route: of.Name, Bucket: name}
		}
		if r.Limit < 1 || r.Left < 0 || r.Per < 0 {
			return fmt.Errorf("limiter: route %s: %d of %d tokens remain per %v: want a limit of 1 or more", of.Name, r.Left, r.Limit, r.Per)
		}
		if beside || l.shadowed(name) {
			return nil
		}
		teach(bucket.QuotaLeft, at, lane.Quota{Limit: min(r.Limit, exact/4), Left: min(r.Left, exact/4), Per: min(r.Per, exact/4*time.Microsecond)})
	default:
		return fmt.Errorf("limiter: route %s: unknown report %T", of.Name, rep)
	}
	return nil
}

// fastest returns the index of the limit that a provider's answers are about: the one per the given time, otherwise the
// fastest; -1 for none.
func fastest(limits []bound, bucket string, per time.Duration) int {
	at := -1
	for i, b := range limits { // the narrowest first
		if b.bucket == bucket && (at < 0 || limits[at].limit.Per != per || per == 0) {
			at = i
		}
	}
	return at
}

// refusing logs once a minute that a provider refuses calls.
func (l *Limiter) refusing(ctx context.Context, route, bucket string, r Report) {
	if l.notices.due("refused " + bucket) {
		l.s.Logger.LogAttrs(ctx, slog.LevelWarn, "a provider refuses calls", slog.String("namespace", l.s.Namespace),
			slog.String("route", route), slog.String("bucket", bucket), slog.String("kind", r.kind()), slog.Bool("follows", !l.s.FixedRates && !l.shadows.Load() && !l.shadowed(bucket)))
	}
}

// hold shuts the bucket that a report of a route is about.
func (l *Limiter) hold(ctx context.Context, n *lane.Lane, b bound, hold time.Duration) error {
	if hold <= 0 || l.shadows.Load() || l.shadowed(b.bucket) && !b.own {
		return nil
	}
	l.s.Logger.LogAttrs(ctx, slog.LevelWarn, "a provider asks to wait: its bucket is shut for the fleet", slog.String("namespace", l.s.Namespace),
		slog.String("route", n.Route().Name), slog.String("bucket", b.bucket), slog.Duration("for", hold))
	if l.holdAlone(b, hold) {
		return nil
	}
	switch {
	case hold <= PromptHold || b.own:
		n.Hold(hold, b.bucket)
		return nil
	case l.opensAt(b.bucket).After(time.Now().Add(hold - min(sameHold, hold/4))):
		return nil // the fleet has this hold already
	}
	err := l.close(ctx, b.bucket, hold, heldBy(l.s.Replica, time.Now(), hold > momentary))
	if errors.Is(err, ErrUnavailable) && l.holdAlone(b, hold) { // Redis turned out to be away
		return nil
	}
	return err
}

// sameHold is how much two holds of one refusal may differ; for a short one a quarter.
const sameHold = 5 * time.Second

// opensAt returns when a paused bucket opens, as far as this replica knows. For an open bucket the moment is in the
// past.
func (l *Limiter) opensAt(bucket string) time.Time {
	l.mu.RLock()
	opens := l.conf.opens[bucket].at
	l.mu.RUnlock()
	if opens == 0 {
		return time.Time{}
	}
	return l.shared.Clock.Local(opens, time.Now())
}
