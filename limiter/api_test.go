package limiter_test

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestDecide: on limits of all kinds, in memory and on Redis, Decide returns OK while there are tokens, and how many are left of the
// limit that is nearest to its end. After that it returns a time after which a call may start.
func TestDecide(t *testing.T) {
	for name, c := range map[string]struct {
		limits []limiter.Limit
		cost   int64
	}{
		"10 a second, burst 5":          {[]limiter.Limit{limiter.PerSecond(10, 5)}, 1},
		"10 a second, burst 7, twos":    {[]limiter.Limit{limiter.PerSecond(10, 7)}, 2},
		"4 an hour":                     {[]limiter.Limit{{Tokens: 3, Per: time.Hour, Burst: 3}}, 1},
		"5 in 10 s":                     {[]limiter.Limit{limiter.PerWindow(5, 10*time.Second)}, 1},
		"20 a second and 6 in a minute": {[]limiter.Limit{limiter.PerSecond(20, 20), limiter.PerWindow(6, time.Minute)}, 1},
		"burst 1":                       {[]limiter.Limit{limiter.PerSecond(2, 1)}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": c.limits}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				time.Sleep(time.Minute)
				least := c.limits[0]
				for _, l := range c.limits {
					if holds(l) < holds(least) {
						least = l
					}
				}
				for left := holds(least) - c.cost; left >= 0; left -= c.cost {
					d, err := fleet[0].Decide(t.Context(), "global", c.cost)
					if err != nil || !d.OK || d.RetryAfter != 0 || d.Remaining != left || d.Bucket != "global" || d.Limit.Per != least.Per {
						t.Fatalf("%+v, %v; want OK and %d left of %v", d, err, left, least)
					}
				}
				d, err := fleet[len(fleet)-1].Decide(t.Context(), "global", c.cost)
				if err != nil || d.OK || d.RetryAfter <= 0 || d.Remaining != holds(least)%c.cost || d.Limit.Per != least.Per {
					t.Fatalf("%+v, %v; want a refusal by %v", d, err, least)
				}
				time.Sleep(d.RetryAfter - time.Millisecond)
				if early, err := fleet[0].Decide(t.Context(), "global", c.cost); early.OK || err != nil {
					t.Errorf("a millisecond before %v: %+v, %v", d.RetryAfter, early, err)
				}
				time.Sleep(2 * time.Millisecond)
				if then, err := fleet[0].Decide(t.Context(), "global", c.cost); !then.OK || err != nil {
					t.Errorf("after %v: %+v, %v", d.RetryAfter, then, err)
				}
			}, 1, 2)
		})
	}
}

