package limiter_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestLaneGivenUpAMomentAgo: a caller finds a lane that has just been given up. Whichever method it calls, the lane that takes
// its place serves it.
func TestLaneGivenUpAMomentAgo(t *testing.T) {
	for _, shadow := range []bool{false, true} {
		t.Run(fmt.Sprint("shadow=", shadow), func(t *testing.T) {
			cfg := one(10, 10)
			cfg.Shadow = shadow
			both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
				gone := func() {
					t.Helper()
					synctest.Wait()
					if !limiter.GiveUp(l, "global") {
						t.Error("the lane is in use")
					}
				}
				gone()
				startOf(t, l, "global", time.Now())
				gone()
				if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
					t.Errorf("Allow: %v, %v", ok, err)
				}
				gone()
				if rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 2}); len(rs) != 2 || err != nil {
					t.Errorf("ReserveBatch: %d, %v", len(rs), err)
				}
				gone()
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if err := l.Wait(ctx, "global"); err == nil && !shadow {
					t.Error("a caller whose context has ended was served")
				}
				makeRoute(t, l, "tenant", limiter.Bucket{Name: "global"})
				startOf(t, l, "tenant", time.Now())
				synctest.Wait()
				if !limiter.GiveUp(l, "tenant") {
					t.Error("the lane is in use")
				}
				if err := l.RemoveRoute("tenant"); err != nil {
					t.Error(err)
				}
				if err := l.Wait(t.Context(), "tenant"); !isUnknown(err) {
					t.Errorf("a call on a removed route: %v", err)
				}
			})
		})
	}
}

// TestCallsWhileLanesAreGivenUp: callers that come to a lane at the moment in which it is given up find the next lane. They
// get as many tokens as from a lane that stays, and no more.
func TestCallsWhileLanesAreGivenUp(t *testing.T) {
	const callers, tenants, rounds, burst = 8, 100, 30, 5
	test := func(t *testing.T, l *limiter.Limiter) {
		limiter.ShortenIdle(l, time.Nanosecond)
		ctx, cancel := context.WithCancel(t.Context())
		var sweeping sync.WaitGroup
		sweeping.Go(func() {
			for ctx.Err() == nil {
				limiter.Sweep(l)
				time.Sleep(20 * time.Microsecond)
			}
		})
		for n := range tenants {
			name, path := tenant(n, limiter.Limit{Tokens: 1, Per: time.Hour, Burst: burst})
			makeRoute(t, l, name, path...)
			makeRoute(t, l, "quick-"+name, ofBucket("quick-"+name, limiter.PerSecond(100_000, 1000)), limiter.Bucket{Name: "global"})
		}
		var started [tenants]atomic.Int64
		var calling sync.WaitGroup
		for c := range callers {
			calling.Go(func() {
				for i := range rounds {
					n := (i*7 + c%4*25) % tenants // two callers at a time use the same tenant
					name := fmt.Sprint("tenant-", n)
					for range burst {
						ok, err := l.Allow(ctx, name)
						if err != nil {
							t.Errorf("Allow: %v", err)
						}
						if ok {
							started[n].Add(1)
						}
					}
					if err := l.Wait(ctx, "quick-"+name, limiter.Urgent()); err != nil {
						t.Errorf("Wait: %v", err)
					}
					rs, _, err := l.ReserveBatch(ctx, "quick-"+name, limiter.Run{N: 3})
					if err != nil {
						t.Errorf("ReserveBatch: %v", err)
					}
					for _, r := range rs {
						r.Cancel()
					}
				}
			})
		}
		calling.Wait()
		cancel()
		sweeping.Wait()
		for n := range started {
			if got := started[n].Load(); got != 0 && got != burst {
				t.Errorf("%d calls of tenant %d started, its bucket gives %d", got, n, burst)
			}
		}
	}
	cfg := one(1_000_000, 1_000_000)
	cfg.Slack = time.Minute // a busy machine wakes callers late: their reservations are still used
	t.Run("redis", func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		l, err := limiter.New(t.Context(), rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		test(t, l)
	})
	t.Run("memory", func(t *testing.T) {
		l, err := limiter.NewMemory(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		test(t, l)
	})
}
