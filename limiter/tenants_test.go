package limiter_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

func tenant(n int, l limiter.Limit) (route string, path []limiter.Bucket) {
	name := fmt.Sprint("tenant-", n)
	return name, []limiter.Bucket{{Name: name, Limits: []limiter.Limit{l}}, {Name: "global"}}
}

// TestRoutesMadeAtRunTime: each tenant has its own bucket before the shared one. These buckets limit like configured ones.
func TestRoutesMadeAtRunTime(t *testing.T) {
	for kind, limit := range map[string]limiter.Limit{"bucket": limiter.PerSecond(5, 2), "window": limiter.PerWindow(5, time.Second)} {
		t.Run(kind, func(t *testing.T) {
			both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
				time.Sleep(time.Minute)
				name, path := tenant(1, limit)
				if err := l.AddRoute(name, path...); err != nil {
					t.Fatal(err)
				}
				var starts []time.Time
				for range 20 {
					startOf(t, l, name, time.Now())
					starts = append(starts, time.Now())
				}
				if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
					t.Error(err)
				}
				if took := starts[19].Sub(starts[0]); took > 4*time.Second {
					t.Errorf("20 calls at 5 a second took %v", took)
				}
				if err := l.RemoveRoute(name); err != nil {
					t.Error(err)
				}
				if _, err := l.Allow(t.Context(), name); !isUnknown(err) {
					t.Errorf("a call on a removed route: %v", err)
				}
			})
		})
	}
}

func isUnknown(err error) bool {
	_, ok := errors.AsType[*limiter.RouteError](err)
	return ok
}

// TestTenantsAreSharedAndForgotten: replicas share a bucket by its name. Redis drops the bucket once it is full, and not before.
func TestTenantsAreSharedAndForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		here, _ := member(t, limitertest.Options(m), one(4000, 4000))
		defer closeLimiter(t, here)
		there, _ := member(t, limitertest.Options(m), one(4000, 4000))
		defer closeLimiter(t, there)
		time.Sleep(11 * time.Minute)
		slow := limiter.Limit{Tokens: 1, Per: time.Minute, Burst: 10}
		const tenants = 200
		for n := range tenants {
			name, path := tenant(n, slow)
			for _, l := range []*limiter.Limiter{here, there} {
				if err := l.AddRoute(name, path...); err != nil {
					t.Fatal(err)
				}
			}
			for i, l := range []*limiter.Limiter{here, there, here} {
				if ok, err := l.Allow(t.Context(), name); !ok || err != nil {
					t.Fatalf("tenant %d, call %d: %v, %v", n, i, ok, err)
				}
			}
		}
		owned := func() (n int) {
			for _, key := range watcher.Keys(t.Context(), "*").Val() {
				if strings.Contains(key, ":own:") {
					n++
				}
			}
			return n
		}
		time.Sleep(2 * time.Minute)
		if n := owned(); n != tenants {
			t.Errorf("a minute before the buckets are full Redis has %d of them", n)
		}
		time.Sleep(3 * time.Minute)
		if n := owned(); n != 0 {
			t.Errorf("Redis keeps %d full buckets", n)
		}
		left := 0
		for range 20 {
			if ok, _ := there.Allow(t.Context(), "tenant-1"); ok {
				left++
			}
		}
		if left != 10 {
			t.Errorf("a bucket that was dropped when it was full admits %d calls, want its burst of 10", left)
		}

		// After a loss of all data the bucket of a tenant is empty and in debt, like all others.
		m.FlushAll()
		time.Sleep(50 * time.Millisecond)
		if ok, _ := here.Allow(t.Context(), "tenant-2"); ok {
			t.Error("after a loss the bucket of a tenant admitted a call at once")
		}
	})
}

func TestRoutesThatCannotBeMade(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		two := []limiter.Limit{limiter.PerSecond(2, 2)}
		for name, path := range map[string][]limiter.Bucket{
			"global": {{Name: "global"}},                             // a configured route
			"a":      {},                                             // no buckets
			"b":      {{Name: "nobody"}},                             // an unknown bucket without limits
			"c":      {{Name: "global", Limits: two}},                // limits for a configured bucket
			"d":      {{Name: "x", Limits: two}, {Name: "x"}},        // the same bucket twice
			"e{f}":   {{Name: "x", Limits: two}, {Name: "global"}},   // moves the hash tag
			"f":      {{Name: "x y", Limits: two}, {Name: "global"}}, // a name of two words
			"g":      {{Name: "x", Limits: []limiter.Limit{{}}}},     // no tokens
		} {
			if err := l.AddRoute(name, path...); err == nil {
				t.Errorf("route %s was made", name)
			}
		}
		if err := l.RemoveRoute("global"); err == nil {
			t.Error("RemoveRoute of a configured route: no error")
		}
		if err := l.RemoveRoute("never"); !isUnknown(err) {
			t.Errorf("RemoveRoute of an unknown route: %v", err)
		}
		// A route that is made again with other limits has these limits.
		for _, rate := range []int64{1, 10} {
			if err := l.AddRoute("again", limiter.Bucket{Name: "again", Limits: []limiter.Limit{limiter.PerSecond(rate, 1)}}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		begin := time.Now()
		for range 11 {
			startOf(t, l, "again", begin)
		}
		if took := time.Since(begin).Round(time.Millisecond); took != time.Second {
			t.Errorf("11 calls at 10 a second took %v", took)
		}
	})
}