// TestHandle: the handle of a route has the methods of the limiter. An unknown name is an error already when the handle is requested.
func TestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.SingleBucket("spotify", limiter.PerSecond(10, 10)))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		if _, err := l.Route("spotifi"); !isUnknown(err) {
			t.Errorf("a handle for an unknown name: %v, want an error", err)
		}
		r, err := l.Route("spotify")
		if err != nil || r.Name() != "spotify" {
			t.Fatalf("the route's name is %q, error %v", r.Name(), err)
		}
		ctx := t.Context()
		one, err1 := r.Reserve(ctx)
		two, err2 := r.ReserveN(ctx, 2)
		if err := errors.Join(err1, err2, r.Wait(ctx), r.WaitN(ctx, 2)); err != nil || one.Cost() != 1 || two.Cost() != 2 {
			t.Error(err)
		}
		ok1, err1 := r.Allow(ctx)
		ok2, err2 := r.AllowN(ctx, 2)
		if d, err := r.Decide(ctx, 1); !ok1 || !ok2 || !d.OK || errors.Join(err, err1, err2) != nil || d.Remaining != 0 {
			t.Errorf("Allow %t, %v; AllowN %t, %v; Decide %+v, %v", ok1, err1, ok2, err2, d, err)
		}
		if rs, again, err := r.ReserveBatch(ctx, limiter.Run{N: 1}); len(rs) != 1 || !again.Again.IsZero() || err != nil {
			t.Errorf("ReserveBatch: %d reservations, %+v, %v, want 1", len(rs), again, err)
		}
		if err := l.AddRoute("made", limiter.Bucket{Name: "spotify"}); err != nil {
			t.Fatal(err)
		}
		made, err := l.Route("made")
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		for range 2 { // a handle outlives its route
			if err := made.Wait(ctx); err != nil {
				t.Error(err)
			}
			if err := l.RemoveRoute("made"); err != nil {
				t.Error(err)
			}
			if err := made.Wait(ctx); !isUnknown(err) {
				t.Errorf("a call through the handle of a removed route: %v, want it refused", err)
			}
			if err := l.AddRoute("made", limiter.Bucket{Name: "spotify"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestBatchOfRuns: each run of a batch has its own cost and age. The oldest run is served first, in this process and across replicas.
func TestBatchOfRuns(t *testing.T) {
	onFleets(t, one(10, 10), func(t *testing.T, fleet []*limiter.Limiter) {
		ctx, l, other := t.Context(), fleet[0], fleet[len(fleet)-1]
		rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 2, Cost: 3}, limiter.Run{N: 4}, limiter.Run{N: 3, Urgent: true})
		costs := map[int64]int{}
		for i, r := range rs {
			costs[r.Cost()]++
			if i > 0 && r.Due().Before(rs[i-1].Due()) {
				t.Error("the reservations are not in the order of their due times")
			}
		}
		if err != nil || costs[3] != 2 || costs[1] < 4 || costs[1] > 6 {
			t.Errorf("the numbers of reservations by cost are %v, %v, want 2 of cost 3 and 4 to 6 of cost 1", costs, err)
		}
		// The oldest run is served first, although it asks last.
		empty(t, l, 10)
		young, again, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 1, Cost: 10})
		if err != nil || len(young) > 0 || again.Again.IsZero() {
			t.Fatalf("the young run: %d reservations, %+v, %v, want none and a time to ask again", len(young), again, err)
		}
		old, _, err := other.ReserveBatch(ctx, "global", limiter.Run{N: 1, Cost: 10, Since: time.Now().Add(-time.Minute)})
		if err != nil || len(old) > 0 {
			t.Fatalf("the old run: %d reservations, %v, want none", len(old), err)
		}
		if len(fleet) == 1 {
			return // in memory both batches use the same lane
		}
		var served []string
		for len(served) < 2 {
			time.Sleep(10 * time.Millisecond)
			for name, l := range map[string]*limiter.Limiter{"old": other, "young": l} {
				since := time.Now()
				if name == "old" {
					since = since.Add(-time.Hour)
				}
				if len(served) == 1 && served[0] == name {
					continue
				}
				rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 1, Cost: 10, Since: since})
				if err != nil {
					t.Fatal(err)
				}
				if len(rs) > 0 {
					served = append(served, name)
				}
			}
		}
		if served[0] != "old" {
			t.Errorf("the runs were served in the order %v, want the oldest first", served)
		}
	}, 1, 2)
}

// TestReserveBatchWithADeadline: the deadline of the context does not change the answer.
func TestReserveBatchWithADeadline(t *testing.T) {
	onFleets(t, one(1, 1), func(t *testing.T, fleet []*limiter.Limiter) {
		empty(t, fleet[0], 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		rs, again, err := fleet[0].ReserveBatch(ctx, "global", limiter.Run{N: 2})
		if err != nil || len(rs) > 0 || time.Until(again.Again) < 100*time.Millisecond {
			t.Errorf("%d reservations, ask again in %v, %v", len(rs), time.Until(again.Again), err)
		}
	}, 1)
}

// TestReservationOfSeveralServesCallersOfOne: a returned reservation of several tokens serves calls of fewer tokens, and no token is
// lost.
func TestReservationOfSeveralServesCallersOfOne(t *testing.T) {
	for name, c := range map[string]struct {
		limit limiter.Limit
		cost  int64
	}{
		"5 at 20 a second":  {limiter.PerSecond(20, 5), 5},
		"4 at 10 a second":  {limiter.PerSecond(10, 4), 4},
		"40 at 40 a second": {limiter.PerSecond(40, 40), 40},
		"6 in 2 s":          {limiter.PerWindow(6, 2*time.Second), 6},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
				l := fleet[0]
				empty(t, l, holds(c.limit))
				r, err := l.ReserveN(t.Context(), "global", c.cost)
				if err != nil {
					t.Fatal(err)
				}
				due := r.Due()
				var all sync.WaitGroup
				last := time.Time{}
				var mu sync.Mutex
				for range c.cost {
					all.Go(func() {
						if err := l.Wait(t.Context(), "global"); err != nil {
							t.Error(err)
						}
						mu.Lock()
						last = time.Now()
						mu.Unlock()
					})
				}
				synctest.Wait()
				r.Cancel()
				all.Wait()
				if last.After(due.Add(10 * time.Millisecond)) {
					t.Errorf("the last of %d calls of one token started %v after the due time of the returned reservation", c.cost, last.Sub(due))
				}
			}, 1)
		})
	}
}

