package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

func ofBucket(name string, limits ...limiter.Limit) limiter.Bucket {
	return limiter.Bucket{Name: name, Limits: limits}
}

// makeRoute makes a valid route.
func makeRoute(t *testing.T, l *limiter.Limiter, name string, path ...limiter.Bucket) {
	t.Helper()
	if err := l.AddRoute(name, path...); err != nil {
		t.Fatal(err)
	}
}

// TestTwoLimitsForOneBucketAreRefused: AddRoute refuses different limits for one bucket. The error names the bucket,
// the routes and the limits, and nothing changes.
func TestTwoLimitsForOneBucketAreRefused(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		five, nine := ofBucket("x", limiter.PerSecond(5, 5)), ofBucket("x", limiter.PerSecond(9, 9))
		makeRoute(t, l, "a", five)
		makeRoute(t, l, "c", limiter.Bucket{Name: "x"}, limiter.Bucket{Name: "global"})
		err := l.AddRoute("b", nine)
		if err == nil {
			t.Fatal("AddRoute with a second rate for a bucket: no error")
		}
		for _, part := range []string{"bucket x", "route b", "route a", "9 per 1s, burst 9", "5 per 1s, burst 5"} {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("the error %q does not name %q", err, part)
			}
		}
		if _, err := l.Allow(t.Context(), "b"); !isUnknown(err) {
			t.Errorf("a call on the refused route: %v", err)
		}
		if err := l.AddRoute("a", nine); err == nil || !strings.Contains(err.Error(), "route c") {
			t.Errorf("another rate for a bucket that a second route passes: %v", err)
		}
		empty := limiter.PerSecond(5, 5)
		empty.Begin = limiter.Empty
		if err := l.AddRoute("b", ofBucket("x", empty)); err == nil || !strings.Contains(err.Error(), "empty at first") {
			t.Errorf("another Begin for that bucket: %v", err)
		}
		if n := allowed(t, l, "a", 10); n != 5 {
			t.Errorf("%d calls passed a bucket of 5", n)
		}
		makeRoute(t, l, "b", five) // the same limits are no disagreement

		// If only one route is left, it may get other limits, and they apply at once.
		for _, name := range []string{"b", "c"} {
			if err := l.RemoveRoute(name); err != nil {
				t.Fatal(err)
			}
		}
		makeRoute(t, l, "a", nine)
		allowed(t, l, "a", 1) // the tokens in the bucket stay
		time.Sleep(time.Minute)
		if n := allowed(t, l, "a", 10); n != 9 {
			t.Errorf("%d calls passed a bucket of 9", n)
		}
	})
}

// TestLimitsOfARouteAreCountedOnce: a bucket of many limits may be made again. A route may not have more limits than
// the maximum in all.
func TestLimitsOfARouteAreCountedOnce(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		many := func(name string, n int) limiter.Bucket {
			b := limiter.Bucket{Name: name}
			for i := range n {
				b.Limits = append(b.Limits, limiter.Limit{Tokens: 10, Per: time.Duration(i+1) * time.Second, Burst: 10})
			}
			return b
		}
		for range 3 {
			makeRoute(t, l, "a", many("x", 40), limiter.Bucket{Name: "global"})
			makeRoute(t, l, "a", limiter.Bucket{Name: "x"}, limiter.Bucket{Name: "global"})
		}
		if n := allowed(t, l, "a", 12); n != 10 {
			t.Errorf("%d calls passed a bucket of 10", n)
		}
		if err := l.AddRoute("b", many("x", 40), many("y", 40)); err == nil || !strings.Contains(err.Error(), "80 limits") {
			t.Errorf("a route of 80 limits: %v", err)
		}
	})
}

// TestSameRouteMadeAgainIsNothing: a service may add the same route of a tenant before each call. That costs no
// request.
func TestSameRouteMadeAgainIsNothing(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		name, path := tenant(1, limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1})
		makeRoute(t, l, name, path...)
		startOf(t, l, name, time.Now())
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go func() { _ = l.Wait(ctx, name) }()
		synctest.Wait()
		before := l.StoreCalls()
		for range 100 {
			makeRoute(t, l, name, path...)
			time.Sleep(10 * time.Millisecond)
		}
		if calls := l.StoreCalls() - before; calls != 0 {
			t.Errorf("%d requests of a lane whose route was added again without a change", calls)
		}
		cancel()
		synctest.Wait()
	})
}

// TestBucketIsForgottenWithItsLastRoute: a bucket is dropped with the last route that passes it, even if the routes are
// made again with other buckets.
func TestBucketIsForgottenWithItsLastRoute(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		x, global := limiter.Bucket{Name: "x"}, limiter.Bucket{Name: "global"}
		makeRoute(t, l, "a", ofBucket("x", limiter.PerSecond(5, 5)))
		makeRoute(t, l, "b", x, global)
		if err := l.RemoveRoute("a"); err != nil {
			t.Fatal(err)
		}
		makeRoute(t, l, "c", x, global) // route b still passes the bucket
		makeRoute(t, l, "c", global)
		makeRoute(t, l, "b", global)
		if err := l.AddRoute("d", x); err == nil {
			t.Error("the limiter still knows a bucket that no route passes")
		}
	})
}

// TestForgetIsQuick: the time to remove a route does not grow with the number of routes.
func TestForgetIsQuick(t *testing.T) {
	l, err := limiter.NewMemory(one(40, 40))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	const routes, forgotten = 20_000, 1_000
	for n := range routes {
		name, path := tenant(n, limiter.PerSecond(5, 5))
		makeRoute(t, l, name, path...)
	}
	begin := time.Now()
	for n := range forgotten {
		if err := l.RemoveRoute(fmt.Sprint("tenant-", n)); err != nil {
			t.Fatal(err)
		}
	}
	per := time.Since(begin) / forgotten
	t.Logf("%v for one of %d routes", per, routes)
	if per > 200*time.Microsecond {
		t.Errorf("to remove one of %d routes took %v", routes, per)
	}
}

// TestWhoWaitsWhenARouteIsForgotten: a caller that waits on a removed route gets a RouteError at once, and no new lane
// of the route is made.
func TestWhoWaitsWhenARouteIsForgotten(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		makeRoute(t, l, "tenant", ofBucket("tenant", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1}))
		startOf(t, l, "tenant", time.Now())
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Hour)
		defer cancel()
		ended := make(chan error, 1)
		go func() { ended <- l.Wait(ctx, "tenant") }()
		synctest.Wait()
		begin := time.Now()
		if err := l.RemoveRoute("tenant"); err != nil {
			t.Fatal(err)
		}
		err := <-ended
		if _, ok := errors.AsType[*limiter.RouteError](err); !ok || time.Since(begin) > time.Second {
			t.Errorf("the waiting caller got %v after %v", err, time.Since(begin))
		}
		if _, ok := errors.AsType[*limiter.RouteError](limiter.OpenLane(l, "tenant")); !ok {
			t.Error("a lane was made for a removed route")
		}
	})
}
