package limiter

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Report is what a call has taught about its provider: [Throttled].
type Report interface{ report() }

// Throttled is the report of a call that the provider has refused because of its quota.
type Throttled struct {
	// RetryAfter is how long the provider asks to wait. At zero, where it does not say, nothing is shut.
	RetryAfter time.Duration
}

func (Throttled) report() {}

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
	t, ok := r.(Throttled)
	if !ok {
		return fmt.Errorf("limiter: route %s: no such report: %T", route, r)
	}
	n, err := l.lane(route, false)
	if err != nil {
		return err
	}
	l.telemetry.throttled(ctx, n)
	hold := min(t.RetryAfter, LongestHold)
	if hold <= 0 || l.shadows.Load() {
		return nil
	}
	limits, at := passedOf(n.Route()).limits, 0
	for at < len(limits)-1 && limits[at].own {
		at++
	}
	bucket := limits[at].bucket
	l.s.Logger.LogAttrs(ctx, slog.LevelWarn, "a provider asks to wait: its bucket is shut for the fleet",
		slog.String("namespace", l.s.Namespace), slog.String("route", route), slog.String("bucket", bucket), slog.Duration("for", hold))
	switch {
	case hold <= lane.LongestHold || limits[at].own:
		n.Hold(hold, bucket)
		return nil
	case l.opensAt(bucket).After(time.Now().Add(hold - sameHold)):
		return nil // the fleet knows
	}
	return l.Pause(ctx, bucket, hold)
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
