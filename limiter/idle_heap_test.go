package limiter_test

import (
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// heap returns the memory in use after garbage collection.
func heap() int64 {
	for range 3 { // the second collection empties sync.Pools
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // far below
}

// TestIdleTenantsAreSmall: a tenant without calls, and one whose calls have ended, costs the memory of its route and its
// bucket's limits, 1 KB at most.
func TestIdleTenantsAreSmall(t *testing.T) {
	if raceDetector {
		t.Skip("the test measures memory, and the race detector uses much of it")
	}
	measure := func(t *testing.T, l *limiter.Limiter, tenants int, wipe func()) {
		name, path := tenant(tenants, limiter.PerSecond(5, 5))
		makeRoute(t, l, name, path...)
		startOf(t, l, name, time.Now()) // so that the store's scripts are loaded
		pass(t, l, 3*time.Minute)
		before := heap()
		each := func(what string) {
			t.Helper()
			per := (heap() - before) / int64(tenants)
			t.Logf("%d bytes for each of %d tenants, %s", per, tenants, what)
			if per > 1024 {
				t.Errorf("a tenant takes %d bytes, %s", per, what)
			}
		}
		for n := range tenants {
			name, path := tenant(n, limiter.PerSecond(5, 5))
			makeRoute(t, l, name, path...)
		}
		each("made")
		for n := range tenants {
			startOf(t, l, fmt.Sprint("tenant-", n), time.Now())
		}
		used := heap() - before
		t.Logf("%d bytes for each of %d tenants, used a moment ago, with what the store of the test has", used/int64(tenants), tenants)
		pass(t, l, 3*time.Minute)
		wipe()
		each("used and idle")
		if n := limiter.Lanes(l); n != 1 {
			t.Errorf("the limiter has %d lanes, and one is used", n)
		}
		for n := range tenants {
			startOf(t, l, fmt.Sprint("tenant-", n), time.Now())
		}
		pass(t, l, 3*time.Minute)
		wipe()
		each("used and idle a second time")
		runtime.KeepAlive(l)
	}
	cfg := one(1_000_000, 1_000_000)
	t.Run("memory", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			l, err := limiter.NewMemory(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			measure(t, l, few(5_000, 20_000), func() {})
		})
	})
	t.Run("redis", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, rdb := limitertest.Redis(t)
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			measure(t, l, few(1_000, 4_000), m.FlushAll) // the Redis of the test is in this process
		})
	})
}
