package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// twoBuckets returns a narrow bucket and a wide one, with the routes "both" and "narrow".
func twoBuckets() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{"narrow": {limiter.PerSecond(1, 1)}, "wide": {limiter.PerSecond(20, 5), limiter.PerWindow(60, 4*time.Second)}},
		Routes:  map[string][]string{"both": {"narrow", "wide"}, "narrow": {"narrow"}, "wide": {"wide"}},
	}
}

// TestShadowedBucketIsAsIfItWereNotThere: one bucket of a route is in shadow mode. Callers get the same results at the same times as on a
// route without that bucket.
func TestShadowedBucketIsAsIfItWereNotThere(t *testing.T) {
	for _, store := range []string{"memory", "redis"} {
		for _, shadowed := range []string{"narrow", "wide"} {
			for seed := range uint64(5) {
				t.Run(fmt.Sprintf("%s/%s/%d", store, shadowed, seed), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						rest := map[string]string{"narrow": "wide", "wide": "narrow"}[shadowed]
						with, without := playCalls(t, store, "both", shadowed, seed), playCalls(t, store, rest, "", seed)
						for i := range with {
							if w, o := with[i], without[i]; w.result != o.result || (w.at-o.at).Abs() > 15*time.Millisecond {
								t.Fatalf("call %d of %d: %s after %v with bucket %s in shadow mode, %s after %v without it", i, len(with), w.result, w.at, shadowed, o.result, o.at)
							}
						}
					})
				})
			}
		}
	}
}

// callResult is the result of a caller, and when it got it.
type callResult struct {
	result string
	at     time.Duration
}

// playCalls makes random calls on a route, one caller after the other, and returns their results.
func playCalls(t *testing.T, store, route, shadowed string, seed uint64) (all []callResult) {
	t.Helper()
	var l *limiter.Limiter
	var err error
	if store == "memory" {
		l, err = limiter.NewMemory(twoBuckets())
	} else {
		m, _ := limitertest.Redis(t)
		l, _ = member(t, limitertest.Options(m), twoBuckets())
	}
	did(t, err)
	defer closeLimiter(t, l)
	if shadowed != "" {
		did(t, l.ShadowBucket(t.Context(), shadowed, true))
	}
	time.Sleep(10 * time.Second)
	chance, begin := rand.New(rand.NewPCG(seed, 7)), time.Now()
	for range 60 {
		if chance.IntN(8) == 0 {
			time.Sleep(time.Duration(chance.Int64N(int64(3 * time.Second))))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Duration(chance.Int64N(int64(2*time.Second))))
		result := ""
		switch chance.IntN(5) {
		case 0:
			result = verdictOf(l.Wait(ctx, route))
		case 1:
			ok, err := l.Allow(ctx, route)
			result = fmt.Sprint(ok, verdictOf(err))
		case 2:
			d, err := l.Decide(ctx, route, 1)
			result = fmt.Sprint(d.OK, verdictOf(err))
		case 3:
			r, err := l.Reserve(ctx, route)
			if result = verdictOf(err); err == nil {
				time.Sleep(r.Delay())
				result += fmt.Sprint(r.Use(route))
			}
		case 4:
			rs, _, err := l.ReserveBatch(ctx, route, limiter.Run{N: 1 + chance.IntN(4)})
			result = fmt.Sprint(len(rs), verdictOf(err))
			for _, r := range rs {
				time.Sleep(r.Delay())
				result += fmt.Sprint(r.Use(route))
			}
		}
		cancel()
		all = append(all, callResult{result, time.Since(begin)})
	}
	return all
}

// verdictOf returns the kind of an error.
func verdictOf(err error) string {
	if _, late := errors.AsType[*limiter.DeadlineError](err); late {
		return "late"
	}
	return fmt.Sprint(err)
}