// TestRouteMadeAgain: a route that is made again with other buckets uses neither the replies nor the reservations of the former
// route.
func TestRouteMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		l, _ := member(t, limitertest.Options(m), one(1, 1))
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		wide := limiter.Bucket{Name: "wide", Limits: []limiter.Limit{limiter.PerSecond(100, 100)}}
		for range 3 {
			if err := l.AddRoute("tenant", wide); err != nil {
				t.Fatal(err)
			}
			for range 5 {
				if ok, err := l.Allow(t.Context(), "tenant"); !ok || err != nil {
					t.Fatalf("Allow: %t, %v, want true", ok, err)
				}
			}
			if err := l.RemoveRoute("tenant"); err != nil {
				t.Fatal(err)
			}
		}
		if err := l.AddRoute("tenant", wide); err != nil {
			t.Fatal(err)
		}
		rs, _, err := l.ReserveBatch(t.Context(), "tenant", limiter.Run{N: 50})
		if err != nil || len(rs) != 50 {
			t.Fatalf("%d reservations, %v", len(rs), err)
		}
		if err := l.AddRoute("tenant", wide, limiter.Bucket{Name: "global"}); err != nil {
			t.Fatal(err)
		}
		for _, r := range rs {
			r.Cancel()
		}
		count := 0
		for range 50 {
			if ok, err := l.Allow(t.Context(), "tenant"); ok && err == nil {
				count++
			}
		}
		if count != 1 {
			t.Errorf("%d calls passed a bucket of one", count)
		}
	})
}

// TestNewLimitsForWhoWaits: a caller waits for a reservation when its route gets other limits. The new limits decide when the call
// starts, and are charged for it.
func TestNewLimitsForWhoWaits(t *testing.T) {
	both(t, one(1, 1), func(t *testing.T, l *limiter.Limiter) {
		narrow := limiter.Bucket{Name: "narrow", Limits: []limiter.Limit{limiter.PerSecond(5, 1)}}
		once := limiter.Bucket{Name: "once", Limits: []limiter.Limit{{Tokens: 1, Per: time.Hour, Burst: 1}}}
		for _, b := range []limiter.Bucket{once, narrow} { // both buckets are known, and narrow is in force
			if err := l.AddRoute("tenant", b); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Hour)
		}
		begin := time.Now()
		var waiting sync.WaitGroup
		for _, want := range []time.Duration{0, 100 * time.Millisecond} { // the second caller has a reservation after 200 ms
			waiting.Go(func() {
				if took := startOf(t, l, "tenant", begin); took.Round(10*time.Millisecond) != want {
					t.Errorf("started after %v, want %v", took, want)
				}
			})
			synctest.Wait()
		}
		time.Sleep(100 * time.Millisecond)
		if err := l.AddRoute("tenant", once); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		if ok, err := l.Allow(t.Context(), "tenant"); ok || err != nil {
			t.Errorf("a second call in an hour: %v, %v", ok, err)
		}
	})
}

// TestNewestRouteStays: if two configurations reach a lane in the wrong order, the newer one stays.
func TestNewestRouteStays(t *testing.T) {
	l, err := limiter.NewMemory(one(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	if !limiter.KeepsNewest(l, "global") {
		t.Error("an older configuration replaced a newer one")
	}
}

// TestUrgentIsNoName: the urgent lane of a route is not the lane of a route with a similar name.
func TestUrgentIsNoName(t *testing.T) {
	for _, name := range []string{"a!", "a-urgent", "a:urgent"} {
		synctest.Test(t, func(t *testing.T) {
			m, _ := limitertest.Redis(t)
			l, _ := member(t, limitertest.Options(m), config(map[string][]limiter.Limit{
				"a": {limiter.PerSecond(1, 5)}, name: {limiter.PerSecond(1000, 1000)},
			}, nil))
			defer closeLimiter(t, l)
			time.Sleep(time.Minute)
			count := 0
			for range 50 {
				if ok, err := l.Allow(t.Context(), name); !ok || err != nil {
					t.Fatalf("Allow: %t, %v, want true", ok, err)
				}
				if ok, err := l.Allow(t.Context(), "a", limiter.Urgent()); err != nil {
					t.Fatal(err)
				} else if ok {
					count++
				}
			}
			if count != 5 {
				t.Errorf("%d urgent calls were allowed on a burst of 5, beside route %s", count, name)
			}
		})
	}
}

// TestLevelsOfALostMemoryAreVoid: after a failover to a lagging Redis, the older level of a tenant's bucket does not count either.
func TestLevelsOfALostMemoryAreVoid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		l, _ := member(t, limitertest.Options(m), one(4000, 4000))
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		limit := limiter.PerSecond(10, 10)
		name, path := tenant(1, limit)
		if err := l.AddRoute(name, path...); err != nil {
			t.Fatal(err)
		}
		startOf(t, l, name, time.Now())
		var starts []time.Time
		const state, own = "{weir}:state", "{weir}:own:limit:1000000:tenant-1"
		hash, level := rdb.HGetAll(t.Context(), state).Val(), rdb.Get(t.Context(), own).Val()
		for range 9 {
			startOf(t, l, name, time.Now())
			starts = append(starts, time.Now())
		}
		m.FlushAll()
		if err := rdb.HSet(t.Context(), state, hash).Err(); err != nil {
			t.Fatal(err)
		}
		if err := rdb.Set(t.Context(), own, level, time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		for range 20 {
			startOf(t, l, name, time.Now())
			starts = append(starts, time.Now())
		}
		if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
			t.Error(err)
		}
	})
}
