package limitertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

func waitPacesAtTheRate(t *testing.T, l Limiter) {
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
	if err := Law(starts, limiter.PerSecond(40, 5), time.Microsecond); err != nil {
		t.Error(err)
	}
}

func concurrentWaitersKeepTheLawAndUseAll(t *testing.T, l Limiter) {
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
	if err := Law(starts, limiter.PerSecond(40, 40), time.Microsecond); err != nil {
		t.Error(err)
	}
}

func routesKeepEveryBucketConfig() limiter.Config {
	return limiter.Config{Buckets: map[string][]limiter.Limit{
		"global":  {limiter.PerSecond(40, 10)},
		"spotify": {limiter.PerSecond(10, 2), {Tokens: 60, Per: time.Minute, Burst: 25}},
	}, Routes: map[string][]string{"spotify": {"spotify", "global"}, "lastfm": {"global"}}}
}

func routesKeepEveryBucket(t *testing.T, l Limiter) {
	cfg := routesKeepEveryBucketConfig()
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
			if err := Law(uses, limit, time.Microsecond); err != nil {
				t.Errorf("%s: %v", bucket, err)
			}
		}
	}
}

func allowTakesOnlyWhatIsThere(t *testing.T, l Limiter) {
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
	time.Sleep(100 * time.Millisecond) // refused calls were not charged
	if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
		t.Errorf("after the time of one token: %v, %v", ok, err)
	}
}

func deadlineIsRefusedAtOnceAndTakesNothing(t *testing.T, l Limiter) {
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
}

func costsAndTheirBounds(t *testing.T, l Limiter) {
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
}

func reservationIsUsedOnceOnItsRouteInTimeConfig() limiter.Config {
	cfg := one(10, 1)
	cfg.Routes = map[string][]string{"other": {"global"}}
	return cfg
}

func reservationIsUsedOnceOnItsRouteInTime(t *testing.T, l Limiter) {
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
}

func cancelledReservationGoesToTheNextCaller(t *testing.T, l Limiter) {
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
}

func closedAndUnknown(t *testing.T, l Limiter) {
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
	closeAll(t, l)
	if err := l.Wait(t.Context(), "global"); !errors.Is(err, limiter.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

func reservationIsGivenUpOnce(t *testing.T, l Limiter) {
	begin := time.Now()
	if err := l.Wait(t.Context(), "global"); err != nil {
		t.Fatal(err)
	}
	first, err := l.Reserve(t.Context(), "global") // due at 100 ms
	if err != nil {
		t.Fatal(err)
	}
	second, err := l.Reserve(t.Context(), "global") // at 200 ms
	if err != nil {
		t.Fatal(err)
	}
	first.Cancel()
	first.Cancel()
	for i, want := range []time.Duration{100 * time.Millisecond, 300 * time.Millisecond} {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin).Round(time.Millisecond); got != want {
			t.Errorf("call %d after the first was given up started at %v, want %v", i+1, got, want)
		}
		if i == 0 && first.Use("global") {
			t.Error("used by who gave it up")
		}
	}
	second.Cancel()
}
