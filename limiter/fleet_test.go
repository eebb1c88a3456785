package limiter_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// outcome holds the numbers of a fleet of closed loops.
type outcome struct {
	used, calls, jain, spread float64
	starved                   int
}

// loops runs replicas × waiters callers in virtual time, for a minute after the first burst. Each asks again as soon as
// it is served.
func loops(t *testing.T, replicas, waiters int, limit limiter.Limit) outcome {
	const begin, length = 10 * time.Second, time.Minute
	m, _ := limitertest.Redis(t)
	fleet := make([]*limiter.Limiter, replicas)
	for i := range fleet {
		rdb := redis.NewClient(limitertest.Options(m))
		defer rdb.Close()
		var err error
		if fleet[i], err = limiter.New(t.Context(), rdb, config(map[string][]limiter.Limit{"global": {limit}}, nil)); err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, fleet[i])
	}
	var mu sync.Mutex
	var all, waits []time.Time
	var took []time.Duration
	served := make([]float64, replicas*waiters)
	zero := time.Now()
	var running sync.WaitGroup
	for i, l := range fleet {
		for k := range waiters {
			running.Go(func() {
				for time.Since(zero) < begin+length {
					asked := time.Now()
					if err := l.Wait(t.Context(), "global"); err != nil {
						t.Error(err)
						return
					}
					now := time.Now()
					mu.Lock()
					all = append(all, now)
					if at := now.Sub(zero); at > begin && at <= begin+length {
						waits = append(waits, now)
						took = append(took, now.Sub(asked))
						served[i*waiters+k]++
					}
					mu.Unlock()
				}
			})
		}
	}
	time.Sleep(begin)
	calls := int64(0)
	for _, l := range fleet {
		calls -= l.StoreCalls()
	}
	time.Sleep(length)
	for _, l := range fleet {
		calls += l.StoreCalls()
	}
	running.Wait()
	if err := limitertest.Law(all, limit, time.Millisecond); err != nil {
		t.Error(err)
	}
	slices.Sort(took)
	var sum, squares float64
	o := outcome{}
	for _, n := range served {
		sum, squares = sum+n, squares+n*n
		if n == 0 {
			o.starved++
		}
	}
	o.used = float64(len(waits)) / (limit.Rate() * length.Seconds())
	o.calls = float64(calls) / float64(len(waits))
	o.jain = sum * sum / (float64(len(served)) * squares)
	o.spread = float64(took[len(took)-1]) / float64(took[len(took)/2])
	return o
}

// TestFleetIsFairAndFrugal: no caller polls, no caller starves, and the fleet uses the whole budget.
func TestFleetIsFairAndFrugal(t *testing.T) {
	fleets := map[string]struct {
		replicas, waiters int
		calls             float64 // largest number of requests for each token: it depends on the order in which replicas ask
	}{"1 x 10": {1, 10, 0.12}, "4 x 10": {4, 10, 0.35}, "16 x 10": {16, 10, 0.45}, "64 x 10": {64, 10, 0.6}, "64 x 1": {64, 1, 2.1}}
	for _, name := range rows(fleets, 1, 1) {
		c := fleets[name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				o := loops(t, c.replicas, c.waiters, limiter.PerSecond(40, 40))
				t.Logf("used %.4f, calls per token %.3f, Jain %.5f, longest wait / median %.2f", o.used, o.calls, o.jain, o.spread)
				if o.used < 0.99 || o.jain < 0.98 || o.starved > 0 || o.calls > c.calls || o.spread > 2 {
					t.Errorf("used %.4f, calls per token %.3f, Jain %.5f, longest wait / median %.2f, %d starved", o.used, o.calls, o.jain, o.spread, o.starved)
				}
			})
		})
	}
}

// loop runs waiters in loops on each limiter for a time, and returns when their calls started.
func loop(t *testing.T, fleet []*limiter.Limiter, waiters int, length time.Duration) []time.Time {
	var mu sync.Mutex
	var starts []time.Time
	var running sync.WaitGroup
	end := time.Now().Add(length)
	for _, l := range fleet {
		for range waiters {
			running.Go(func() {
				for time.Now().Before(end) {
					if err := l.Wait(t.Context(), "global"); err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					if now := time.Now(); now.Before(end) {
						starts = append(starts, now)
					}
					mu.Unlock()
				}
			})
		}
	}
	running.Wait()
	return starts
}
