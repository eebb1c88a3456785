package limiter_test

import (
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/weir-go/weir/limiter"
)

// TestEstimatesEndWithTheirRoute: a removed route loses the costs that it has seen, even if another route of the same name follows.
func TestEstimatesEndWithTheirRoute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"tokens": {limiter.PerSecond(100, 1000)}},
			Metered: map[string]limiter.Metered{"tokens": {Reserve: -1}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		takes := func() int64 { // returns the tokens that a call with an estimate of 400 takes
			time.Sleep(time.Minute)
			r, err := l.Reserve(t.Context(), "tenant", limiter.Costs{"tokens": 400})
			if err != nil {
				t.Fatal(err)
			}
			r.Use("tenant")
			d, err := l.Decide(t.Context(), "tokens", 1)
			if err != nil {
				t.Fatal(err)
			}
			return 1000 - d.Remaining - 1
		}
		if err := l.AddRoute("tenant", limiter.Bucket{Name: "tokens"}); err != nil {
			t.Fatal(err)
		}
		for range 150 {
			r, err := l.Reserve(t.Context(), "tenant", limiter.Costs{"tokens": 20})
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(r.Delay() + time.Second)
			r.Settle(limiter.Costs{"tokens": 5})
		}
		if n := takes(); n > 200 {
			t.Errorf("a call of 400 takes %d although calls cost a quarter of their estimates", n)
		}
		if err := l.RemoveRoute("tenant"); err != nil {
			t.Fatal(err)
		}
		if err := l.AddRoute("tenant", limiter.Bucket{Name: "tokens"}); err != nil {
			t.Fatal(err)
		}
		if n := takes(); n != 400 {
			t.Errorf("a call of 400 of a new route takes %d", n)
		}
	})
}

// TestOverspent: if an actual cost exceeds the largest debt of its bucket, the rest counts as lost, and the limiter logs that once.
func TestOverspent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log strings.Builder
		cfg := limiter.SingleBucket("global", limiter.PerSecond(40, 40))
		cfg.Logger = slog.New(slog.NewTextHandler(&log, nil))
		reader := sdkmetric.NewManualReader()
		cfg.MeterProvider = sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
		l, err := limiter.NewMemory(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		for _, cost := range []int64{30, 41, 141, 241} {
			r, err := l.Reserve(t.Context(), "global")
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(r.Delay())
			r.Use("global")
			r.Settle(limiter.Costs{"global": cost})
			time.Sleep(10 * time.Second)
		}
		if n := strings.Count(log.String(), "more than its bucket can owe"); n != 1 || !strings.Contains(log.String(), "lost=100") {
			t.Errorf("the loss was logged %d times: %s", n, log.String())
		}
		if lost := observed(t, reader)["weir.bucket.tokens global lost"]; lost != 300 {
			t.Errorf("the metric has %v lost tokens, want 100 and 200", lost)
		}
	})
}