// TestDeadlineErrorIsATimeout: a DeadlineError counts as a timeout, even inside an error of net/url, as an HTTP client returns it.
func TestDeadlineErrorIsATimeout(t *testing.T) {
	err := &url.Error{Op: "Get", URL: "http://127.0.0.1", Err: &limiter.DeadlineError{Route: "global", Ready: time.Second}}
	if !err.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v: Timeout() is %v, want true", err, err.Timeout())
	}
}

// TestMaxWait: MaxWait bounds calls without a deadline, and no others.
func TestMaxWait(t *testing.T) {
	cfg := one(1, 1)
	cfg.MaxWait = 3 * time.Second
	onFleets(t, cfg, func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 1)
		var others sync.WaitGroup
		for range 3 {
			others.Go(func() { _ = l.Wait(t.Context(), "global") })
		}
		synctest.Wait()
		begun := time.Now()
		if err := l.Wait(t.Context(), "global"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > cfg.MaxWait {
			t.Errorf("a call without a deadline: %v after %v, want it refused by MaxWait", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, "global"); err != nil {
			t.Errorf("a call with its own deadline: %v, want it served", err)
		}
		others.Wait()
	}, 1)
}

// TestComesUpWithoutRedis: New returns a lazy limiter at once. Until Redis answers, calls return an error or wait. Afterwards the limiter
// works as usual.
func TestComesUpWithoutRedis(t *testing.T) {
	for name, shadow := range map[string]bool{"lazy": false, "shadow": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				m.SetError("LOADING the dataset")
				cfg := one(10, 5)
				cfg.Lazy, cfg.Shadow = !shadow, shadow
				l, err := limiter.New(t.Context(), rdb, cfg)
				if err != nil {
					t.Fatal(err)
				}
				defer closeLimiter(t, l)
				begun := time.Now()
				if ok, err := l.Allow(t.Context(), "global"); ok != shadow || errors.Is(err, limiter.ErrUnavailable) == shadow {
					t.Errorf("Allow without Redis: %v, %v, want ErrUnavailable", ok, err)
				}
				time.AfterFunc(30*time.Second, func() { m.SetError("") })
				err = l.Wait(t.Context(), "global")
				if took := time.Since(begun); err != nil || shadow != (took == 0) || took > 34*time.Second {
					t.Errorf("Wait without Redis for 30 s: %v after %v, want it served then", err, took)
				}
				time.Sleep(time.Minute)
				if s, err := l.Snapshot(t.Context()); err != nil || s.Live != 1 || len(s.Buckets) != 1 {
					t.Errorf("the snapshot afterwards: %+v, %v", s, err)
				}
				if n := allowed(t, l, "global", 10); !shadow && n != 5 {
					t.Errorf("%d of 10 calls were allowed on a burst of 5", n)
				}
			})
		})
	}
}

// TestShadowAtRunTime: shadow mode of the whole fleet can be switched on and off, whatever the configuration of its replicas. After Redis
// has lost its data, the replicas send the mode again.
func TestShadowAtRunTime(t *testing.T) {
	onFleets(t, one(1, 2), func(t *testing.T, fleet []*limiter.Limiter) {
		ctx, last := t.Context(), fleet[len(fleet)-1]
		time.Sleep(time.Minute)
		for _, c := range []struct {
			mode limiter.ShadowMode
			want int
		}{{limiter.ShadowOn, 20}, {limiter.ShadowOff, 2}, {limiter.ShadowOn, 20}, {limiter.ShadowAsConfigured, 2}} {
			if err := fleet[0].ConfigureShadow(ctx, c.mode); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // each replica has the mode, and the bucket is full
			if n := allowed(t, last, "global", 20); n != c.want {
				t.Errorf("mode %v: %d of 20 calls were allowed, want %d", c.mode, n, c.want)
			}
			synctest.Wait()
		}
		if err := fleet[0].ConfigureShadow(ctx, 7); err == nil {
			t.Error("an unknown mode: no error")
		}
	}, 1, 3)
}

// TestCallTimeoutBoundsWhoWantsAnAnswer: a caller that wants an answer at once gets one within CallTimeout, although the client reads
// without a timeout.
func TestCallTimeoutBoundsWhoWantsAnAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(40, 40)
		cfg.CallTimeout = 2 * time.Second
		var delay atomic.Int64
		l := slow(t, cfg, func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		delay.Store(int64(20 * time.Second))
		var all sync.WaitGroup
		for i := range 5 {
			all.Go(func() {
				time.Sleep(time.Duration(i) * 700 * time.Millisecond)
				begun := time.Now()
				_, err := l.Allow(t.Context(), "global")
				if took := time.Since(begun); !errors.Is(err, limiter.ErrUnavailable) || took > cfg.CallTimeout {
					t.Errorf("caller %d: %v after %v", i, err, took)
				}
			})
		}
		all.Wait()
		delay.Store(0)
	})
}

