package limiter_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// both runs a test over the limiter in Redis and the one in memory, each in a bubble of its own, with full buckets.
func both(t *testing.T, cfg limiter.Config, test func(t *testing.T, l *limiter.Limiter)) {
	t.Run("redis", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, rdb := limitertest.Redis(t)
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			time.Sleep(time.Minute) // a new namespace begins empty
			test(t, l)
		})
	})
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, err := limiter.NewMemory(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			test(t, l)
		})
	})
}

func closeLimiter(t *testing.T, l *limiter.Limiter) {
	if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

func config(limits map[string][]limiter.Limit, routes map[string][]string) limiter.Config {
	return limiter.Config{Buckets: limits, Routes: routes}
}

func one(rate, burst int64) limiter.Config {
	return config(map[string][]limiter.Limit{"global": {limiter.PerSecond(rate, burst)}}, nil)
}

func TestWaitPacesAtTheRate(t *testing.T) {
	both(t, one(40, 5), func(t *testing.T, l *limiter.Limiter) {
		begin := time.Now()
		var starts []time.Time
		for range 45 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			starts = append(starts, time.Now())
		}
		if got, want := time.Since(begin), time.Second; got.Round(time.Millisecond) != want {
			t.Errorf("5 tokens there and 40 a second: 45 took %v, want %v", got, want)
		}
		if err := limitertest.Law(starts, limiter.PerSecond(40, 5), time.Microsecond); err != nil {
			t.Error(err)
		}
	})
}

func TestConcurrentWaitersKeepTheLawAndUseAll(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		var mu sync.Mutex
		var starts []time.Time
		var all sync.WaitGroup
		begin := time.Now()
		for range 200 {
			all.Go(func() {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Error(err)
				}
				mu.Lock()
				starts = append(starts, time.Now())
				mu.Unlock()
			})
		}
		all.Wait()
		if got := time.Since(begin).Round(time.Millisecond); got != 4*time.Second {
			t.Errorf("200 calls on 40 there and 40 a second took %v, want 4s", got)
		}
		if err := limitertest.Law(starts, limiter.PerSecond(40, 40), time.Microsecond); err != nil {
			t.Error(err)
		}
	})
}

// TestCallersShareACall: while one call is on its way those who come meanwhile gather, and share the next.
func TestCallersShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		l, err := limiter.New(t.Context(), rdb, one(40, 40))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		var all sync.WaitGroup
		for range 200 {
			all.Go(func() {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if calls := l.Calls(); calls > 20 {
			t.Errorf("%d calls to Redis for 200 waiters who came together", calls)
		}
	})
}

func TestRoutesKeepEveryBucket(t *testing.T) {
	cfg := config(map[string][]limiter.Limit{
		"global":  {limiter.PerSecond(40, 10)},
		"spotify": {limiter.PerSecond(10, 2), {Tokens: 60, Per: time.Minute, Burst: 25}},
	}, map[string][]string{"spotify": {"spotify", "global"}, "lastfm": {"global"}})
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		starts := map[string][]time.Time{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, route := range []string{"spotify", "lastfm", "spotify", "lastfm"} {
			all.Go(func() {
				for range 20 {
					if err := l.Wait(t.Context(), route); err != nil {
						t.Error(err)
					}
					mu.Lock()
					starts[route] = append(starts[route], time.Now())
					mu.Unlock()
				}
			})
		}
		all.Wait()
		for bucket, uses := range map[string][]time.Time{
			"spotify": starts["spotify"],
			"global":  slices.Concat(starts["spotify"], starts["lastfm"]),
		} {
			for _, limit := range cfg.Buckets[bucket] {
				if err := limitertest.Law(uses, limit, time.Microsecond); err != nil {
					t.Errorf("%s: %v", bucket, err)
				}
			}
		}
	})
}

func TestAllowTakesOnlyWhatIsThere(t *testing.T) {
	both(t, one(10, 3), func(t *testing.T, l *limiter.Limiter) {
		var got []bool
		for range 5 {
			ok, err := l.Allow(t.Context(), "global")
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, ok)
		}
		if want := []bool{true, true, true, false, false}; !slices.Equal(got, want) {
			t.Errorf("allowed %v, want %v", got, want)
		}
		time.Sleep(100 * time.Millisecond) // what was refused was not charged
		if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
			t.Errorf("after the time of one token: %v, %v", ok, err)
		}
	})
}

func TestDeadlineIsRefusedAtOnceAndTakesNothing(t *testing.T) {
	both(t, one(10, 1), func(t *testing.T, l *limiter.Limiter) {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			begin := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
			err := l.Wait(ctx, "global")
			cancel()
			refused, ok := errors.AsType[*limiter.DeadlineError](err)
			if !ok || !errors.Is(err, context.DeadlineExceeded) || refused.Ready != 100*time.Millisecond {
				t.Fatalf("error %v, want a DeadlineError of 100ms", err)
			}
			if waited := time.Since(begin); waited != 0 {
				t.Errorf("refused after %v, want at once", waited)
			}
		}
		begin := time.Now()
		if err := l.Wait(t.Context(), "global"); err != nil || time.Since(begin) != 100*time.Millisecond {
			t.Errorf("next call waited %v, %v: the refused ones were charged", time.Since(begin), err)
		}
	})
}

