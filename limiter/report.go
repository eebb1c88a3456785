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

// Report is what a call has taught about its provider: [Throttled], [Overloaded] or [Remaining].
type Report interface{ kind() string }

// Throttled is the report of a call that the provider has refused because of its quota, as a rule with status 429.
type Throttled struct {
	// RetryAfter is how long the provider asks to wait, 0 where it does not say. Where it does, the bucket is shut for the fleet.
	RetryAfter time.Duration
}

// Overloaded is the report of a call that failed because the provider cannot serve anybody, as a rule with status 503 or 529. It says
// nothing about a quota.
type Overloaded struct {
	// RetryAfter is how long the provider asks to wait, 0 where it does not say. Where it does, the bucket is shut for the fleet.
	RetryAfter time.Duration
}

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

const (
	// LongestHold is the longest time for which a report shuts a bucket.
	LongestHold = 31 * 24 * time.Hour
	// PromptHold is the longest hold that a report sends without waiting. Redis and every replica remember a longer one.
	PromptHold = 5 * time.Second
	// momentary is the longest time to wait that is about the rate of calls, and not about a quota of the hour or the day. A refusal with a
	// longer one does not lower the rate: the bucket opens gently instead.
	momentary = 30 * time.Second
)

// Report tells the fleet what a call of a route has taught about the provider of the first configured bucket of the route, its narrowest.
//
//   - [Throttled] with a time to wait shuts the bucket for the whole fleet until then, and the bucket is empty then; of several such reports
//     the longest counts, except that one which differs by less than a quarter, 5 s at most, is of the same refusal. Calls whose deadline is earlier are refused. Reservations that were granted before start nevertheless, a
//     horizon's at most. A hold of up to [PromptHold] is sent at once, and Report does not wait for it. A longer one is a pause, as by
//     [Limiter.Pause]: Report returns when Redis has it, the fleet remembers it over restarts and over a Redis that forgets, and
//     [Limiter.Resume] ends it. A route without a configured bucket is shut for 30 s at most. While Redis is away the hold is this replica's at
//     once, and the fleet hears of it when Redis is back; of a replica that ends before, it does not.
//   - [Throttled] lowers the rate of the fleet to what the provider accepts, when refusals are more than chance: two within a second and
//     25 calls. The rate grows again, slowly near the rate that was refused and ever faster beyond it. It never exceeds the configured
//     rate, and never falls below one token in two seconds, or a tenth of a limit below 5 a second. During a hold the rate grows, too,
//     so that a long one forgets part of what was learnt. A RetryAfter of more than 30 s is about a quota, and does not lower the rate:
//     when the bucket opens, one call starts in the first second, then twice as many each second.
//   - [Overloaded] lowers the rate when more than 40 % of the calls of a second fail. Then the rate doubles each second. With a time to wait it
//     shuts the bucket as Throttled does.
//   - [Remaining] has the rate follow what is left of the quota, and the bucket hold no more than that. By a reservation it counts from the
//     second one of a process on: with the first the process begins to note where the limits stand when it reserves.
//
// [Config.FixedRates] leaves the rate alone. The reports that lower the rate are sent at once, and Report does not wait for that. Of several
// limits of the bucket the fastest is slowed down; of a window, fewer starts are allowed.
//
// A call without a reservation counts as due when it is reported, and all that was reserved by then as known to the provider. Whoever has the
// reservation of the call knows better: see [Reservation.Report].
//
// Errors: [RouteError], [ErrClosed], of a longer hold those of Pause, and an error for a [Remaining] without a limit or of another route's bucket.
func (l *Limiter) Report(ctx context.Context, route string, r Report) error {
	n, err := l.lane(route, false)
	if err != nil {
		return err
	}
	of := n.Route()
	return l.report(ctx, n, of, r, func(what bucket.Lesson, limit int, q lane.Quota) { n.Teach(of, what, limit, q) })
}

// Report is [Limiter.Report] by whoever has the reservation of the call, which says when the call was due. That the call was refused is
// reported once: after one without an error, later reports of [Throttled] and [Overloaded] do nothing. It is nil where the reservation was given up.
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
		r.refused.Store(false) // a hold that Redis has not heard may be reported again
	}
	return err
}

// report has the limit learn that a report is about, of a route that the lane has or had. teach takes the place of the limit in the route.
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
		return fmt.Errorf("limiter: route %s: no such report: %T", of.Name, rep)
	}
	return nil
}

// fastest is the limit of a bucket that a provider's answers are about: the one per the time given, else the fastest; -1 for none.
func fastest(limits []bound, bucket string, per time.Duration) int {
	at := -1
	for i, b := range limits { // the narrowest first
		if b.bucket == bucket && (at < 0 || limits[at].limit.Per != per || per == 0) {
			at = i
		}
	}
	return at
}

// refusing tells the log once a minute that a provider refuses calls.
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
		return nil // the fleet knows
	}
	err := l.close(ctx, b.bucket, hold, heldBy(l.s.Replica, time.Now(), hold > momentary))
	if errors.Is(err, ErrUnavailable) && l.holdAlone(b, hold) { // Redis was found to be away meanwhile
		return nil
	}
	return err
}

// sameHold is how much two holds of one refusal may differ, and a quarter of a short one.
const sameHold = 5 * time.Second

// opensAt is when a paused bucket opens, as far as this replica has heard; a moment that has passed for one that is open.
func (l *Limiter) opensAt(bucket string) time.Time {
	l.mu.RLock()
	opens := l.conf.opens[bucket].at
	l.mu.RUnlock()
	if opens == 0 {
		return time.Time{}
	}
	return l.shared.Clock.Local(opens, time.Now())
}
