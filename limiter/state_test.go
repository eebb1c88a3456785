package limiter_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestStateDoesNotGrow: the hash of a namespace has as many fields with many replicas, routes and tenants as with one. All other keys
// have a time to live or belong to live replicas.
func TestStateDoesNotGrow(t *testing.T) {
	for _, c := range []struct{ replicas, routes, tenants int }{{1, 1, 0}, {20, 1, 0}, {1, 50, 0}, {3, 10, 300}} {
		t.Run(fmt.Sprintf("%d replicas, %d routes, %d tenants", c.replicas, c.routes, c.tenants), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				routes := map[string][]string{}
				for i := range c.routes {
					routes[fmt.Sprint("route-", i)] = []string{"own", "global"}
				}
				f := newRedisFleet(t, c.replicas, config(map[string][]limiter.Limit{
					"global": {limiter.PerSecond(1000, 1000)}, "own": {limiter.PerSecond(1000, 1000)},
				}, routes))
				defer f.close(t)
				for _, l := range f.fleet {
					for i := range c.tenants {
						made := limiter.Bucket{Name: fmt.Sprint("tenant-", i), Limits: []limiter.Limit{limiter.PerSecond(5, 5)}}
						if err := l.AddRoute(fmt.Sprint("tenant-", i), made, limiter.Bucket{Name: "global"}); err != nil {
							t.Fatal(err)
						}
					}
					for route := range routes {
						returned(t, l, route)
					}
					for i := range c.tenants {
						returned(t, l, fmt.Sprint("tenant-", i))
					}
				}
				fields := f.rdb.HKeys(t.Context(), stateKey).Val()
				if len(fields) != 6 {
					t.Errorf("the state has %d fields: %v, want epoch, time, told, force and two levels", len(fields), fields)
				}
				for _, key := range f.rdb.Keys(t.Context(), "*").Val() {
					lives := key == stateKey || key == "{weir}:wishes"
					if ttl := f.rdb.PTTL(t.Context(), key).Val(); (ttl < 0) != lives {
						t.Errorf("key %s has a time to live of %v", key, ttl)
					}
				}
				if n := f.rdb.HLen(t.Context(), "{weir}:wishes").Val(); n != 2 {
					t.Errorf("the wanted limits have %d entries although all replicas want the same", n)
				}
				// Idle tenants disappear from the process, and their data from Redis.
				time.Sleep(2 * time.Minute)
				for _, key := range f.rdb.Keys(t.Context(), "{weir}:replies:*").Val() {
					if n := f.rdb.HLen(t.Context(), key).Val(); n > 0 {
						t.Errorf("%s still has %d replies of lanes that no caller has used for two minutes", key, n)
					}
				}
			})
		})
	}
}

// returned makes a reservation, and returns it in a way that other calls may use it.
func returned(t *testing.T, l *limiter.Limiter, route string) {
	t.Helper()
	r, err := l.Reserve(t.Context(), route)
	if err != nil {
		t.Fatal(err)
	}
	r.Cancel()
}

// TestRemove: Remove leaves no key without a time to live in an unused namespace, and refuses a namespace in use.
func TestRemove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newRedisFleet(t, 2, manyRoutes())
		time.Sleep(11 * time.Second)
		for _, route := range []string{"global", "window", "both"} {
			if err := f.fleet[0].Wait(t.Context(), route); err != nil {
				t.Fatal(err)
			}
		}
		before := contents(f)
		if err := limiter.Remove(t.Context(), f.rdb, "weir"); err == nil || !strings.Contains(err.Error(), "in use by 2 replicas") {
			t.Errorf("Remove of a namespace in use: %v", err)
		}
		if after := contents(f); after != before {
			t.Errorf("the refused Remove changed the data: before\n%s\nafter\n%s", before, after)
		}
		f.close(t)
		for range 2 {
			if err := limiter.Remove(t.Context(), f.rdb, "weir"); err != nil {
				t.Error(err)
			}
		}
		for _, key := range f.rdb.Keys(t.Context(), "*").Val() {
			if ttl := f.rdb.PTTL(t.Context(), key).Val(); ttl < 0 || ttl > 70*time.Second {
				t.Errorf("key %s is left, with a time to live of %v", key, ttl)
			}
		}
		if err := limiter.Remove(t.Context(), f.rdb, "a b"); err == nil {
			t.Error("Remove with an invalid name: no error")
		}
	})
}

// TestDisagreementExplainsItself: the log of each replica and the snapshot have the bucket, the wanted limits, smallest first, and the
// replicas that want them.
func TestDisagreementExplainsItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		var logged [3]logText
		for i, limit := range []limiter.Limit{limiter.PerSecond(40, 40), limiter.PerSecond(40, 40), limiter.PerSecond(2, 2)} {
			cfg := config(map[string][]limiter.Limit{"global": {limit}, fmt.Sprint("only-", i): {limiter.PerSecond(1, 1)}}, nil)
			cfg.Replica = []string{"a", "b", "crawler"}[i]
			cfg.Logger = textLogger(&logged[i])
			l, _ := member(t, limitertest.Options(m), cfg)
			defer closeLimiter(t, l)
		}
		time.Sleep(21 * time.Second)
		want := `bucket=global wanted="2 per 1s, burst 2 (crawler); 40 per 1s, burst 40 (a, b)"`
		for i := range logged {
			if text := logged[i].String(); !strings.Contains(text, want) {
				t.Errorf("the log of replica %d does not have %s:\n%s", i, want, text)
			}
		}
		s, err := limiter.ReadSnapshot(t.Context(), watcher, "weir")
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range s.Buckets {
			if b.Bucket != "global" {
				continue
			}
			if len(b.Wanted) != 2 || fmt.Sprint(b.Wanted[0].Replicas, b.Wanted[1].Replicas) != "[crawler] [a b]" {
				t.Errorf("the snapshot has the wanted limits %+v", b.Wanted)
			}
		}
	})
}