// TestShadowedBucketIsSwitchedForTheFleet: when a bucket gets into shadow mode, callers that wait for it alone start at once, in every
// replica. The metrics count what the bucket would have delayed. After shadow mode it limits again.
func TestShadowedBucketIsSwitchedForTheFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		reader := metric.NewManualReader()
		cfg := twoBuckets()
		cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
		l, rdb := member(t, limitertest.Options(m), cfg)
		defer closeLimiter(t, l)
		other, _ := member(t, limitertest.Options(m), twoBuckets())
		defer closeLimiter(t, other)
		o, err := limiter.NewOperator(rdb, limiter.DefaultNamespace, "ops")
		did(t, err, l.Wait(t.Context(), "narrow"))

		waits := make(chan time.Duration, 30)
		begin := time.Now()
		for i := range 30 {
			go func() {
				if err := []*limiter.Limiter{l, other}[i%2].Wait(t.Context(), "narrow"); err != nil {
					t.Error(err)
				}
				waits <- time.Since(begin)
			}()
		}
		time.Sleep(500 * time.Millisecond)
		did(t, o.ShadowBucket(t.Context(), "narrow", true))
		for range 30 {
			if took := <-waits; took > 10*time.Second+500*time.Millisecond {
				t.Errorf("a call that waited for the bucket started after %v", took)
			}
		}
		if b := levelOfBucket(t, l, "narrow"); !b.Shadowed {
			t.Errorf("the snapshot does not show shadow mode: %+v", b)
		}
		for _, l := range []*limiter.Limiter{l, other} { // both know the change
			begin := time.Now()
			for range 20 {
				did(t, l.Wait(t.Context(), "narrow"))
			}
			if took := time.Since(begin); took != 0 {
				t.Errorf("20 calls on a bucket in shadow mode took %v", took)
			}
		}
		synctest.Wait()
		if got := counted(t, reader); got["weir.bucket.shadowed rejected"] < 15 || got["weir.rate_limiting.requests rejected"] != 0 {
			t.Errorf("the metrics of 20 calls on a bucket of one are %v", got)
		}

		m.FlushAll()
		time.Sleep(time.Minute)
		if b := levelOfBucket(t, l, "narrow"); !b.Shadowed {
			t.Error("after Redis lost its data, the replicas did not send shadow mode again")
		}
		did(t, l.ShadowBucket(t.Context(), "narrow", false))
		time.Sleep(11 * time.Second)
		begin = time.Now()
		for range 4 {
			did(t, other.Wait(t.Context(), "both"))
		}
		if took := time.Since(begin); took < 2900*time.Millisecond {
			t.Errorf("after shadow mode 4 calls at one a second took %v", took)
		}
	})
}

func levelOfBucket(t *testing.T, l *limiter.Limiter, bucket string) limiter.BucketSnapshot {
	t.Helper()
	s, err := l.Snapshot(t.Context())
	did(t, err)
	for _, b := range s.Buckets {
		if b.Bucket == bucket {
			return b
		}
	}
	t.Fatalf("no bucket %s", bucket)
	return limiter.BucketSnapshot{}
}

