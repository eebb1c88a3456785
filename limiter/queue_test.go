package limiter_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// TestOneStartPerToken: callers that wait at an empty bucket start one by one, each when its token is there, whatever the burst
// is.
func TestOneStartPerToken(t *testing.T) {
	for name, c := range map[string]struct {
		limit   limiter.Limit
		waiters int
		cost    int64
	}{
		"1000 an hour":              {limiter.Limit{Tokens: 1000, Per: time.Hour, Burst: 1000}, 60, 1},
		"1000 an hour, 3 at once":   {limiter.Limit{Tokens: 1000, Per: time.Hour, Burst: 1000}, 20, 3},
		"10 a second":               {limiter.PerSecond(10, 100), 60, 1},
		"1 a second":                {limiter.PerSecond(1, 60), 60, 1},
		"1 a second, 5 at once":     {limiter.PerSecond(1, 60), 12, 5},
		"100 a second":              {limiter.PerSecond(100, 1000), 300, 1},
		"40 a second, a burst of 1": {limiter.PerSecond(40, 1), 60, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				empty(t, fleet[0], c.limit.Burst)
				begin, j := time.Now(), &journal{}
				var waiting sync.WaitGroup
				for i := range c.waiters {
					waiting.Go(func() {
						if err := j.wait(t.Context(), fleet[i%len(fleet)], c.cost); err != nil {
							t.Error(err)
						}
					})
				}
				waiting.Wait()
				const trip = 5 * time.Millisecond
				every := time.Duration(c.cost) * interval(c.limit)
				// A lane that is served just before an older lane asks may come before it. The older lane's start is then late by
				// a token, or by a fifth of the horizon, and the following starts make up for that.
				late := time.Duration(0)
				if len(fleet) > 1 {
					late = max(every, limiter.DefaultHorizon/5)
				}
				starts := j.since(begin)
				if first := starts[0].at.Sub(begin); first > every+trip || first < every-interval(c.limit)-time.Millisecond {
					t.Errorf("the first call started after %v, its tokens take %v", first, every)
				}
				for i := 1; i < len(starts); i++ {
					if gap := starts[i].at.Sub(starts[i-1].at); (gap < every-trip && late == 0) || gap > every+late+trip {
						t.Errorf("call %d started %v after the one before, its tokens take %v", i, gap, every)
					}
				}
				one := c.limit
				one.Burst = c.cost + int64(late/interval(c.limit))
				j.law(t, one, time.Millisecond)
			}, 3)
		})
	}
}

// TestCrowdThatGaveUpLeavesNothing: many callers wait and all of them give up. A later caller gets the tokens in the bucket at
// once.
func TestCrowdThatGaveUpLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		limit   limiter.Limit
		waiters int
		cost    int64
		stay    time.Duration // how long the callers wait
	}{
		"1 a second":                  {limiter.PerSecond(1, 60), 600, 1, time.Millisecond},
		"1 a second, some are served": {limiter.PerSecond(1, 60), 600, 1, 12500 * time.Millisecond},
		"1000 an hour":                {limiter.Limit{Tokens: 1000, Per: time.Hour, Burst: 1000}, 600, 1, time.Second},
		"2 a second, 7 at once":       {limiter.PerSecond(2, 7), 600, 7, 2 * time.Second},
		"10 a second":                 {limiter.PerSecond(10, 10), 40, 1, 100 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				empty(t, fleet[0], c.limit.Burst)
				ctx, cancel := context.WithCancel(t.Context())
				var waiting sync.WaitGroup
				for i := range c.waiters {
					waiting.Go(func() { _ = fleet[i%len(fleet)].WaitN(ctx, "global", c.cost) })
				}
				time.Sleep(c.stay)
				cancel()
				waiting.Wait()
				tokens := 0.0
				for waited := time.Duration(0); tokens < 6; waited += interval(c.limit) {
					if waited > 9*interval(c.limit) {
						t.Fatalf("%v after all callers gave up the bucket has %.2f tokens", waited, tokens)
					}
					time.Sleep(interval(c.limit))
					s, err := fleet[0].Snapshot(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					tokens = s.Buckets[0].Tokens
				}
				for i := range 6 {
					begin, l := time.Now(), fleet[i%len(fleet)]
					if i%2 == 0 {
						if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
							t.Errorf("token %d of 6 or more: Allow returned %v, %v", i+1, ok, err)
						}
					} else if err := l.Wait(t.Context(), "global"); err != nil {
						t.Error(err)
					}
					if took := time.Since(begin); took > time.Millisecond {
						t.Errorf("token %d of 6 or more took %v", i+1, took)
					}
				}
			}, 3)
		})
	}
}

