package limiter_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestMixedCostsUseTheRate: several replicas make calls of one token and of the whole burst. In any mix, and even if callers give up at
// random, the fleet uses the whole rate.
func TestMixedCostsUseTheRate(t *testing.T) {
	mixes := map[string]struct {
		limit    limiter.Limit
		waiters  int // of each replica
		large    int // one of so many calls costs the whole burst
		giveUp   bool
		length   time.Duration
		replicas []int
	}{
		"10 a second, burst 5":                 {limiter.PerSecond(10, 5), 6, 3, false, 80 * time.Second, []int{4}},
		"10 a second, burst 5, gives up":       {limiter.PerSecond(10, 5), 6, 3, true, 80 * time.Second, []int{4}},
		"40 a second, burst 40":                {limiter.PerSecond(40, 40), 6, 4, false, 80 * time.Second, []int{4}},
		"40 a second, burst 40, gives up":      {limiter.PerSecond(40, 40), 6, 4, true, 80 * time.Second, []int{4}},
		"1 a second, burst 60":                 {limiter.PerSecond(1, 60), 3, 4, false, 5 * time.Minute, []int{4}},
		"1 a second, burst 60, gives up":       {limiter.PerSecond(1, 60), 3, 4, true, 5 * time.Minute, []int{4}},
		"100 a second, burst 10":               {limiter.PerSecond(100, 10), 5, 8, false, 20 * time.Second, []int{4}},
		"100 a second, burst 10, gives up":     {limiter.PerSecond(100, 10), 5, 8, true, 10 * time.Second, []int{1, 4}},
		"100 a second, burst 2, two, gives up": {limiter.PerSecond(100, 2), 2, 2, true, 10 * time.Second, []int{4}},
	}
	for _, name := range rows(mixes, 0, 1) {
		c := mixes[name]
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				empty(t, fleet[0], c.limit.Burst)
				begun := time.Now()
				run, end := context.WithCancel(t.Context())
				defer end()
				j := &journal{}
				var running sync.WaitGroup
				// The time to serve all callers, which is the longest that one may wait.
				mean := 1 + float64(c.limit.Burst-1)/float64(c.large)
				turn := time.Duration(mean * float64(c.waiters*len(fleet)) / c.limit.Rate() * float64(time.Second))
				for i, l := range fleet {
					for k := range c.waiters {
						rnd := rand.New(rand.NewPCG(uint64(i), uint64(k)))
						running.Go(func() {
							for run.Err() == nil {
								cost := int64(1)
								if rnd.IntN(c.large) == 0 {
									cost = c.limit.Burst
								}
								ctx, cancel := context.WithCancel(run)
								if c.giveUp && rnd.IntN(3) == 0 {
									time.AfterFunc(1+time.Duration(rnd.Int64N(int64(turn))), cancel)
								}
								_ = j.wait(ctx, l, cost)
								cancel()
							}
						})
					}
				}
				time.Sleep(c.length)
				// Now all callers wait. Tokens in the bucket are not lost: a call of the whole burst waits for them. Reserved tokens are
				// not used yet.
				snapshot, err := fleet[0].Snapshot(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				length, n := time.Since(begun), snapshot.Buckets[0].Tokens
				for _, s := range j.since(begun) {
					n += float64(s.cost)
				}
				share := n / (c.limit.Rate() * length.Seconds())
				end()
				running.Wait()
				large := 0
				for _, s := range j.starts {
					if s.cost > 1 {
						large++
					}
				}
				t.Logf("used %.4f of the rate in %d starts, %d of them of the whole burst", share, len(j.starts), large)
				// At the end a horizon's tokens and one call are reserved at most. If a caller gives up its reservation, the tokens
				// refilled until the due time of the last reservation are lost: some hundredths if many give up.
				most := (float64(c.limit.Burst) + c.limit.Rate()*limiter.DefaultHorizon.Seconds()) / (c.limit.Rate() * length.Seconds())
				least := 0.99 - most
				if c.giveUp {
					least = 0.95 - most
				}
				if share < least || large == 0 || large == len(j.starts) {
					t.Errorf("used %.4f of the rate in %d starts, %d of them of the whole burst", share, len(j.starts), large)
				}
				slack := time.Millisecond
				if c.giveUp {
					slack = limiter.DefaultSlack
				}
				j.law(t, c.limit, slack)
			}, c.replicas...)
		})
	}
}

