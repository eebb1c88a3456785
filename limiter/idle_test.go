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

// pass lets a time pass in which only the route "global" is used, every 10 s.
func pass(t *testing.T, l *limiter.Limiter, d time.Duration) {
	t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); synctest.Wait() {
		startOf(t, l, "global", time.Now())
		synctest.Wait() // a sweep that this has begun
		time.Sleep(10 * time.Second)
	}
}

// TestLanesComeWithTheirCallers: and go a minute or so after them, whatever the bucket holds; the bucket does not go with them.
func TestLanesComeWithTheirCallers(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		lanes := func(want int, when string) {
			t.Helper()
			if n := limiter.Lanes(l); n != want {
				t.Errorf("%d lanes %s, want %d", n, when, want)
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

		// Who waits keeps the lane, however long.
		begin, waited := time.Now(), atomic.Int64{}
		go func() {
			_ = l.Wait(t.Context(), name)
			waited.Store(int64(time.Since(begin)))
		}()
		pass(t, l, 50*time.Minute)
		lanes(2, "while somebody waits")
		pass(t, l, 10*time.Minute)
		if d := time.Duration(waited.Load()); d < 55*time.Minute || d > time.Hour {
			t.Errorf("who waited for an hour's token began after %v", d)
		}
		if err := l.RemoveRoute(name); err != nil {
			t.Error(err)
		}
		lanes(1, "after the route was forgotten")
	})
}

// TestPlaceOfASchedulerKeepsTheLane: until the scheduler has not come back for a minute.
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
			t.Errorf("%d lanes while the scheduler is awaited, want 2", n)
		}
		pass(t, l, 2*time.Minute)
		if n := limiter.Lanes(l); n != 1 {
			t.Errorf("%d lanes when the scheduler is gone, want 1", n)
		}
	})
}

// TestReservationOutlivesItsLane: what is given up after the lane is gone serves who comes to the lane that took its place.
func TestReservationOutlivesItsLane(t *testing.T) {
	cfg := one(40, 40)
	cfg.Horizon = time.Hour
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		makeRoute(t, l, "tenant", ofBucket("tenant", limiter.Limit{Tokens: 1, Per: 10 * time.Minute, Burst: 1}))
		startOf(t, l, "tenant", time.Now())
		pass(t, l, 20*time.Minute) // it is full again
		startOf(t, l, "tenant", time.Now())
		begin := time.Now()
		r, err := l.Reserve(t.Context(), "tenant")
		if err != nil {
			t.Fatal(err)
		}
		pass(t, l, 2*time.Minute)
		if n := limiter.Lanes(l); n != 1 {
			t.Errorf("%d lanes, want 1", n)
		}
		r.Cancel()
		if took := startOf(t, l, "tenant", begin).Round(time.Second); took != 10*time.Minute {
			t.Errorf("who came next started after %v, want 10m0s", took)
		}
	})
}

// TestStoreForgetsNoCallUnderWay: the last reply of a lane comes after its route was forgotten, and is kept for a repeat.
func TestStoreForgetsNoCallUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		synctest.Wait()
		told := 0
		limiter.OnForget(l, func(ids []string) { told += len(ids) })
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
		if told != 0 {
			t.Error("the store was told to forget a lane whose call is under way")
		}
		delay.Store(0)
		time.Sleep(3 * time.Second)
		limiter.Sweep(l)
		if told != 1 {
			t.Errorf("the store was told of %d lanes after it, want 1", told)
		}
	})
}

// TestStoreForgetsLanes: it hears of each lane that is given up or whose route is forgotten, once, and of none that is used.
func TestStoreForgetsLanes(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		var told []string
		limiter.OnForget(l, func(ids []string) { told = append(told, ids...) })
		hears := func(want ...string) {
			t.Helper()
			slices.Sort(told)
			if diff := cmp.Diff(want, told); diff != "" {
				t.Errorf("the store hears of other lanes (-want +got):\n%s", diff)
			}
			told = nil
		}
		for n := range 3 {
			name, path := tenant(n, limiter.PerSecond(5, 5))
			makeRoute(t, l, name, path...)
			startOf(t, l, name, time.Now())
		}
		if ok, err := l.Allow(t.Context(), "tenant-0", limiter.Urgent()); !ok || err != nil {
			t.Fatal(ok, err)
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
		hears("tenant-1")
		pass(t, l, 2*time.Minute)
		hears("tenant-0", "tenant-0{urgent}", "tenant-2")
		pass(t, l, 2*time.Minute)
		hears()
	})
}

// TestLaneWithACallUnderWayStays, however long the call takes and though nobody waits for it.
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
			t.Error("a call that takes 25 s was over in a second")
		}
		delay.Store(0)
		for range 8 {
			time.Sleep(2 * time.Second)
			limiter.Sweep(l)
			if n := limiter.Lanes(l); n != 1 {
				t.Fatalf("%d lanes while a call is under way", n)
			}
		}
	})
}

// TestLaneWithAReservationStays: one of a former configuration, which others cannot use, serves who comes here when it is due.
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
			t.Errorf("%d lanes, want 2: one has a reservation", n)
		}
		if took := startOf(t, l, "rare", begin).Round(time.Second); took != 10*time.Minute {
			t.Errorf("who came next started after %v, want 10m0s", took)
		}
	})
}

// TestLaneIsMadeOnce, also where two callers find that there is none.
func TestLaneIsMadeOnce(t *testing.T) {
	both(t, one(40, 40), func(t *testing.T, l *limiter.Limiter) {
		if !limiter.SameLane(l, "global") {
			t.Error("a second lane was made for one route")
		}
	})
}
