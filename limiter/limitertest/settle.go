package limitertest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// metered returns the configuration of a provider that counts calls and tokens; the caller knows the number of tokens
// only afterwards.
func metered(m limiter.Metered) limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{"calls": {limiter.PerSecond(1000, 1000)}, "tokens": {limiter.PerSecond(100, 1000)}},
		Routes:  map[string][]string{"model": {"tokens", "calls"}},
		Metered: map[string]limiter.Metered{"tokens": m},
	}
}

// plainly returns a Metered that keeps no reserve and does not scale estimates.
func plainly() limiter.Metered { return limiter.Metered{Reserve: -1, Exact: true} }

func reserve(t *testing.T, l Limiter, tokens int64) *limiter.Reservation {
	t.Helper()
	r, err := l.Reserve(t.Context(), "model", limiter.Costs{"tokens": tokens})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(r.Delay())
	if !r.Use("model") {
		t.Fatal("a reservation that is due cannot be used")
	}
	return r
}

func left(t *testing.T, l Limiter) int64 {
	t.Helper()
	d, err := l.Decide(t.Context(), "model", 1, limiter.Costs{"tokens": 1, "calls": 0})
	if err != nil {
		t.Fatal(err)
	}
	return d.Remaining + 1
}

func surplusGoesBack(t *testing.T, l Limiter) {
	reserve(t, l, 1) // from now on the bucket notes how empty it is
	time.Sleep(time.Second)
	r := reserve(t, l, 900)
	r.Settle(limiter.Costs{"tokens": 100})
	time.Sleep(2 * time.Second) // and 200 tokens come
	if n := left(t, l); n != 1000 {
		t.Errorf("%d tokens are left of a call of 900 that cost 100, want 1000", n)
	}
	time.Sleep(time.Second)
	r = reserve(t, l, 1000)
	r.Settle(limiter.Costs{"tokens": 700})
	r.Settle(limiter.Costs{"tokens": 0}) // a call is settled once
	time.Sleep(2 * time.Second)
	if n := left(t, l); n < 498 || n > 502 {
		t.Errorf("%d tokens are left of a call of 1000 that cost 700, want about 500", n)
	}
}

func shortfallIsDebt(t *testing.T, l Limiter) {
	reserve(t, l, 500).Settle(limiter.Costs{"tokens": 1500, "nowhere": 7})
	time.Sleep(2 * time.Second)
	begun := time.Now()
	if err := l.Wait(t.Context(), "model", limiter.Costs{"tokens": 100}); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(begun).Round(100 * time.Millisecond); took != 4*time.Second {
		t.Errorf("a call of 100 behind a debt of 500, two seconds old, waited %v, want 4s", took)
	}
}

func estimatesFollow(t *testing.T, l Limiter) {
	for range 150 {
		reserve(t, l, 20).Settle(limiter.Costs{"tokens": 5})
		time.Sleep(time.Second)
	}
	time.Sleep(10 * time.Second)
	r := reserve(t, l, 400)
	if r.Costs()["tokens"] != 400 {
		t.Errorf("a call of 400 says that it takes %v", r.Costs())
	}
	if n := left(t, l); n < 830 || n > 890 { // a quarter of 400, and a trace of the first calls
		t.Errorf("%d of 1000 tokens are left of a call of 400, where calls cost a quarter of what is estimated", n)
	}
}

func settledIsNotGivenUp(t *testing.T, l Limiter) {
	reserve(t, l, 1)
	time.Sleep(time.Second)
	r, err := l.Reserve(t.Context(), "model", limiter.Costs{"tokens": 1000})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(r.Delay())
	r.Settle(limiter.Costs{"tokens": 900}) // nothing has taken the reservation: the settled call has used it
	r.Cancel()
	if r.Use("model") {
		t.Error("a reservation that was settled is used again")
	}
	if ok, err := l.Allow(t.Context(), "model", limiter.Costs{"tokens": 1000}); ok || err != nil {
		t.Errorf("a reservation that was settled serves another call: %v, %v", ok, err)
	}
}

func unusedIsNotSettled(t *testing.T, l Limiter) {
	reserve(t, l, 1)
	time.Sleep(time.Second)
	r, err := l.Reserve(t.Context(), "model", limiter.Costs{"tokens": 900})
	if err != nil {
		t.Fatal(err)
	}
	r.Cancel()
	r.Settle(limiter.Costs{"tokens": 5000})
	time.Sleep(2 * time.Second)
	if n := left(t, l); n < 300 { // too late to be returned, but no debt
		t.Errorf("%d tokens are left where a call that was given up is settled", n)
	}
}

// settledCostsKeepTheLaw makes calls of uncertain costs wait for two minutes. By their real costs the law holds, and
// the rate is used.
func settledCostsKeepTheLaw(t *testing.T, l Limiter) {
	limit := limiter.PerSecond(100, 1000)
	var s starts
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	begun := time.Now()
	for k := range 40 {
		rnd := rand.New(rand.NewPCG(uint64(k), 1)) //nolint:gosec // small
		all.Go(func() {
			for {
				estimate := 10 + rnd.Int64N(60)
				r, err := l.Reserve(ctx, "model", limiter.Costs{"tokens": estimate})
				if err != nil {
					return
				}
				time.Sleep(r.Delay())
				if !r.Use("model") {
					continue
				}
				actual := 1 + rnd.Int64N(estimate)
				s.add(actual)
				time.Sleep(time.Duration(rnd.Int64N(10_000)) * time.Millisecond)
				r.Settle(limiter.Costs{"tokens": actual})
			}
		})
	}
	all.Wait()
	s.law(t, limit)
	if used := float64(s.since(begun)) / (float64(limit.Burst) + limit.Rate()*120); used < 0.85 {
		t.Errorf("used %.3f of the rate by real costs", used)
	}
}