// TestMostOfAFleetGoes: the callers of most replicas give up, or the replicas die. The remaining callers are served soon, and then use the
// whole rate.
func TestMostOfAFleetGoes(t *testing.T) {
	for name, c := range map[string]struct {
		limit             limiter.Limit
		replicas, waiters int
		going             int
		dies              bool
	}{
		"36 of 40 give up":           {limiter.PerSecond(5, 10), 40, 6, 36, false},
		"36 of 40 die":               {limiter.PerSecond(5, 10), 40, 6, 36, true},
		"4 of 5 give up":             {limiter.PerSecond(20, 20), 5, 8, 4, false},
		"4 of 5 die":                 {limiter.PerSecond(20, 20), 5, 8, 4, true},
		"5 of 6 give up, 1 a second": {limiter.PerSecond(1, 2), 6, 10, 5, false},
		"4 of 4 die, 1 a second":     {limiter.PerSecond(1, 2), 4, 10, 3, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, c.replicas, config(map[string][]limiter.Limit{"global": {c.limit}}, nil))
				defer f.close(t)
				time.Sleep(3 * time.Second) // until the bucket is certainly empty
				empty(t, f.fleet[0], c.limit.Burst)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				leave, gone := context.WithCancel(ctx)
				defer gone()
				all, left := &journal{}, &journal{}
				var running sync.WaitGroup
				for i, l := range f.fleet {
					for range c.waiters {
						running.Go(func() {
							mine, of := left, ctx
							if i < c.going {
								mine, of = all, leave
							}
							for of.Err() == nil {
								if err := mine.wait(of, l, 1); err != nil && of.Err() == nil {
									t.Error(err)
									return
								}
							}
						})
					}
				}
				time.Sleep(6 * time.Second)
				if c.dies {
					for _, w := range f.wires[:c.going] {
						w.Cut()
					}
				}
				gone()
				begin := time.Now()
				within := 2 * time.Second
				if c.dies || c.limit.Rate() < 2 { // a lane in line learns within 5 s that others have left
					within = 5*time.Second + 10*time.Millisecond
				}
				time.Sleep(within)
				first := left.since(begin)
				time.Sleep(10 * time.Second)
				then := left.since(begin.Add(within))
				cancel()
				running.Wait()
				share, silence := float64(len(then))/(10*c.limit.Rate()), time.Duration(0)
				for i, s := range left.since(begin)[1:] {
					silence = max(silence, s.at.Sub(left.since(begin)[i].at))
				}
				if len(first) == 0 {
					t.Errorf("no call started within %v", within)
				} else {
					t.Logf("%s: the first call started after %v; then used %.3f; the longest gap between starts was %v", t.Name(), first[0].at.Sub(begin), share, silence)
				}
				// The measured period may begin and end between two tokens. Behind dead lanes the others may start nothing for as
				// long as they sleep, and the bucket saves no more than its burst.
				lost := 1.0
				if c.dies {
					lost += max(0, within.Seconds()*c.limit.Rate()-float64(c.limit.Burst))
				}
				if share < 0.95-lost/(10*c.limit.Rate()) {
					t.Errorf("the remaining callers used %.3f of the rate", share)
				}
				if silence > within+interval(c.limit) {
					t.Errorf("no call started for %v", silence)
				}
				all.starts = append(all.starts, left.starts...)
				all.law(t, c.limit, limiter.DefaultSlack)
			})
		})
	}
}
