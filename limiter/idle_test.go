package limiter_test

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
)

// pass lets time pass. Only the route "global" is used in it, every 10 s.
func pass(t *testing.T, l *limiter.Limiter, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); synctest.Wait() {
		startOf(t, l, "global", time.Now())
		synctest.Wait() // for a sweep that this call has begun
		time.Sleep(10 * time.Second)
	}
}

// TestLanesComeWithTheirCallers: a lane is created with its first caller, and is dropped about a minute after its last one,
// whatever the level of the bucket. The bucket stays.
func TestLanesComeWithTheirCallers(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		lanes := func(want int, when string) {
			t.Helper()
			if n := limiter.Lanes(l); n != want {
				t.Errorf("the limiter has %d lanes %s, want %d", n, when, want)
			}
		}
		name, path := tenant(1, limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 2})
		makeRoute(t, l, name, path...)
		lanes(0, "before any call")
		startOf(t, l, name, time.Now())
		lanes(1, "after a call")
		startOf(t, l, "global", time.Now())
		pass(t, l, 50*time.Second)
		lanes(2, "after 50 s")
		pass(t, l, 31*time.Second)
		lanes(1, "after 80 s")
		if ok, err := l.Allow(t.Context(), name, limiter.Urgent()); !ok || err != nil {
			t.Errorf("the second call: %v, %v", ok, err)
		}
		lanes(2, "after an urgent call")
		if ok, err := l.Allow(t.Context(), name); ok || err != nil {
			t.Errorf("a third call in an hour: %v, %v", ok, err)
		}
		lanes(3, "after an ordinary one")

		// A waiting caller keeps its lane, however long it waits.
		begin, waited := time.Now(), atomic.Int64{}
		go func() {
			_ = l.Wait(t.Context(), name)
			waited.Store(int64(time.Since(begin)))
		}()
		pass(t, l, 50*time.Minute)
		lanes(2, "while somebody waits")
		pass(t, l, 10*time.Minute)
		if d := time.Duration(waited.Load()); d < 55*time.Minute || d > time.Hour {
			t.Errorf("a call that waited for a token of one an hour started after %v", d)
		}
		if err := l.RemoveRoute(name); err != nil {
			t.Error(err)
		}
		lanes(1, "after the route was forgotten")
	})
}

// TestPlaceOfASchedulerKeepsTheLane: a scheduler's place in line keeps the lane, until the scheduler has not asked again for a
// minute.
func TestPlaceOfASchedulerKeepsTheLane(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		name, path := tenant(1, limiter.Limit{Tokens: 1, Per: 10 * time.Minute, Burst: 1})
		makeRoute(t, l, name, path...)
		startOf(t, l, name, time.Now())
		begin := time.Now()
		for {
			rs, again, err := l.ReserveBatch(t.Context(), name, limiter.Run{N: 1})
			if err != nil {
				t.Fatal(err)
			}
			if len(rs) > 0 {
				break
			}
			limiter.Sweep(l)
			time.Sleep(time.Until(again.Again))
		}
		if took := time.Since(begin).Round(time.Second); took != 10*time.Minute {
			t.Errorf("a scheduler got its token after %v, want 10m0s", took)
		}
		if rs, _, err := l.ReserveBatch(t.Context(), name, limiter.Run{N: 1}); len(rs) != 0 || err != nil {
			t.Errorf("%d reservations, %v", len(rs), err)
		}
		pass(t, l, 40*time.Second)
		if n := limiter.Lanes(l); n != 2 {
			t.Errorf("the limiter has %d lanes while the scheduler may ask again, want 2", n)
		}
		pass(t, l, 2*time.Minute)
		if n := limiter.Lanes(l); n != 1 {
			t.Errorf("the limiter has %d lanes after the scheduler is gone, want 1", n)
		}
	})
}

// TestReservationOutlivesItsLane: a reservation that is cancelled after its lane was dropped serves a caller of the lane that
// took its place.
func TestReservationOutlivesItsLane(t *testing.T) {
	cfg := one(40, 40)
	cfg.Horizon = time.Hour
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		makeRoute(t, l, "tenant", ofBucket("tenant", limiter.Limit{Tokens: 1, Per: 10 * time.Minute, Burst: 1}))
		startOf(t, l, "tenant", time.Now())
		pass(t, l, 20*time.Minute) // the bucket is full again
		startOf(t, l, "tenant", time.Now())
		begin := time.Now()
		r, err := l.Reserve(t.Context(), "tenant")
		if err != nil {
			t.Fatal(err)
		}
		pass(t, l, 2*time.Minute)
		if n := limiter.Lanes(l); n != 1 {
			t.Errorf("the limiter has %d lanes, want 1", n)
		}
		r.Cancel()
		if took := startOf(t, l, "tenant", begin).Round(time.Second); took != 10*time.Minute {
			t.Errorf("the next call started after %v, want 10m0s", took)
		}
	})
}

