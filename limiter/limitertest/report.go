package limitertest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

func twoProviders() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {limiter.PerSecond(20, 10)}},
		Routes:  map[string][]string{"spotify": {"spotify", "global"}, "other": {"global"}},
	}
}

// refusedCallShutsItsBucket checks that nothing of the route starts until the provider accepts calls again, that other
// routes continue, and that then the rate returns and not a burst.
func refusedCallShutsItsBucket(t *testing.T, l Limiter) {
	for _, hold := range []time.Duration{2 * time.Second, 20 * time.Second, time.Hour} {
		begun := time.Now()
		for _, d := range []time.Duration{hold / 2, hold, hold / 4} { // the longest counts
			if err := l.Report(t.Context(), "spotify", limiter.Throttled{RetryAfter: d}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(100 * time.Millisecond) // the report is in flight
		ctx, cancel := context.WithTimeout(t.Context(), hold/2)
		_, late := errors.AsType[*limiter.DeadlineError](l.Wait(ctx, "spotify"))
		cancel()
		if took := time.Since(begun); !late || took > time.Second {
			t.Errorf("a hold of %v: a call whose deadline is earlier is refused: %v, after %v", hold, late, took)
		}
		if ok, err := l.Allow(t.Context(), "other"); !ok || err != nil {
			t.Errorf("another route: %v, %v", ok, err)
		}
		for i := range 5 {
			if err := l.Wait(t.Context(), "spotify"); err != nil {
				t.Fatal(err)
			}
			want := hold + time.Duration(i+1)*50*time.Millisecond
			if took := time.Since(begun); took < want-time.Millisecond || took > want+100*time.Millisecond+hold/1000 {
				t.Errorf("a hold of %v: call %d starts after %v, want %v", hold, i, took, want)
			}
		}
	}
}

func refusalWithoutATime(t *testing.T, l Limiter) {
	for range 3 {
		if err := l.Report(t.Context(), "spotify", limiter.Throttled{RetryAfter: -time.Second}); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := l.Allow(t.Context(), "spotify"); !ok || err != nil {
		t.Errorf("a refusal without a time shuts the bucket: %v, %v", ok, err)
	}
	if _, ok := errors.AsType[*limiter.RouteError](l.Report(t.Context(), "spotfy", limiter.Throttled{})); !ok {
		t.Error("a report of a route that does not exist is taken")
	}
}