// TestShadowedBucketInEveryVerb: costs, reports, settlements and reads respect that a bucket is in shadow mode.
func TestShadowedBucketInEveryVerb(t *testing.T) {
	for _, store := range []string{"memory", "redis"} {
		t.Run(store, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := twoBuckets()
				cfg.Metered = map[string]limiter.Metered{"narrow": {}, "wide": {}}
				var l *limiter.Limiter
				var err error
				if store == "memory" {
					l, err = limiter.NewMemory(cfg)
				} else {
					m, _ := limitertest.Redis(t)
					l, _ = member(t, limitertest.Options(m), cfg)
				}
				did(t, err)
				defer closeLimiter(t, l)
				ctx := t.Context()
				waiting, err := l.Reserve(ctx, "both", limiter.Costs{"narrow": 1, "wide": 2})
				did(t, err, l.ShadowBucket(ctx, "narrow", true))
				waiting.Settle(limiter.Costs{"narrow": 5, "wide": 1}) // after the switch, on limits from before it
				did(t, waiting.Report(ctx, limiter.Throttled{RetryAfter: time.Second}))

				for _, costs := range []limiter.Costs{{"narrow": 1000}, {"narrow": 1, "wide": 1}, {"wide": 0}, {"narrow": 3, "wide": 0}, {"narrow": 0}} {
					if err := l.Wait(ctx, "both", costs); err != nil {
						t.Errorf("costs %v: %v", costs, err)
					}
				}
				if err := l.Wait(ctx, "both", limiter.Costs{"narrow": 0, "wide": 0}); err == nil {
					t.Error("a call without any cost: no error")
				}
				if err := l.Wait(ctx, "both", limiter.Costs{"elsewhere": 1}); err == nil {
					t.Error("a cost for a bucket that the route does not pass: no error")
				}
				for _, r := range []limiter.Report{
					limiter.Throttled{},
					limiter.Throttled{RetryAfter: 3 * time.Second},
					limiter.Throttled{RetryAfter: time.Hour},
					limiter.Overloaded{},
					limiter.Remaining{Limit: 10, Left: 0, Per: time.Minute},
					limiter.Remaining{Bucket: "narrow", Limit: 10, Per: time.Minute},
				} {
					for _, route := range []string{"both", "narrow"} {
						if err := l.Report(ctx, route, r); err != nil {
							t.Errorf("route %s: a report of type %T: %v", route, r, err)
						}
					}
				}
				time.Sleep(10 * time.Second)
				begin := time.Now()
				for range 5 {
					did(t, l.Wait(ctx, "both"))
				}
				for range 30 {
					did(t, l.WaitN(ctx, "narrow", 100))
				}
				r, err := l.Reserve(ctx, "narrow")
				did(t, err)
				if !r.Use("narrow") {
					t.Error("Use refused a reservation of a bucket in shadow mode")
				}
				r.Settle(limiter.Costs{"narrow": 7})
				if took := time.Since(begin); took > 100*time.Millisecond {
					t.Errorf("after reports of refusals, calls on a bucket in shadow mode took %v", took)
				}
				for _, route := range []string{"both", "narrow"} {
					p, err := l.Where(ctx, route)
					if err != nil || p.Bucket == "narrow" || p.In > time.Second {
						t.Errorf("Where on route %s: %+v, %v, want a start within a second, not by the bucket narrow", route, p, err)
					}
					d, err := l.Decide(ctx, route, 1)
					if err != nil || d.Bucket == "narrow" {
						t.Errorf("Decide on route %s: %+v, %v, want no decision by the bucket narrow", route, d, err)
					}
				}
				did(t, l.Check("narrow", 50), l.Check("both", 1, limiter.Costs{"narrow": 50}))

				// A tenant's bucket before the bucket in shadow mode still limits.
				did(t, l.AddRoute("tenant", limiter.Bucket{Name: "t1", Limits: []limiter.Limit{limiter.PerSecond(2, 4)}}, limiter.Bucket{Name: "narrow"}))
				time.Sleep(5 * time.Second)
				begin = time.Now()
				for range 8 {
					did(t, l.Wait(ctx, "tenant"))
				}
				if took := time.Since(begin); took < 1900*time.Millisecond || took > 2200*time.Millisecond {
					t.Errorf("8 calls of a tenant at 2 a second, burst 4, took %v", took)
				}
				did(t, l.RemoveRoute("tenant"))

				did(t, l.ShadowBucket(ctx, "narrow", false))
				if b := levelOfBucket(t, l, "narrow"); b.Shadowed || b.PausedFor > 0 || b.Served != 1 || b.Debt > 0 {
					t.Errorf("reports and settlements of shadow mode count afterwards: %+v", b)
				}
			})
		})
	}
}

// TestShadowedBucketInABatch: all buckets of a route are in shadow mode. A batch gets all its reservations at once.
func TestShadowedBucketInABatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		cfg := twoBuckets()
		cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
		l, err := limiter.NewMemory(cfg)
		did(t, err)
		defer closeLimiter(t, l)
		did(t, l.ShadowBucket(t.Context(), "narrow", true))
		did(t, l.ShadowBucket(t.Context(), "wide", true))
		for _, runs := range [][]limiter.Run{{{N: 7}}, {{N: 3}, {N: 4, Cost: 50}}, {{N: 7, Costs: limiter.Costs{"narrow": 9, "wide": 0}}}, {{N: 7, Urgent: true}}} {
			rs, turn, err := l.ReserveBatch(t.Context(), "both", runs...)
			if err != nil || len(rs) != 7 || turn != (limiter.Turn{}) {
				t.Errorf("a batch of %+v: %d of 7 reservations, %+v, %v", runs, len(rs), turn, err)
			}
			for _, r := range rs {
				if !r.Use("both") {
					t.Errorf("a batch of %+v: Use refused a reservation", runs)
				}
			}
		}
		if got := counted(t, reader); got["weir.bucket.shadowed acquired"] < 1 || got["weir.bucket.shadowed acquired"]+got["weir.bucket.shadowed rejected"] != 28 {
			t.Errorf("the metrics of 28 calls are %v", got)
		}
	})
}
