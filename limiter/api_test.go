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

// TestDecide: what a server tells its clients, on limits of all kinds, in memory and on Redis: OK while there are tokens, how many are
// left of the limit that is nearest to its end, and then a time after which a call is let through.
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
			crews(t, config(map[string][]limiter.Limit{"global": c.limits}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
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

// TestHandle: a route by its name has the verbs of the limiter, and a wrong name is refused there.
func TestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.SingleBucket("spotify", limiter.PerSecond(10, 10)))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		if _, err := l.Route("spotifi"); !isUnknown(err) {
			t.Errorf("a wrong name: %v", err)
		}
		r, err := l.Route("spotify")
		if err != nil || r.Name() != "spotify" {
			t.Fatal(r.Name(), err)
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
			t.Error(ok1, ok2, d, err, err1, err2)
		}
		if rs, again, err := r.ReserveBatch(ctx, limiter.Run{N: 1}); len(rs) != 1 || !again.Again.IsZero() || err != nil {
			t.Error(len(rs), again, err)
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
				t.Errorf("a route that was removed: %v", err)
			}
			if err := l.AddRoute("made", limiter.Bucket{Name: "spotify"}); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestBatchOfRuns: the runs of one batch have their costs and ages: the oldest comes first, in this process and across replicas.
func TestBatchOfRuns(t *testing.T) {
	crews(t, one(10, 10), func(t *testing.T, fleet []*limiter.Limiter) {
		ctx, l, other := t.Context(), fleet[0], fleet[len(fleet)-1]
		rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 2, Cost: 3}, limiter.Run{N: 4}, limiter.Run{N: 3, Urgent: true})
		costs := map[int64]int{}
		for i, r := range rs {
			costs[r.Cost()]++
			if i > 0 && r.Due().Before(rs[i-1].Due()) {
				t.Error("not by due time")
			}
		}
		if err != nil || costs[3] != 2 || costs[1] < 4 || costs[1] > 6 {
			t.Errorf("%v, %v", costs, err)
		}
		// Who came first is served first, though it asks last.
		empty(t, l, 10)
		young, again, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 1, Cost: 10})
		if err != nil || len(young) > 0 || again.Again.IsZero() {
			t.Fatal(len(young), again, err)
		}
		old, _, err := other.ReserveBatch(ctx, "global", limiter.Run{N: 1, Cost: 10, Since: time.Now().Add(-time.Minute)})
		if err != nil || len(old) > 0 {
			t.Fatal(len(old), err)
		}
		if len(fleet) == 1 {
			return // both are of one lane
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
			t.Errorf("served in the order %v", served)
		}
	}, 1, 2)
}

// TestReserveBatchWithADeadline: a deadline does not change the answer.
func TestReserveBatchWithADeadline(t *testing.T) {
	crews(t, one(1, 1), func(t *testing.T, fleet []*limiter.Limiter) {
		empty(t, fleet[0], 1)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		rs, again, err := fleet[0].ReserveBatch(ctx, "global", limiter.Run{N: 2})
		if err != nil || len(rs) > 0 || time.Until(again.Again) < 100*time.Millisecond {
			t.Errorf("%d reservations, come back in %v, %v", len(rs), time.Until(again.Again), err)
		}
	}, 1)
}

// TestReservationOfSeveralServesCallersOfOne: what a call of several tokens gives up serves calls of fewer, and nothing is wasted.
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
			crews(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
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
					t.Errorf("the last of %d calls of one started %v after the reservation that was given up was due", c.cost, last.Sub(due))
				}
			}, 1)
		})
	}
}

// TestDeadlineErrorIsATimeout: also through an error of net/url, as an HTTP client returns it.
func TestDeadlineErrorIsATimeout(t *testing.T) {
	err := &url.Error{Op: "Get", URL: "http://127.0.0.1", Err: &limiter.DeadlineError{Route: "global", Ready: time.Second}}
	if !err.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v: Timeout %v", err, err.Timeout())
	}
}

// TestMaxWait bounds calls without a deadline, and no others.
func TestMaxWait(t *testing.T) {
	cfg := one(1, 1)
	cfg.MaxWait = 3 * time.Second
	crews(t, cfg, func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 1)
		var others sync.WaitGroup
		for range 3 {
			others.Go(func() { _ = l.Wait(t.Context(), "global") })
		}
		synctest.Wait()
		begun := time.Now()
		if err := l.Wait(t.Context(), "global"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) > cfg.MaxWait {
			t.Errorf("without a deadline: %v after %v", err, time.Since(begun))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(ctx, "global"); err != nil {
			t.Errorf("with a deadline of its own: %v", err)
		}
		others.Wait()
	}, 1)
}

// TestComesUpWithoutRedis: a lazy limiter is there at once; its calls say that Redis does not answer, or wait; and all is well when Redis
// comes.
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
					t.Errorf("Allow: %v, %v", ok, err)
				}
				time.AfterFunc(30*time.Second, func() { m.SetError("") })
				err = l.Wait(t.Context(), "global")
				if took := time.Since(begun); err != nil || shadow != (took == 0) || took > 34*time.Second {
					t.Errorf("Wait: %v after %v", err, took)
				}
				time.Sleep(time.Minute)
				if s, err := l.Snapshot(t.Context()); err != nil || s.Live != 1 || len(s.Buckets) != 1 {
					t.Errorf("the snapshot: %+v, %v", s, err)
				}
				if n := allowed(t, l, "global", 10); !shadow && n != 5 {
					t.Errorf("%d of 10 on a burst of 5", n)
				}
			})
		})
	}
}

