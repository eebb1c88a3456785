package limiter_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// both runs a test with the limiter on Redis and the one in memory, each in its own bubble, with full buckets.
func both(t *testing.T, cfg limiter.Config, test func(t *testing.T, l *limiter.Limiter)) {
	t.Run("redis", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			_, rdb := limitertest.Redis(t)
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			time.Sleep(time.Minute)
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

// TestContract runs limitertest's suite, which users may run on their limiters, on both limiters.
func TestContract(t *testing.T) {
	t.Run("redis", func(t *testing.T) {
		limitertest.Run(t, func(t *testing.T, cfg limiter.Config) limitertest.Limiter {
			_, rdb := limitertest.Redis(t)
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			return l
		})
	})
	t.Run("memory", func(t *testing.T) {
		limitertest.Run(t, func(t *testing.T, cfg limiter.Config) limitertest.Limiter {
			l, err := limiter.NewMemory(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return l
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

// TestCallersShareACall: callers that ask while a request is under way gather, and share the next request.
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
		if calls := l.StoreCalls(); calls > 40 { // one request for 0.6 of a horizon
			t.Errorf("%d requests to Redis for 200 callers that asked together", calls)
		}
	})
}

func TestReserveBatchIsOneCallAndKeepsItsPlace(t *testing.T) {
	both(t, one(40, 5), func(t *testing.T, l *limiter.Limiter) {
		before := l.StoreCalls()
		rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 20})
		// Five tokens are in the bucket, ten more are due within the horizon of 250 ms. The batch leaves the rest to
		// others.
		if err != nil || len(rs) != 15 {
			t.Fatalf("%d reservations, %v", len(rs), err)
		}
		for i, r := range rs {
			if want := max(0, time.Duration(i-4)*25*time.Millisecond); r.Delay().Round(time.Millisecond) != want {
				t.Errorf("reservation %d is due in %v, want %v", i, r.Delay(), want)
			}
		}
		none, again, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 20})
		if len(none) != 0 || err != nil || !again.Again.After(time.Now()) {
			t.Fatalf("beyond the horizon: %d reservations, ask again at %v, %v", len(none), again, err)
		}
		time.Sleep(time.Until(again.Again))
		more, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 20})
		if len(more) == 0 || err != nil {
			t.Fatalf("at the time to ask again: %d reservations, %v", len(more), err)
		}
		if calls := l.StoreCalls() - before; calls > 3 {
			t.Errorf("%d requests to the store", calls)
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
			t.Errorf("%s: no error", name)
		}
	}
}

func TestUnlimitedNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewUnlimited(one(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		begin := time.Now()
		for range 100 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
				t.Fatalf("Allow: %t, %v, want true", ok, err)
			}
		}
		if rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 20}); len(rs) != 20 || err != nil {
			t.Errorf("%d of 20 reservations, %v", len(rs), err)
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("calls without a limit waited %v", waited)
		}
		if err := l.Wait(t.Context(), "nowhere"); err == nil {
			t.Error("a call on a route that is not configured: no error")
		}
	})
}

// TestDeadlineOfWhoHasAReservation: a caller whose lane has a reservation for it is not judged by the line of others.
func TestDeadlineOfWhoHasAReservation(t *testing.T) {
	both(t, one(10, 1), func(t *testing.T, l *limiter.Limiter) {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		var waiting sync.WaitGroup
		wait := func(within time.Duration) {
			waiting.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), within)
				defer cancel()
				if err := l.Wait(ctx, "global"); err != nil {
					t.Errorf("a call with a deadline in %v: %v", within, err)
				}
			})
			synctest.Wait()
		}
		wait(130 * time.Millisecond) // due at 100 ms
		wait(230 * time.Millisecond) // at 200
		wait(time.Minute)            // queues
		waiting.Wait()
	})
}

// TestBurstThatShrinksUnderCallers: a call that costs more than a new, smaller burst gets an error, whenever the burst
// changed. No other call gets one.
func TestBurstThatShrinksUnderCallers(t *testing.T) {
	both(t, one(1000, 10), func(t *testing.T, l *limiter.Limiter) {
		var asking sync.WaitGroup
		for i := range 40 {
			asking.Go(func() {
				for range 50 {
					n := int64(1 + i%2*9)
					if err := l.WaitN(t.Context(), "global", n); err != nil && (n == 1 || !isExceedsBurst(err)) {
						t.Errorf("a call of %d tokens: %v", n, err)
					}
				}
			})
		}
		for range 20 {
			for _, burst := range []int64{5, 10} {
				if err := l.Configure(t.Context(), "global", limiter.PerSecond(1000, burst)); err != nil {
					t.Error(err)
				}
				time.Sleep(10 * time.Millisecond)
			}
		}
		asking.Wait()
	})
}

// TestContractOfAFleet runs the suite on limiters that share a Redis, while some of them are cut off from it permanently.
func TestContractOfAFleet(t *testing.T) {
	limitertest.RunFleet(t, func(t *testing.T, cfg limiter.Config, replicas int) ([]limitertest.Limiter, func(int)) {
		c := newRedisFleet(t, replicas, cfg)
		fleet := make([]limitertest.Limiter, replicas)
		for i, l := range c.fleet {
			fleet[i] = l
		}
		time.Sleep(time.Minute)
		return fleet, func(i int) { c.wires[i].Cut() }
	})
}
