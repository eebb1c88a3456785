package limitertest

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// byUnit returns the configuration of a provider that counts calls, and tokens of two kinds.
func byUnit() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"calls": {limiter.PerSecond(10, 10)}, "input": {limiter.PerSecond(1000, 1000)}, "output": {limiter.PerSecond(100, 200)},
		},
		Routes: map[string][]string{"claude": {"output", "input", "calls"}},
	}
}

func costsOfEachBucket(t *testing.T, l Limiter) {
	ctx := t.Context()
	allow := func(want bool, n int64, costs limiter.Costs) {
		t.Helper()
		if ok, err := l.AllowN(ctx, "claude", n, costs); ok != want || err != nil {
			t.Errorf("AllowN(%d, %v): %v, %v", n, costs, ok, err)
		}
	}
	allow(true, 1, limiter.Costs{"input": 600, "output": 150}) // 400, 50 and 9 are left
	allow(false, 1, limiter.Costs{"input": 401, "output": 1})
	allow(false, 1, limiter.Costs{"input": 1, "output": 51})
	allow(true, 1, limiter.Costs{"input": 400, "output": 0})
	allow(true, 1, limiter.Costs{"input": 0, "output": 50})
	allow(false, 1, nil)
	allow(true, 7, limiter.Costs{"input": 0, "output": 0})
	allow(false, 1, limiter.Costs{"input": 0, "output": 0})
	begun := time.Now()
	if err := l.Wait(ctx, "claude", limiter.Costs{"input": 200, "output": 100}); err != nil || time.Since(begun).Round(time.Millisecond) != time.Second {
		t.Errorf("100 of 100 output tokens a second took %v, %v", time.Since(begun), err)
	}
	if err := l.Wait(ctx, "claude", limiter.Costs{"input": 900, "output": 0}); err != nil || time.Since(begun).Round(time.Millisecond) != 1100*time.Millisecond {
		t.Errorf("900 where 800 of 1,000 a second are there took until %v, %v", time.Since(begun), err)
	}
}

func costsThatCannotBe(t *testing.T, l Limiter) {
	for _, c := range []limiter.Costs{{"inputs": 1}, {"input": -1}, {"input": 0, "output": 0, "calls": 0}, {"": 1}, {"a b": 1}} {
		if err := l.Wait(t.Context(), "claude", c); err == nil {
			t.Errorf("a call of %v started", map[string]int64(c))
		}
		if _, _, err := l.ReserveBatch(t.Context(), "claude", limiter.Run{N: 1, Costs: c}); err == nil {
			t.Errorf("a batch of %v was reserved", map[string]int64(c))
		}
	}
	err := l.Wait(t.Context(), "claude", limiter.Costs{"inputs": 1})
	if e, ok := errors.AsType[*limiter.BucketError](err); !ok || e.Bucket != "inputs" || e.Route != "claude" {
		t.Errorf("an unknown bucket: %v", err)
	}
	err = l.Wait(t.Context(), "claude", limiter.Costs{"output": 201})
	if e, ok := errors.AsType[*limiter.ExceedsBurstError](err); !ok || e.Bucket != "output" || e.Cost != 201 || e.Burst != 200 {
		t.Errorf("201 of 200: %v", err)
	}
	if d, err := l.Decide(t.Context(), "claude", 10, limiter.Costs{"input": 1000, "output": 200}); !d.OK || err != nil {
		t.Errorf("the refused calls have taken something: %+v, %v", d, err)
	}
}

func batchHasCostsOfEachBucket(t *testing.T, l Limiter) {
	costs := limiter.Costs{"input": 100, "output": 90}
	rs, _, err := l.ReserveBatch(t.Context(), "claude", limiter.Run{N: 4, Costs: costs}, limiter.Run{N: 1, Costs: limiter.Costs{"output": 20}})
	if err != nil || len(rs) != 2 {
		t.Fatal(len(rs), "reservations where the output of two is there:", err)
	}
	for _, r := range rs {
		if r.Costs().String() != costs.String() || r.Cost() != 1 {
			t.Errorf("a reservation of %v and %d", r.Costs(), r.Cost())
		}
		r.Cancel()
	}
	begun := time.Now()
	for range 2 {
		if err := l.Wait(t.Context(), "claude", costs); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(begun); took > 0 {
		t.Errorf("two calls of the cost that was given up waited %v", took)
	}
}

// costsOfEachBucketKeepTheLaw makes calls of mixed costs wait for a minute, and counts the tokens of each bucket.
func costsOfEachBucketKeepTheLaw(t *testing.T, l Limiter) {
	cfg := byUnit()
	var s [3]starts
	names := [...]string{"calls", "input", "output"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	begun := time.Now()
	var all sync.WaitGroup
	for k := range 12 {
		rnd := rand.New(rand.NewPCG(uint64(k), 1)) //nolint:gosec // small
		all.Go(func() {
			for {
				costs := limiter.Costs{"input": rnd.Int64N(150), "output": rnd.Int64N(40)}
				if l.Wait(ctx, "claude", costs) != nil {
					return
				}
				for i, name := range names {
					n, named := costs[name]
					if !named {
						n = 1
					}
					s[i].add(n)
				}
			}
		})
	}
	all.Wait()
	most := 0.0
	for i, name := range names {
		limit := cfg.Buckets[name][0]
		s[i].law(t, limit)
		most = max(most, float64(s[i].since(begun))/(float64(limit.Burst)+limit.Rate()*time.Minute.Seconds()))
	}
	if most < 0.97 {
		t.Errorf("used %.3f of the bucket that is used most", most)
	}
}
