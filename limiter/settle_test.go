package limiter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestEstimatesEndWithTheirRoute: what calls of a route have cost is forgotten with the route, also where another route of the name comes.
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
		takes := func() int64 { // what a call of 400 takes
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
			t.Errorf("a call of 400 takes %d, where calls cost a quarter of their estimates", n)
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