// TestReserveTakesNothingAfterItsDeadline: Reserve returns no reservation that is due after the deadline of the caller, not even one that
// was reserved for a caller without a deadline at the same time.
func TestReserveTakesNothingAfterItsDeadline(t *testing.T) {
	onFleets(t, one(5, 1), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 1)
		var all sync.WaitGroup
		begun := time.Now()
		for range 20 {
			all.Go(func() { // its deadline is before the next token
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if r, err := l.Reserve(ctx, "global"); err == nil {
					t.Errorf("Reserve returned a reservation that is due in %v, after the deadline", r.Due().Sub(begun))
				}
			})
			all.Go(func() {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if took := time.Since(begun); took > 4*time.Second+limiter.DefaultHorizon {
			t.Errorf("20 calls at 5 a second took %v", took)
		}
	}, 1)
}

// TestCallerWhoseReservationIsGone: a caller waits for a reservation of its lane, and another call is refused. Then the route is replaced
// by one whose bucket has no tokens. The caller gets that result, and the limiter continues to work.
func TestCallerWhoseReservationIsGone(t *testing.T) {
	onFleets(t, one(1, 1), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		made := limiter.Bucket{Name: "made", Limits: []limiter.Limit{limiter.PerSecond(5, 1)}}
		if err := l.AddRoute("tenant", made); err != nil {
			t.Fatal(err)
		}
		if err := l.Wait(t.Context(), "tenant"); err != nil {
			t.Fatal(err)
		}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			if err := l.Wait(ctx, "tenant"); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Wait: %v, want the refusal by the new route", err)
			}
		})
		synctest.Wait()
		if ok, err := l.Allow(t.Context(), "tenant"); ok || err != nil {
			t.Errorf("Allow by the new route: %t, %v, want false", ok, err)
		}
		scarce := limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1, Begin: limiter.Empty}
		if err := l.AddRoute("tenant", limiter.Bucket{Name: "scarce", Limits: []limiter.Limit{scarce}}); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Error(err)
		}
	}, 1)
}

// TestBatchWhoseContextEnds: the context of a batch ends while Redis hangs. Other callers do not get that error.
func TestBatchWhoseContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		delay.Store(int64(time.Second))
		limiter.Accustom(l, time.Second)
		var all sync.WaitGroup
		for i := range 60 {
			all.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(1+i%7)*100*time.Millisecond)
				defer cancel()
				if i%3 == 0 {
					if err := l.Wait(t.Context(), "global"); err != nil {
						t.Errorf("a call that waits: %v, want it served", err)
					}
					return
				}
				if rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 1}, limiter.Run{N: 1, Cost: 2}); len(rs) == 0 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a batch whose context ended: %v, want the error of the context", err)
				}
			})
		}
		all.Wait()
		delay.Store(0)
	})
}

// TestDecideBehindALine: RetryAfter includes the callers that already wait.
func TestDecideBehindALine(t *testing.T) {
	onFleets(t, config(map[string][]limiter.Limit{"global": {{Tokens: 60, Per: time.Hour, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { _ = l.Wait(ctx, "global") })
		}
		time.Sleep(time.Second)
		d, err := l.Decide(t.Context(), "global", 1)
		if err != nil || d.OK || d.RetryAfter < 3*time.Minute || d.RetryAfter > 4*time.Minute || d.Bucket != "global" {
			t.Errorf("behind three callers at one a minute: %+v, %v", d, err)
		}
		cancel()
		all.Wait()
	}, 1)
}

// TestCancelledCallOfFiveCostsNothing: a call of five tokens is reserved and cancelled. After that, ten calls of one token take the time
// of ten tokens.
func TestCancelledCallOfFiveCostsNothing(t *testing.T) {
	onFleets(t, one(20, 5), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 5)
		begun := time.Now()
		r, err := l.ReserveN(t.Context(), "global", 5)
		if err != nil {
			t.Fatal(err)
		}
		r.Cancel()
		for range 10 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(begun); (took - 500*time.Millisecond).Abs() > 5*time.Millisecond {
			t.Errorf("ten calls of one token took %v, want 500ms", took)
		}
	}, 1, 2)
}