// TestShadowAtRunTime: the whole fleet begins to pretend, and ends, whatever its replicas were configured with; a lost memory is told
// again.
func TestShadowAtRunTime(t *testing.T) {
	crews(t, one(1, 2), func(t *testing.T, fleet []*limiter.Limiter) {
		ctx, last := t.Context(), fleet[len(fleet)-1]
		time.Sleep(time.Minute)
		for _, c := range []struct {
			mode limiter.ShadowMode
			want int
		}{{limiter.ShadowOn, 20}, {limiter.ShadowOff, 2}, {limiter.ShadowOn, 20}, {limiter.ShadowAsConfigured, 2}} {
			if err := fleet[0].ConfigureShadow(ctx, c.mode); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute) // each hears of it, and the bucket is full
			if n := allowed(t, last, "global", 20); n != c.want {
				t.Errorf("mode %v: %d of 20, want %d", c.mode, n, c.want)
			}
			synctest.Wait()
		}
		if err := fleet[0].ConfigureShadow(ctx, 7); err == nil {
			t.Error("a mode that there is not")
		}
	}, 1, 3)
}

// TestCallTimeoutBoundsWhoWantsAnAnswer: though the client reads without end.
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

// TestReserveTakesNothingAfterItsDeadline: of what was reserved for a patient caller at the same time, either.
func TestReserveTakesNothingAfterItsDeadline(t *testing.T) {
	crews(t, one(5, 1), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		empty(t, l, 1)
		var all sync.WaitGroup
		begun := time.Now()
		for range 20 {
			all.Go(func() { // its deadline is before the next token
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
				defer cancel()
				if r, err := l.Reserve(ctx, "global"); err == nil {
					t.Errorf("a reservation that is due in %v", r.Due().Sub(begun))
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

// TestCallerWhoseReservationIsGone: a caller waits for a reservation of its lane; a call comes that is refused; and then another route of
// the same name has a bucket without tokens. The caller is told so, and the limiter goes on.
func TestCallerWhoseReservationIsGone(t *testing.T) {
	crews(t, one(1, 1), func(t *testing.T, fleet []*limiter.Limiter) {
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
				t.Errorf("Wait: %v", err)
			}
		})
		synctest.Wait()
		if ok, err := l.Allow(t.Context(), "tenant"); ok || err != nil {
			t.Error(ok, err)
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

// TestBatchWhoseContextEnds: while Redis hangs; who comes next is not told of it.
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
						t.Errorf("who waits: %v", err)
					}
					return
				}
				if rs, _, err := l.ReserveBatch(ctx, "global", limiter.Run{N: 1}, limiter.Run{N: 1, Cost: 2}); len(rs) == 0 && !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a batch whose context ended: %v", err)
				}
			})
		}
		all.Wait()
		delay.Store(0)
	})
}

// TestDecideBehindALine: the time after which a call could start counts those who wait.
func TestDecideBehindALine(t *testing.T) {
	crews(t, config(map[string][]limiter.Limit{"global": {{Tokens: 60, Per: time.Hour, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
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
			t.Errorf("behind three at one a minute: %+v, %v", d, err)
		}
		cancel()
		all.Wait()
	}, 1)
}

// TestCancelledCallOfFiveCostsNothing: ten calls of one token, after a call of five was reserved and given up, take the time of ten tokens.
func TestCancelledCallOfFiveCostsNothing(t *testing.T) {
	crews(t, one(20, 5), func(t *testing.T, fleet []*limiter.Limiter) {
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
			t.Errorf("ten calls took %v, want 500ms", took)
		}
	}, 1, 2)
}

// TestDecideHearsOfPauses: also in the process whose calls wait already, and behind which a pause began.
func TestDecideHearsOfPauses(t *testing.T) {
	crews(t, config(map[string][]limiter.Limit{"global": {{Tokens: 7, Per: 3 * time.Second, Burst: 2}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
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
			t.Errorf("paused for 17 s: %+v, %v", d, err)
		}
		if err := other.Resume(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if d, err := l.Decide(t.Context(), "global", 1); err != nil || d.OK || d.RetryAfter > 2*time.Second {
			t.Errorf("resumed: %+v, %v", d, err)
		}
		cancel()
		waiting.Wait()
	}, 1, 3)
}

// TestDeadlineIsJudgedThoughOthersWait: a deadline that cannot be met is refused at once by a lane that waits itself, behind calls that other
// replicas have announced since; and then a client that comes when it was told is let through.
func TestDeadlineIsJudgedThoughOthersWait(t *testing.T) {
	crews(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: 11 * time.Second, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
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
			t.Errorf("a deadline in 25 s behind two calls at one in 11 s: %v after %v", err, time.Since(begun))
		}
		d, err := l.Decide(ctx, "global", 1)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(d.RetryAfter)
		if then, err := l.Decide(ctx, "global", 1); err != nil || !then.OK {
			t.Errorf("told %v; then %+v, %v", d.RetryAfter, then, err)
		}
		waiting.Wait()
	}, 1, 2)
}

// TestShadowModeIsHeardOfByTheNextCall: a call that finds out on the way starts, and so do calls that wait and batches.
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
				crews(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Minute, Burst: 1}}}, nil), func(t *testing.T, fleet []*limiter.Limiter) {
					l, other := fleet[0], fleet[len(fleet)-1]
					empty(t, l, 1)
					var waiting sync.WaitGroup
					if waits {
						waiting.Go(func() {
							begun := time.Now()
							if err := l.Wait(t.Context(), "global"); err != nil || time.Since(begun) > 6*time.Second {
								t.Errorf("a call that waits: %v after %v", err, time.Since(begun))
							}
						})
						synctest.Wait()
					}
					if err := other.ConfigureShadow(t.Context(), limiter.ShadowOn); err != nil {
						t.Fatal(err)
					}
					if waits && name == "ReserveBatch" {
						time.Sleep(6 * time.Second) // a scheduler is told when to come back, which is within 5 s
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
