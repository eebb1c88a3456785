package limiter_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestShadowDecidesAndNeverDelays: in shadow mode every call starts at once, even while Redis hangs. The metrics count
// what enforcement would have done, and only calls that could have started take tokens.
func TestShadowDecidesAndNeverDelays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		reader := metric.NewManualReader()
		cfg := one(10, 5)
		cfg.Shadow, cfg.MeterProvider = true, metric.NewMeterProvider(metric.WithReader(reader))
		l, _ := member(t, limitertest.Options(m), cfg)
		defer closeLimiter(t, l)
		other, _ := member(t, limitertest.Options(m), one(10, 5))
		defer closeLimiter(t, other)
		time.Sleep(time.Minute)

		begin := time.Now()
		for range 3 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
				t.Fatalf("Allow: %t, %v, want true", ok, err)
			}
		}
		r, err := l.Reserve(t.Context(), "global")
		if err != nil || !r.Use("global") || r.Use("global") {
			t.Errorf("a reservation in shadow mode: %v, or it was not usable exactly once", err)
		}
		r.Cancel()
		if rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 3}); len(rs) != 3 || err != nil {
			t.Errorf("%d of 3 reservations, %v", len(rs), err)
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("ten calls in shadow mode took %v", took)
		}
		if err := l.WaitN(t.Context(), "global", 6); err != nil {
			t.Errorf("a call of 6 tokens on a burst of 5: %v", err)
		}
		if err := l.Wait(t.Context(), "nowhere"); !isUnknown(err) {
			t.Errorf("a call on a route that is not configured: %v", err)
		}
		synctest.Wait()
		const requests = "weir.rate_limiting.requests "
		if got := counted(t, reader); got[requests+"acquired"] != 5 || got[requests+"rejected"] != 6 {
			t.Errorf("the metrics of eleven calls on five tokens are %v", got)
		}
		if s, err := other.Snapshot(t.Context()); err != nil || s.Buckets[0].Tokens > 0.1 || s.Buckets[0].Debt > 0 || s.Buckets[0].Waiting > 0 {
			t.Errorf("the snapshot has %+v, %v", s.Buckets, err)
		}

		m.SetError("LOADING the dataset")
		begin = time.Now()
		for range 100 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begin); took != 0 {
			t.Errorf("while Redis does not answer a hundred calls took %v", took)
		}
		m.SetError("")
		closeLimiter(t, l)
		if err := l.Wait(t.Context(), "global"); !errors.Is(err, limiter.ErrClosed) {
			t.Errorf("a call on a closed limiter: %v", err)
		}
	})
}