// TestDecideHearsOfPauses: Decide knows a pause, even in a process whose calls already waited when the pause began.
func TestDecideHearsOfPauses(t *testing.T) {
	onFleets(t, config(map[string][]limiter.Limit{"global": {{Tokens: 7, Per: 3 * time.Second, Burst: 2}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
		l, other := fleet[0], fleet[len(fleet)-1]
		empty(t, l, 2)
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() { _ = l.Wait(ctx, "global") })
		synctest.Wait()
		if err := other.Pause(t.Context(), "global", 17*time.Second); err != nil {
			t.Fatal(err)
		}
		if d, err := l.Decide(t.Context(), "global", 1); err != nil || d.OK || d.RetryAfter < 17*time.Second || d.RetryAfter > 19*time.Second {
			t.Errorf("during a pause of 17 s: %+v, %v", d, err)
		}
		if err := other.Resume(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if d, err := l.Decide(t.Context(), "global", 1); err != nil || d.OK || d.RetryAfter > 2*time.Second {
			t.Errorf("after Resume: %+v, %v", d, err)
		}
		cancel()
		waiting.Wait()
	}, 1, 3)
}

// TestDeadlineIsJudgedThoughOthersWait: the callers of a lane wait, behind calls that other replicas have announced since. The lane
// refuses a deadline that cannot be met at once. A client that asks again after the returned time is served.
func TestDeadlineIsJudgedThoughOthersWait(t *testing.T) {
	onFleets(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: 11 * time.Second, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
		l, other := fleet[0], fleet[len(fleet)-1]
		empty(t, l, 1)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		var waiting sync.WaitGroup
		for _, of := range []*limiter.Limiter{l, other} { // 11 and 22 s
			waiting.Go(func() { _ = of.Wait(ctx, "global") })
			synctest.Wait()
			time.Sleep(50 * time.Millisecond)
		}
		soon, end := context.WithTimeout(ctx, 25*time.Second)
		defer end()
		begun := time.Now()
		err := l.Wait(soon, "global") // 33 s
		if late, ok := errors.AsType[*limiter.DeadlineError](err); !ok || time.Since(begun) > time.Millisecond || late.Ready < 30*time.Second {
			t.Errorf("a deadline in 25 s behind two calls at one in 11 s: %v after %v, want it refused at once", err, time.Since(begun))
		}
		d, err := l.Decide(ctx, "global", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(d.RetryAfter)
		if then, err := l.Decide(ctx, "global", 1); err != nil || !then.OK {
			t.Errorf("RetryAfter was %v; after that time: %+v, %v, want OK", d.RetryAfter, then, err)
		}
		waiting.Wait()
	}, 1, 2)
}

// TestShadowModeIsHeardOfByTheNextCall: a call that learns of shadow mode from its reply starts. So do waiting calls and batches.
func TestShadowModeIsHeardOfByTheNextCall(t *testing.T) {
	for name, call := range map[string]func(ctx context.Context, l *limiter.Limiter) error{
		"Allow": func(ctx context.Context, l *limiter.Limiter) error {
			ok, err := l.Allow(ctx, "global")
			if err == nil && !ok {
				err = errors.New("refused")
			}
			return err
		},
		"Wait": func(ctx context.Context, l *limiter.Limiter) error {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			return l.Wait(ctx, "global")
		},
		"WaitN above the burst": func(ctx context.Context, l *limiter.Limiter) error {
			if _, err := l.Allow(ctx, "global"); err != nil {
				return err
			}
			return l.WaitN(ctx, "global", 5)
		},
		"ReserveBatch": func(ctx context.Context, l *limiter.Limiter) error {
			rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 3})
			if err == nil && len(rs) != 3 {
				err = errors.New("none")
			}
			return err
		},
	} {
		for what, waits := range map[string]bool{"alone": false, "where a call waits": true} {
			t.Run(name+", "+what, func(t *testing.T) {
				onFleets(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Minute, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
					l, other := fleet[0], fleet[len(fleet)-1]
					empty(t, l, 1)
					var waiting sync.WaitGroup
					if waits {
						waiting.Go(func() {
							begun := time.Now()
							if err := l.Wait(t.Context(), "global"); err != nil || time.Since(begun) > 6*time.Second {
								t.Errorf("a waiting call: %v after %v", err, time.Since(begun))
							}
						})
						synctest.Wait()
					}
					if err := other.ConfigureShadow(t.Context(), limiter.ShadowOn); err != nil {
						t.Fatal(err)
					}
					if waits && name == "ReserveBatch" {
						time.Sleep(6 * time.Second) // a scheduler asks again at the returned time, within 5 s
					}
					if err := call(t.Context(), l); err != nil {
						t.Error(err)
					}
					waiting.Wait()
				}, 1, 2)
			})
		}
	}
}