// TestLargeCallThatIsGone: one call waits for the whole burst and is cancelled, or its replica dies. Other callers get the tokens
// in the bucket.
func TestLargeCallThatIsGone(t *testing.T) {
	for name, c := range map[string]struct {
		rate, burst, there int64
		dies               bool
		callers            int
		more               time.Duration // in which a part of a token is refilled
	}{
		"1 a second, cancelled":              {1, 60, 20, false, 15, 0},
		"1 a second, cancelled, 1 is there":  {1, 60, 1, false, 1, 0},
		"1 a second, cancelled, 59 there":    {1, 60, 59, false, 50, 0},
		"10 a second, cancelled":             {10, 30, 10, false, 10, 0},
		"1 a second, cancelled, 59.9 there":  {1, 60, 59, false, 50, 900 * time.Millisecond},
		"10 a second, cancelled, 29.5 there": {10, 30, 29, false, 20, 50 * time.Millisecond},
		"1 a second, dies":                   {1, 60, 20, true, 15, 0},
		"1 a second, dies, 59 there":         {1, 60, 59, true, 50, 0},
		"10 a second, dies":                  {10, 30, 10, true, 10, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, 3, one(c.rate, c.burst))
				defer f.close(t)
				time.Sleep(61 * time.Second)
				if ok, err := f.fleet[0].AllowN(t.Context(), "global", c.burst-c.there); !ok || err != nil {
					t.Fatalf("Allow: %t, %v, want true", ok, err)
				}
				time.Sleep(c.more)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var waiting sync.WaitGroup
				waiting.Go(func() { _ = f.fleet[0].WaitN(ctx, "global", c.burst) })
				time.Sleep(time.Millisecond)
				if c.dies {
					f.wires[0].Cut()
				}
				cancel()
				synctest.Wait()
				j := &journal{}
				for i := range c.callers {
					waiting.Go(func() {
						if err := j.wait(t.Context(), f.fleet[1+i%2], 1); err != nil {
							t.Error(err)
						}
					})
				}
				waiting.Wait()
				// Until the turn of the dead replica, the others cannot distinguish it from a live one that waits. They ask again
				// when the first of them would have its turn behind a live one.
				within := 2 * time.Millisecond
				if c.dies {
					within = time.Duration(c.burst-c.there+1)*time.Second/time.Duration(c.rate) + max(50*time.Millisecond, time.Second/time.Duration(c.rate)) +
						10*time.Millisecond // some requests
				}
				starts := j.since(time.Time{})
				t.Logf("%d callers: first after %v, last after %v", len(starts), starts[0].took, starts[len(starts)-1].took)
				if last := starts[len(starts)-1].took; last > within {
					t.Errorf("%d callers on %d tokens: the last call started after %v, want %v", c.callers, c.there, last, within)
				}
				// The large call has left no trace: later calls start at once.
				time.Sleep(3 * time.Second / time.Duration(c.rate))
				for _, l := range f.fleet[1:] {
					if took := startOf(t, l, "global", time.Now()); took > time.Millisecond {
						t.Errorf("a call on an available token took %v", took)
					}
				}
			})
		})
	}
}

