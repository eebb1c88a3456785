package limiter_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// beginnings returns limits of all kinds.
func beginnings() map[string]limiter.Limit {
	return map[string]limiter.Limit{
		"40 a second":       limiter.PerSecond(40, 40),
		"1 a second":        limiter.PerSecond(1, 1),
		"5 a day":           {Tokens: 5, Per: 24 * time.Hour, Burst: 5},
		"1000 an hour":      {Tokens: 1000, Per: time.Hour, Burst: 1000},
		"100 in a day":      limiter.PerWindow(100, 24*time.Hour),
		"4 in 10 s":         limiter.PerWindow(3, 10*time.Second),
		"600 a minute, b10": {Tokens: 600, Per: time.Minute, Burst: 10},
	}
}

// begins takes all tokens of an unused limit, and checks when the next call can start.
func begins(t *testing.T, l *limiter.Limiter, route string, limit limiter.Limit, begin limiter.Begin) {
	t.Helper()
	there, next := limit.Burst, interval(limit)
	if limit.Window {
		there, next = limit.Tokens, limit.Per
	}
	if begin == limiter.Empty {
		there = 0
	}
	for i := range there + 1 {
		if ok, err := l.Allow(t.Context(), route); err != nil || ok != (i < there) {
			t.Fatalf("call %d of %d available ones: %v, %v", i+1, there, ok, err)
		}
	}
	soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	refused, ok := errors.AsType[*limiter.DeadlineError](l.Wait(soon, route))
	if !ok || (refused.Ready-next).Abs() > time.Microsecond {
		t.Errorf("the next call: %v, want it to start after %v", refused, next)
	}
}

// TestFirstStart: a limit that neither Redis nor a replica knows begins as its Begin says. This holds in a new namespace, for a limit
// that a deployment adds, and for a bucket made at run time.
func TestFirstStart(t *testing.T) {
	for name, limit := range beginnings() {
		for what, begin := range map[string]limiter.Begin{"full": limiter.Full, "empty": limiter.Empty} {
			limit := limit
			limit.Begin = begin
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				cfg := config(map[string][]limiter.Limit{"global": {limit}}, nil)
				made := limiter.Bucket{Name: "made", Limits: []limiter.Limit{limit}}
				t.Run("memory", func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						l, err := limiter.NewMemory(cfg)
						if err != nil {
							t.Fatal(err)
						}
						defer closeLimiter(t, l)
						begins(t, l, "global", limit, begin)
						if err := l.AddRoute("tenant", made); err != nil {
							t.Fatal(err)
						}
						begins(t, l, "tenant", limit, begin)
					})
				})
				t.Run("redis", func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						m, _ := limitertest.Redis(t)
						l, _ := member(t, limitertest.Options(m), cfg)
						defer closeLimiter(t, l)
						begins(t, l, "global", limit, begin)
						if err := l.AddRoute("tenant", made); err != nil {
							t.Fatal(err)
						}
						begins(t, l, "tenant", limit, begin)
						added := config(map[string][]limiter.Limit{"global": {limit}, "added": {limit}}, nil)
						deployed, _ := member(t, limitertest.Options(m), added)
						defer closeLimiter(t, deployed)
						begins(t, deployed, "added", limit, begin)
					})
				})
			})
		}
	}
}