func TestCostsAndTheirBounds(t *testing.T) {
	both(t, one(10, 4), func(t *testing.T, l *limiter.Limiter) {
		err := l.WaitN(t.Context(), "global", 5)
		if e, ok := errors.AsType[*limiter.ExceedsBurstError](err); !ok || e.Burst != 4 || e.Cost != 5 || e.Bucket != "global" {
			t.Errorf("5 of 4: %v", err)
		}
		for _, n := range []int64{0, -1} {
			if _, err := l.ReserveN(t.Context(), "global", n); err == nil {
				t.Errorf("a call of %d tokens was reserved", n)
			}
		}
		begin := time.Now()
		for range 2 {
			if err := l.WaitN(t.Context(), "global", 4); err != nil {
				t.Fatal(err)
			}
		}
		if got := time.Since(begin).Round(time.Millisecond); got != 400*time.Millisecond {
			t.Errorf("two calls of 4 tokens took %v, want 400ms", got)
		}
	})
}

func TestReservationIsUsedOnceOnItsRouteInTime(t *testing.T) {
	cfg := one(10, 1)
	cfg.Routes = map[string][]string{"other": {"global"}}
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		first, err := l.Reserve(t.Context(), "global")
		if err != nil || first.Delay() != 0 {
			t.Fatalf("first: %v, due in %v", err, first.Delay())
		}
		if first.Use("other") {
			t.Error("used on another route")
		}
		if !first.Use("global") || first.Use("global") {
			t.Error("not used exactly once")
		}
		second, err := l.Reserve(t.Context(), "global")
		if err != nil || second.Delay() != 100*time.Millisecond || second.Bucket() != "global" {
			t.Fatalf("second: %v, due in %v, bound by %q", err, second.Delay(), second.Bucket())
		}
		if second.Use("global") {
			t.Error("used before it was due")
		}
		time.Sleep(100*time.Millisecond + limiter.DefaultSlack)
		if second.Late() {
			t.Error("late within the slack")
		}
		time.Sleep(time.Millisecond)
		if second.Use("global") {
			t.Error("used when the slack was over")
		}
	})
}

func TestCancelledReservationGoesToTheNextCaller(t *testing.T) {
	both(t, one(10, 1), func(t *testing.T, l *limiter.Limiter) {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		for range 20 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Millisecond, cancel)
			if err := l.Wait(ctx, "global"); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != 100*time.Millisecond {
			t.Errorf("after 20 cancelled waits the next call started at %v, want 100ms", got)
		}
	})
}

func TestTryReserveIsOneCallAndKeepsItsPlace(t *testing.T) {
	both(t, one(40, 5), func(t *testing.T, l *limiter.Limiter) {
		before := l.Calls()
		rs, _, err := l.TryReserve(t.Context(), "global", 20)
		// Five are there, ten come within the horizon of 250 ms; the rest is left for others.
		if err != nil || len(rs) != 15 {
			t.Fatalf("%d reservations, %v", len(rs), err)
		}
		for i, r := range rs {
			if want := max(0, time.Duration(i-4)*25*time.Millisecond); r.Delay().Round(time.Millisecond) != want {
				t.Errorf("reservation %d is due in %v, want %v", i, r.Delay(), want)
			}
		}
		none, again, err := l.TryReserve(t.Context(), "global", 20)
		if len(none) != 0 || err != nil || !again.After(time.Now()) {
			t.Fatalf("beyond the horizon: %d reservations, come back at %v, %v", len(none), again, err)
		}
		time.Sleep(time.Until(again))
		more, _, err := l.TryReserve(t.Context(), "global", 20)
		if len(more) == 0 || err != nil {
			t.Fatalf("at the time it was told: %d reservations, %v", len(more), err)
		}
		if calls := l.Calls() - before; calls > 3 {
			t.Errorf("%d calls to the store", calls)
		}
	})
}

func TestClosedAndUnknown(t *testing.T) {
	both(t, one(10, 1), func(t *testing.T, l *limiter.Limiter) {
		if _, err := l.Allow(t.Context(), "nobody"); err == nil {
			t.Error("an unknown route was allowed")
		} else if e, ok := errors.AsType[*limiter.RouteError](err); !ok || e.Route != "nobody" {
			t.Errorf("unknown route: %v", err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := l.Wait(ended, "global"); !errors.Is(err, context.Canceled) {
			t.Errorf("context that had ended: %v", err)
		}
		closeLimiter(t, l)
		if err := l.Wait(t.Context(), "global"); !errors.Is(err, limiter.ErrClosed) {
			t.Errorf("closed: %v", err)
		}
	})
}

func TestConfigIsRefusedWithTheReason(t *testing.T) {
	good := map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}}
	for name, cfg := range map[string]limiter.Config{
		"no buckets":            {},
		"no limits":             {Buckets: map[string][]limiter.Limit{"global": nil}},
		"rate zero":             one(0, 1),
		"rate negative":         one(-1, 1),
		"burst negative":        one(1, -1),
		"period negative":       config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: -time.Second}}}, nil),
		"period of nanoseconds": config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: 1500}}}, nil),
		"too large":             config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: 24 * time.Hour, Burst: 1 << 40}}}, nil),
		"route to nowhere":      config(good, map[string][]string{"a": {"b"}}),
		"route of nothing":      config(good, map[string][]string{"a": {}}),
		"bucket twice":          config(good, map[string][]string{"a": {"global", "global"}}),
		"braces in a name":      config(good, map[string][]string{"a{b}": {"global"}}),
		"braces in a namespace": {Buckets: good, Namespace: "a}b"},
		"negative slack":        {Buckets: good, Slack: -1},
	} {
		if _, err := limiter.NewMemory(cfg); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