// lineLength returns how many lanes are in line at the limit per second of the bucket "global".
func lineLength(t *testing.T, f *redisFleet) int64 {
	t.Helper()
	n, err := f.rdb.ZCard(t.Context(), lua.Keys(limiter.DefaultNamespace).Line(lua.Field{Bucket: "global", PerUS: 1_000_000})).Result()
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestPlaceInLine: a lane keeps its place in line for a scheduler between two requests, and gives it up when no caller waits.
func TestPlaceInLine(t *testing.T) {
	for name, c := range map[string]struct {
		rate, burst int64
		replicas    int
		waiters     int // in each replica, by Wait
		cost        int64
		schedules   bool // a scheduler in each replica asks, too
		closes      bool // the limiters close; otherwise the callers leave
	}{
		"waiters leave":                       {1, 5, 3, 10, 1, false, false},
		"waiters of the burst leave":          {1, 5, 3, 10, 5, false, false},
		"one waiter leaves":                   {1, 1, 1, 1, 1, false, false},
		"a crowd leaves":                      {2, 2, 4, 100, 1, false, false},
		"closed under waiters":                {1, 5, 3, 10, 1, false, true},
		"closed under waiters of the burst":   {1, 5, 3, 10, 5, false, true},
		"closed under schedulers":             {1, 5, 3, 0, 1, true, true},
		"closed under schedulers and waiters": {5, 5, 3, 10, 2, true, true},
		"schedulers and waiters that leave":   {5, 5, 3, 10, 2, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, c.replicas, one(c.rate, c.burst))
				closed := false
				defer func() {
					if !closed {
						f.close(t)
					}
				}()
				time.Sleep(time.Minute)
				empty(t, f.fleet[0], c.burst)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var waiting sync.WaitGroup
				for _, l := range f.fleet {
					for range c.waiters {
						waiting.Go(func() { _ = l.WaitN(ctx, "global", c.cost) })
					}
				}
				synctest.Wait()
				again := make([]time.Time, len(f.fleet))
				try := func() {
					for i, l := range f.fleet {
						for range 4 { // the first in line get what is due within a horizon
							rs, at, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1})
							if err != nil {
								t.Fatal(err)
							}
							if again[i] = at.Again; len(rs) == 0 {
								break
							}
						}
					}
				}
				if c.schedules {
					try()
					for range 3 {
						soonest := again[0]
						for _, at := range again {
							if at.Before(soonest) {
								soonest = at
							}
						}
						time.Sleep(min(time.Second, max(0, time.Until(soonest)-time.Millisecond)))
						if n := lineLength(t, f); n != int64(c.replicas) {
							t.Errorf("%d of %d lanes are in line between two requests of the schedulers", n, c.replicas)
						}
						try()
					}
				}
				if c.waiters > 0 {
					if n := lineLength(t, f); n == 0 {
						t.Error("no lane is in line: the test tested nothing")
					}
				}
				if c.closes {
					f.close(t)
					closed = true
				}
				cancel()
				waiting.Wait()
				time.Sleep(10 * time.Millisecond)
				if c.schedules && !c.closes { // a scheduler asks again at the returned time, and takes the due reservations
					for i, l := range f.fleet {
						for got := false; !got; {
							time.Sleep(time.Until(again[i]))
							rs, at, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1})
							if err != nil {
								t.Fatal(err)
							}
							for _, r := range rs {
								r.Cancel()
							}
							again[i], got = at.Again, len(rs) > 0
						}
					}
					time.Sleep(10 * time.Millisecond)
				}
				if n := lineLength(t, f); n != 0 {
					t.Errorf("%d lanes are in line although no caller waits", n)
				}
			})
		})
	}
}

// TestRunsOfOneCall: hundreds of callers wait, and no two neighbours are alike. One request asks for some of them, and the next
// for more.
func TestRunsOfOneCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(one(100, 2))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		most := 0
		limiter.OnReserve(l, func(runs int) { most = max(most, runs) })
		var waiting sync.WaitGroup
		for i := range int64(200) {
			waiting.Go(func() {
				if err := l.WaitN(t.Context(), "global", 1+i%2); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		waiting.Wait()
		if most != 64 {
			t.Errorf("a request has %d runs of callers, want 64 at most", most)
		}
	})
}