// TestLossIsNoFirstStart: a process that remembers an epoch finds that Redis has lost it. Then no limit begins as its Begin says, not
// even one that only this process wants.
func TestLossIsNoFirstStart(t *testing.T) {
	for name, limit := range beginnings() {
		if limit.Window {
			continue // closed for its length: tested with the other windows
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				here, _ := member(t, limitertest.Options(m), config(map[string][]limiter.Limit{"global": {limit}}, nil))
				defer closeLimiter(t, here)
				other, _ := member(t, limitertest.Options(m), config(map[string][]limiter.Limit{"global": {limit}, "other": {limit}}, nil))
				defer closeLimiter(t, other)
				if err := other.AddRoute("tenant", limiter.Bucket{Name: "made", Limits: []limiter.Limit{limit}}); err != nil {
					t.Fatal(err)
				}
				for _, route := range []string{"global", "other", "tenant"} {
					if err := other.WaitN(t.Context(), route, limit.Burst); err != nil {
						t.Fatal(err)
					}
				}
				rdb.FlushAll(t.Context())
				for _, call := range []struct {
					l     *limiter.Limiter
					route string
				}{{here, "global"}, {other, "other"}, {other, "tenant"}} {
					if ok, err := call.l.Allow(t.Context(), call.route); ok || err != nil {
						t.Errorf("a call on route %s after the loss: %v, %v", call.route, ok, err)
					}
				}
			})
		})
	}
}

// TestLossIsNoFirstStartOfWhatIsToldThen: the first request after a loss sets another limit for the fleet. That limit does not begin
// full.
func TestLossIsNoFirstStartOfWhatIsToldThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		l, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, l)
		empty(t, l, 40)
		rdb.FlushAll(t.Context())
		if err := l.Configure(t.Context(), "global", limiter.Limit{Tokens: 60, Per: time.Minute, Burst: 60}); err != nil {
			t.Fatal(err)
		}
		if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
			t.Errorf("a call after the loss: %v, %v, want it refused", ok, err)
		}
	})
}

// TestLimitThatNobodyWantsIsKeptUntilItIsFull: the only replica that wants a limit does not announce itself for a minute, and then does
// again.
func TestLimitThatNobodyWantsIsKeptUntilItIsFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		limit := limiter.Limit{Tokens: 5, Per: 24 * time.Hour, Burst: 5}
		stays, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, stays)
		cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "daily": {limit}}, nil)
		for _, there := range []int{5, 0} {
			l, _ := member(t, limitertest.Options(m), cfg)
			for i := range 6 {
				if ok, err := l.Allow(t.Context(), "daily"); err != nil || ok != (i < there) {
					t.Errorf("call %d of %d: %v, %v", i+1, there, ok, err)
				}
			}
			closeLimiter(t, l)
			time.Sleep(2 * time.Minute)
		}
	})
}

// TestEmptyBucketMadeAtRunTimeIsEmptyOnce: a bucket with Begin Empty is empty only at first. It is not empty again if a replica makes it
// again, nor after it was full and idle.
func TestEmptyBucketMadeAtRunTimeIsEmptyOnce(t *testing.T) {
	for name, limit := range map[string]limiter.Limit{"10 a second": limiter.PerSecond(10, 5), "4 in 10 s": limiter.PerWindow(3, 10*time.Second)} {
		t.Run(name, func(t *testing.T) {
			limit.Begin = limiter.Empty
			there := holds(limit)
			onFleets(t, one(40, 40), func(t *testing.T, fleet []*limiter.Limiter) {
				for i, idle := range []time.Duration{0, 20 * time.Second, 5 * time.Minute, few(time.Hour, 6*time.Hour)} {
					l := fleet[i%len(fleet)]
					if err := l.AddRoute("tenant", limiter.Bucket{Name: "made", Limits: []limiter.Limit{limit}}); err != nil {
						t.Fatal(err)
					}
					taken := int64(0)
					for ok := true; ok; taken++ {
						time.Sleep(idle)
						_, other := l.Allow(t.Context(), "global") // idle buckets may be forgotten now
						var err error
						if ok, err = l.Allow(t.Context(), "tenant"); err != nil || other != nil {
							t.Fatal(err, other)
						}
						idle = 0
					}
					if want := map[bool]int64{true: 0, false: there}[i == 0]; taken-1 != want {
						t.Errorf("use %d: %d calls were allowed, want %d", i+1, taken-1, want)
					}
				}
			}, 2)
		})
	}
}
