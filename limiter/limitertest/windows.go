package limitertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

func windowConfig() limiter.Config {
	return limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerWindow(5, time.Second)}}}
}

func windowCountsEveryStretch(t *testing.T, l Limiter) {
	begin := time.Now()
	var starts []time.Time
	for i := range 14 {
		if i == 3 {
			time.Sleep(400 * time.Millisecond)
		}
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		starts = append(starts, time.Now())
	}
	for i, want := range []time.Duration{0, 0, 0, 400, 400, 1000, 1000, 1000, 1400, 1400, 2000, 2000, 2000, 2400} {
		if got := starts[i].Sub(begin).Round(time.Millisecond); got != want*time.Millisecond {
			t.Errorf("call %d started at %v, want %v", i, got, want*time.Millisecond)
		}
	}
	if err := Law(starts, limiter.PerWindow(5, time.Second), time.Microsecond); err != nil {
		t.Error(err)
	}
	if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil { // the second of the calls that came at 1400
		t.Errorf("the fifth of the window: %v, %v", ok, err)
	}
	if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
		t.Errorf("the sixth of the window: %v, %v", ok, err)
	}
	if e, ok := errors.AsType[*limiter.ExceedsBurstError](l.WaitN(t.Context(), "global", 6)); !ok || e.Burst != 5 {
		t.Error("a call of more than the window ever holds was not refused")
	}
}

func pacedWindowConfig() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{"api": {limiter.PerWindow(30, time.Second), limiter.PerSecond(100, 1)}, "global": {limiter.PerSecond(40, 40)}},
		Routes:  map[string][]string{"api": {"api", "global"}},
	}
}

func pacedWindow(t *testing.T, l Limiter) {
	var mu sync.Mutex
	var starts []time.Time
	var all sync.WaitGroup
	for range 90 {
		all.Go(func() {
			if err := l.Wait(t.Context(), "api"); err != nil {
				t.Error(err)
			}
			mu.Lock()
			starts = append(starts, time.Now())
			mu.Unlock()
		})
	}
	all.Wait()
	for _, limits := range pacedWindowConfig().Buckets {
		for _, limit := range limits {
			if err := Law(starts, limit, time.Microsecond); err != nil {
				t.Error(err)
			}
		}
	}
	// 30 in the first 0.29 s, and so on with each second.
	if took := starts[len(starts)-1].Sub(starts[0]).Round(10 * time.Millisecond); took > 2300*time.Millisecond {
		t.Errorf("90 calls took %v", took)
	}
}

func orderedWindowConfig() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"window": {limiter.PerWindow(100, time.Second)}, "slow": {limiter.PerSecond(5, 1)}, "fast": {limiter.PerSecond(1000, 1000)},
		},
		Routes: map[string][]string{"slowly": {"window", "slow"}, "fast": {"window", "fast"}},
	}
}

// orderedWindow checks that the log of a window is in the order of time. Otherwise the oldest start would not be the
// first to leave it.
func orderedWindow(t *testing.T, l Limiter) {
	begin := time.Now()
	for _, c := range []struct {
		route string
		due   time.Duration
	}{{"slowly", 0}, {"slowly", 200 * time.Millisecond}, {"fast", 200 * time.Millisecond}} {
		r, err := l.Reserve(t.Context(), c.route)
		if err != nil {
			t.Fatal(err)
		}
		if got := r.Due().Sub(begin).Round(time.Millisecond); got != c.due {
			t.Errorf("%s is due in %v, want %v", c.route, got, c.due)
		}
	}
}
