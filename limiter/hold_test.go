package limiter_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// callers runs 20 callers in each replica, each one call after the other. stop ends them, and returns when calls started, in order.
func callers(t *testing.T, fleet []*limiter.Limiter) (stop func() []time.Time) {
	ctx, cancel := context.WithCancel(t.Context())
	var mu sync.Mutex
	var starts []time.Time
	var all sync.WaitGroup
	for _, l := range fleet {
		for range 20 {
			all.Go(func() {
				for l.Wait(ctx, "global") == nil {
					mu.Lock()
					starts = append(starts, time.Now())
					mu.Unlock()
				}
			})
		}
	}
	return func() []time.Time {
		cancel()
		all.Wait()
		slices.SortFunc(starts, time.Time.Compare)
		return starts
	}
}

// TestHoldOfAFleet: after the report of one replica has reached Redis, only calls with existing reservations start, a horizon's at most.
// Then no call starts until the hold ends. From the first call on, the starts keep the rate.
func TestHoldOfAFleet(t *testing.T) {
	limit := limiter.PerSecond(40, 40)
	for _, hold := range []time.Duration{2 * time.Second, 40 * time.Second, few(time.Minute, 5*time.Minute)} {
		onFleets(t, limiter.SingleBucket("global", limit), func(t *testing.T, fleet []*limiter.Limiter) {
			stop := callers(t, fleet)
			time.Sleep(5 * time.Second)
			if err := fleet[0].Report(t.Context(), "global", limiter.Throttled{RetryAfter: hold}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond) // the report has reached Redis
			reported := time.Now()
			time.Sleep(hold + 10*time.Second)
			starts := stop()
			first, before := time.Time{}, 0
			for _, at := range starts {
				switch {
				case at.Before(reported):
				case at.Before(reported.Add(hold - 10*time.Millisecond)):
					before++
				case first.IsZero():
					first = at
				}
			}
			after := 0
			for _, at := range starts {
				if !first.IsZero() && !at.Before(first) && at.Before(first.Add(time.Second)) {
					after++
				}
			}
			most := int(limiter.DefaultHorizon.Seconds()*limit.Rate()) + 1
			t.Logf("a hold of %v: %d calls started after the report, %d in the first second after it, the first after %v",
				hold, before, after, first.Sub(reported))
			soon := int(limit.Rate()) + 1
			if hold > 30*time.Second {
				soon = 3 // one call finds out whether the provider serves again, then twice as many each second
			}
			if before > most || after > soon {
				t.Errorf("%d calls started after the report, want %d at most; %d in the first second after the hold, want %d", before, most, after, soon)
			}
			if late := first.Sub(reported) - hold; first.IsZero() || late > 5*time.Second+hold/1000 {
				t.Errorf("the first call starts %v after the end of the hold", late)
			}
		}, 8)
	}
}