// TestStoreForgetsNoCallUnderWay: the last reply of a lane comes after its route was removed. Until then the store does not
// forget the lane, so that it can repeat the reply.
func TestStoreForgetsNoCallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		synctest.Wait()
		forgotten := 0
		limiter.OnForget(l, func(ids []string) { forgotten += len(ids) })
		makeRoute(t, l, "tenant", ofBucket("tenant", limiter.PerSecond(5, 5)))
		startOf(t, l, "tenant", time.Now())
		time.Sleep(3 * time.Second)
		delay.Store(int64(time.Second))
		go func() { _ = l.Wait(t.Context(), "tenant") }()
		synctest.Wait()
		if err := l.RemoveRoute("tenant"); err != nil {
			t.Error(err)
		}
		limiter.Sweep(l)
		if forgotten != 0 {
			t.Error("the limiter asked the store to forget a lane whose request is under way")
		}
		delay.Store(0)
		time.Sleep(3 * time.Second)
		limiter.Sweep(l)
		if forgotten != 1 {
			t.Errorf("after that request the store forgot %d lanes, want 1", forgotten)
		}
	})
}

// TestStoreForgetsLanes: the store is asked to forget each lane that is given up or whose route is removed, once, and no lane
// in use.
func TestStoreForgetsLanes(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		var forgotten []string
		limiter.OnForget(l, func(ids []string) { forgotten = append(forgotten, ids...) })
		forgets := func(want ...string) {
			t.Helper()
			slices.Sort(forgotten)
			if diff := cmp.Diff(want, forgotten); diff != "" {
				t.Errorf("the store is to forget other lanes (-want +got):\n%s", diff)
			}
			forgotten = nil
		}
		for n := range 3 {
			name, path := tenant(n, limiter.PerSecond(5, 5))
			makeRoute(t, l, name, path...)
			startOf(t, l, name, time.Now())
		}
		if ok, err := l.Allow(t.Context(), "tenant-0", limiter.Urgent()); !ok || err != nil {
			t.Fatalf("Allow: %t, %v, want true", ok, err)
		}
		for _, name := range []string{"tenant-1", "tenant-2"} {
			if err := l.RemoveRoute(name); err != nil {
				t.Fatal(err)
			}
		}
		name, path := tenant(2, limiter.PerSecond(5, 5))
		makeRoute(t, l, name, path...)
		startOf(t, l, name, time.Now())
		limiter.Sweep(l)
		forgets("tenant-1")
		pass(t, l, 2*time.Minute)
		forgets("tenant-0", "tenant-0{urgent}", "tenant-2")
		pass(t, l, 2*time.Minute)
		forgets()
	})
}

// TestLaneWithACallUnderWayStays: a lane stays while its request is under way, however long that takes, even if no caller
// waits.
func TestLaneWithACallUnderWayStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		cfg := one(40, 40)
		cfg.CallTimeout = 30 * time.Second
		l := slow(t, cfg, func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		limiter.ShortenIdle(l, 3*time.Second)
		startOf(t, l, "global", time.Now())
		time.Sleep(5 * time.Second)
		delay.Store(int64(25 * time.Second))
		limiter.Accustom(l, 25*time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Wait(ctx, "global"); err == nil {
			t.Error("a request that takes 25 s ended within a second")
		}
		delay.Store(0)
		for range 8 {
			time.Sleep(2 * time.Second)
			limiter.Sweep(l)
			if n := limiter.Lanes(l); n != 1 {
				t.Fatalf("the limiter has %d lanes while a request is under way", n)
			}
		}
	})
}

// TestLaneWithAReservationStays: a reservation of a former configuration cannot be returned, so it keeps its lane, and serves a
// caller there when it is due.
func TestLaneWithAReservationStays(t *testing.T) {
	cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "rare": {{Tokens: 1, Per: 10 * time.Minute, Burst: 1}}}, nil)
	cfg.Horizon = time.Hour
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		startOf(t, l, "rare", time.Now())
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() { _ = l.Wait(ctx, "rare") })
		synctest.Wait()
		if err := l.Configure(t.Context(), "rare", limiter.Limit{Tokens: 1, Per: 10 * time.Minute, Burst: 2}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		cancel()
		waiting.Wait()
		pass(t, l, 3*time.Minute)
		if n := limiter.Lanes(l); n != 2 {
			t.Errorf("the limiter has %d lanes, want 2: one has a reservation", n)
		}
		if took := startOf(t, l, "rare", begin).Round(time.Second); took != 10*time.Minute {
			t.Errorf("the next call started after %v, want 10m0s", took)
		}
	})
}

// TestLaneIsMadeOnce: if two callers find that a route has no lane, one lane is made.
func TestLaneIsMadeOnce(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		if !limiter.SameLane(l, "global") {
			t.Error("a second lane was made for one route")
		}
	})
}