// TestHoldThatIsNotOver: when a long hold ends and the provider asks to wait again, the fleet needs a call or two to learn that. The
// snapshot names the replica that reported the hold, on Redis and in memory.
func TestHoldThatIsNotOver(t *testing.T) {
	cfg := limiter.SingleBucket("global", limiter.PerSecond(40, 40))
	hold := few(2*time.Minute, 10*time.Minute)
	onFleets(t, cfg, func(t *testing.T, fleet []*limiter.Limiter) {
		ctx, cancel := context.WithCancel(t.Context())
		var mu sync.Mutex
		var all sync.WaitGroup
		calls := 0
		for _, l := range fleet {
			for range 20 {
				all.Go(func() {
					for {
						r, err := l.Reserve(ctx, "global")
						if err != nil {
							return
						}
						time.Sleep(r.Delay())
						if !r.Use("global") {
							continue
						}
						mu.Lock()
						calls++
						mu.Unlock()
						time.Sleep(200 * time.Millisecond) // the provider's answer
						if err := r.Report(ctx, limiter.Throttled{RetryAfter: hold}); err != nil {
							return
						}
					}
				})
			}
		}
		time.Sleep(hold / 2)
		mu.Lock()
		first := calls
		mu.Unlock()
		s, err := fleet[0].Snapshot(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if b := s.Buckets[0]; b.PausedFor < hold/2-5*time.Second || b.HeldBy == "" || time.Since(b.HeldSince) < hold/2-5*time.Second || time.Since(b.HeldSince) > hold/2 {
			t.Errorf("the snapshot has a hold of %v by %q since %v", b.PausedFor, b.HeldBy, b.HeldSince)
		}
		time.Sleep(5 * hold)
		cancel()
		all.Wait()
		t.Logf("%d calls before the first hold, %d in the next five", first, calls-first)
		if again := calls - first; again < 3 || again > 2*5 {
			t.Errorf("in five more holds %d calls were refused, want 2 each at most", again)
		}
	}, 8)
}

// TestHoldOutlivesRedis: every replica knows a hold of more than 5 s. When Redis loses its data, and the replica that reported the hold is
// gone, no call starts before the hold ends.
func TestHoldOutlivesRedis(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const hold = 20 * time.Second
		c := newRedisFleet(t, 4, limiter.SingleBucket("global", limiter.PerSecond(40, 40)))
		defer c.close(t)
		time.Sleep(time.Minute)
		stop := callers(t, c.fleet[1:])
		time.Sleep(2 * time.Second)
		if err := c.fleet[0].Report(t.Context(), "global", limiter.Throttled{RetryAfter: hold}); err != nil {
			t.Fatal(err)
		}
		reported := time.Now()
		if err := c.fleet[0].Close(t.Context()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(hold / 4)
		c.server.FlushAll()
		time.Sleep(hold)
		starts := stop()
		during, after := 0, 0
		for _, at := range starts {
			switch since := at.Sub(reported); {
			case since > limiter.DefaultHorizon && since < hold-10*time.Millisecond:
				during++
			case since >= hold:
				after++
			}
		}
		t.Logf("%d calls started during the hold, %d in the %v after it", during, after, hold/4)
		if during > 0 || after < 100 {
			t.Errorf("%d calls started during the hold, want none; %d in the %v after it", during, after, hold/4)
		}
	})
}

// TestHoldsOfSlowLimits: after a long hold a limit of a few calls a second soon has its whole rate. The time in which the rate grows delays
// calls by a second at most.
func TestHoldsOfSlowLimits(t *testing.T) {
	for _, limit := range []limiter.Limit{limiter.PerSecond(1, 1), limiter.PerSecond(2, 2)} {
		onFleets(t, limiter.SingleBucket("global", limit), func(t *testing.T, fleet []*limiter.Limiter) {
			l, begun := fleet[0], time.Now()
			report(t.Context(), t, reservation(t, l), limiter.Throttled{RetryAfter: 2 * time.Minute})
			for range 5 {
				reservation(t, l)
			}
			if took := time.Since(begun) - 2*time.Minute; took > 5*time.Second+limiter.DefaultHorizon {
				t.Errorf("%v: the fifth call started %v after the hold", limit, took)
			}
		}, 1)
	}
}

// TestLongerHold: of two holds the later end counts, unless both are of the same refusal.
func TestLongerHold(t *testing.T) {
	onFleets(t, limiter.SingleBucket("global", limiter.PerSecond(40, 40)), func(t *testing.T, fleet []*limiter.Limiter) {
		first, second, begun := reservation(t, fleet[0]), reservation(t, fleet[0]), time.Now()
		report(t.Context(), t, first, limiter.Throttled{RetryAfter: 9 * time.Second})
		time.Sleep(4500 * time.Millisecond)
		report(t.Context(), t, second, limiter.Throttled{RetryAfter: 9 * time.Second})
		reservation(t, fleet[0])
		if took := time.Since(begun); took < 13500*time.Millisecond {
			t.Errorf("a call started %v after the first of two holds", took)
		}
	}, 1)
}
