package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// Each scenario here covers a defect that was measured in another rate limiter. The comment of the scenario names that
// limiter and the defect.

// allowed calls Allow n times at one moment, and returns how many calls may start.
func allowed(t *testing.T, l *limiter.Limiter, route string, n int) (count int) {
	t.Helper()
	for range n {
		ok, err := l.Allow(t.Context(), route)
		if err != nil {
			t.Fatal(err)
		}
		if ok {
			count++
		}
	}
	return count
}

// tokens returns the number of tokens of a bucket.
func tokens(t *testing.T, l *limiter.Limiter, bucket string) float64 {
	t.Helper()
	s, err := l.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range s.Buckets {
		if b.Bucket == bucket {
			return b.Tokens
		}
	}
	t.Fatalf("no bucket %s in %+v", bucket, s.Buckets)
	return 0
}

// startsOf makes n calls one after the other, and returns when they started.
func startsOf(t *testing.T, l *limiter.Limiter, n int) []time.Time {
	t.Helper()
	var starts []time.Time
	for range n {
		startOf(t, l, "global", time.Now())
		starts = append(starts, time.Now())
	}
	return starts
}

// only returns a configuration of one limit.
func only(limit limiter.Limit) limiter.Config {
	return config(map[string][]limiter.Limit{"global": {limit}}, nil)
}

// TestDefectsOfPeers has the scenarios of one process, for the limiter on Redis and the one in memory.
func TestDefectsOfPeers(t *testing.T) {
	for _, s := range []struct {
		name string
		cfg  limiter.Config
		test func(t *testing.T, l *limiter.Limiter)
	}{
		// redis_rate: AllowAtMost charges the available fraction of a token although it grants nothing; it granted 34 of 50
		// in 5 s.
		{"asking often loses no fraction of a token", one(10, 10), func(t *testing.T, l *limiter.Limiter) {
			if n := allowed(t, l, "global", 20); n != 10 {
				t.Fatalf("%d at once, want 10", n)
			}
			got := 0
			for range 167 {
				time.Sleep(30 * time.Millisecond)
				got += allowed(t, l, "global", 1)
			}
			if got != 50 {
				t.Errorf("%d in 5.01 s at 10 a second, want 50", got)
			}
		}},
		// rueidislimiter: after 38 of 40 tokens it charges a refused call of 5, and then refuses a call of 2 that would fit.
		// Upstash charges each refused weighted call.
		{"a refused call costs nothing", one(40, 40), func(t *testing.T, l *limiter.Limiter) {
			try := func(n int64, want bool) {
				t.Helper()
				if ok, err := l.AllowN(t.Context(), "global", n); ok != want || err != nil {
					t.Errorf("a call of %d tokens: %v, %v, want %v", n, ok, err, want)
				}
			}
			try(38, true)
			for range 10 {
				try(5, false)
			}
			soon, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
			defer cancel()
			for range 10 {
				if err := l.WaitN(soon, "global", 5); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a call of 5 tokens with a deadline in 10ms: %v, want it refused", err)
				}
			}
			try(2, true)
			try(1, false)
			begin := time.Now()
			if err := l.WaitN(t.Context(), "global", 5); err != nil || time.Since(begin).Round(time.Millisecond) != 125*time.Millisecond {
				t.Errorf("a call of 5 tokens on an empty bucket started after %v, %v, want 125ms", time.Since(begin), err)
			}
		}},
		// ulule and envoy count by windows that begin with the clock or with the first call, failsafe-go's bursty limiter by
		// periods, BullMQ by a key's time to live: 79 or 80 of 40 a second started within 150 ms around an edge.
		{"no edge of a second doubles a bucket", one(40, 40), edge(46)},
		{"no edge of a second doubles a small burst", one(30, 10), edge(14)},
		{"no edge of a second doubles a window", only(limiter.PerWindow(40, time.Second)), edge(40)},
		// throttled: 200 goroutines of 20 calls on one key got errors for 83 % of them, its compare-and-swap was tried in
		// vain. bucket4j: 45 rounds of it for one call.
		{"a hot key gives no errors", one(100, 100), func(t *testing.T, l *limiter.Limiter) {
			var got, failed atomic.Int64
			var all sync.WaitGroup
			for range 200 {
				all.Go(func() {
					for range 20 {
						switch ok, err := l.Allow(t.Context(), "global"); {
						case err != nil:
							failed.Add(1)
						case ok:
							got.Add(1)
						}
					}
				})
			}
			all.Wait()
			if got.Load() != 100 || failed.Load() != 0 {
				t.Errorf("%d of 4000 calls allowed, %d errors, want 100 and none", got.Load(), failed.Load())
			}
		}},
		// throttled: it cuts the time to live in Redis to whole seconds; it granted 80 calls, and 80 again 1.05 s later.
		{"state outlives the second it was written in", one(40, 80), func(t *testing.T, l *limiter.Limiter) {
			first := allowed(t, l, "global", 100)
			time.Sleep(1050 * time.Millisecond)
			if second := allowed(t, l, "global", 100); first != 80 || second != 42 {
				t.Errorf("%d at once and %d after 1.05 s, want 80 and 42", first, second)
			}
		}},
		// go-redisstore: an interval below a second expires at once; it granted 100 of 100.
		{"a period below a second limits", only(limiter.Limit{Tokens: 2, Per: 100 * time.Millisecond, Burst: 2}), fiveTimesTwo},
		{"a window below a second limits", only(limiter.PerWindow(2, 100*time.Millisecond)), fiveTimesTwo},
		// x/time/rate: after 20 reservations were cancelled in the order in which they were made, the next call waited for
		// 2.0 s; in the opposite order it waited for 1.6 s.
		{"cancelling first to last restores the budget", farAhead(), cancelled(func([]*limiter.Reservation) {})},
		{"cancelling last to first restores the budget", farAhead(), cancelled(slices.Reverse[[]*limiter.Reservation])},
		// failsafe-go: 20 cancelled acquires keep their permits; the next call waited for 2.08 s.
		{"a wait that is cancelled restores the budget", one(10, 1), func(t *testing.T, l *limiter.Limiter) {
			startOf(t, l, "global", time.Now())
			begin := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			for range 20 {
				all.Go(func() {
					if err := l.Wait(ctx, "global"); !errors.Is(err, context.Canceled) {
						t.Errorf("a cancelled call: %v", err)
					}
				})
			}
			time.Sleep(10 * time.Millisecond)
			cancel()
			all.Wait()
			if took := startOf(t, l, "global", begin); took != 100*time.Millisecond {
				t.Errorf("the next call started after %v, want 100ms", took)
			}
		}},
		// uber-go/ratelimit saves up more slack than expected, and in one release without a bound; gubernator's token bucket
		// is a window that is reset.
		{"idle time is worth the burst and no more", one(10, 5), func(t *testing.T, l *limiter.Limiter) {
			time.Sleep(time.Hour)
			starts := startsOf(t, l, 20)
			if err := limitertest.Law(starts, limiter.PerSecond(10, 5), time.Microsecond); err != nil {
				t.Error(err)
			}
			if took := starts[19].Sub(starts[0]).Round(time.Millisecond); took != 1500*time.Millisecond {
				t.Errorf("20 calls on a bucket with 5 tokens and 10 a second took %v, want 1.5s", took)
			}
		}},
		// sourcegraph counts and waits in whole seconds, and redis-cell rounds the waiting time up to a second: both are
		// useless at 40 a second.
		{"waits are exact to the millisecond", one(40, 1), exactWaits(25 * time.Millisecond)},
		{"waits of no whole millisecond are exact too", one(3, 1), exactWaits(333333333 * time.Nanosecond)},
		// gubernator's leaky bucket counts in floating-point milliseconds; sourcegraph divides a rate per hour by 3600, which
		// gives 0 for a rate below that.
		{"a rate of no whole interval does not drift", one(7, 1), func(t *testing.T, l *limiter.Limiter) {
			starts := startsOf(t, l, 701)
			if took := starts[700].Sub(starts[0]).Round(time.Millisecond); took != 100*time.Second {
				t.Errorf("700 calls at 7 a second took %v, want 100s", took)
			}
		}},
		{"a rate below one a second is one", only(limiter.Limit{Tokens: 3000, Per: time.Hour, Burst: 1}), func(t *testing.T, l *limiter.Limiter) {
			starts := startsOf(t, l, 101)
			if took := starts[100].Sub(starts[0]).Round(time.Millisecond); took != 2*time.Minute {
				t.Errorf("100 calls at 3000 an hour took %v, want 2m", took)
			}
		}},
		// self-limiters: the state is forgotten after 30 s, even if reservations are due later.
		{"one a minute is remembered for a minute", only(limiter.Limit{Tokens: 1, Per: time.Minute, Burst: 1}), func(t *testing.T, l *limiter.Limiter) {
			time.Sleep(10 * time.Minute)
			begin := time.Now()
			if first, second := startOf(t, l, "global", begin), startOf(t, l, "global", begin); first != 0 || second != time.Minute {
				t.Errorf("started after %v and %v, want 0s and 1m", first, second)
			}
			time.Sleep(45 * time.Second)
			if n := allowed(t, l, "global", 5); n != 0 {
				t.Errorf("%d calls were allowed after 45 s, want none", n)
			}
			if third := startOf(t, l, "global", begin); third != 2*time.Minute {
				t.Errorf("the third started after %v, want 2m", third)
			}
		}},
		// redis_rate: for a call that costs more than the burst it returns a time to retry, although the call can never
		// start. A retry loop never ends.
		{"a call that can never start gets an error", one(10, 5), func(t *testing.T, l *limiter.Limiter) {
			begin := time.Now()
			if err := l.WaitN(t.Context(), "global", 6); !isExceedsBurst(err) || time.Since(begin) != 0 {
				t.Errorf("a call of 6 tokens on a burst of 5: %v after %v", err, time.Since(begin))
			}
			if n := tokens(t, l, "global"); n != 5 {
				t.Errorf("the bucket has %v tokens, want all 5", n)
			}
		}},
		// Bottleneck and Redisson unpack as many values as they have callers, and a script cannot unpack more than some
		// thousands.
		{"no number of callers is too large for a script", one(10_000, 20_000), func(t *testing.T, l *limiter.Limiter) {
			rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1_000_000})
			if len(rs) == 0 || err != nil {
				t.Errorf("a batch of a million calls: %d reservations, %v", len(rs), err)
			}
			var all sync.WaitGroup
			for range 5000 {
				all.Go(func() { startOf(t, l, "global", time.Now()) })
			}
			all.Wait()
		}},
		// PyrateLimiter sleeps while it holds its lock, and Sidekiq's nested limiters hold a thread each: one waiting key
		// stops all others.
		{"a throttled route delays no other", twoRoutes(), func(t *testing.T, l *limiter.Limiter) {
			startOf(t, l, "scarce", time.Now())
			time.Sleep(2 * time.Second)
			ctx, cancel := context.WithCancel(t.Context())
			var waiting sync.WaitGroup
			for range 10 {
				waiting.Go(func() {
					if err := l.Wait(ctx, "scarce"); !errors.Is(err, context.Canceled) {
						t.Errorf("a call in line for minutes: %v", err)
					}
				})
			}
			time.Sleep(time.Second)
			begin := time.Now()
			for i := range 40 {
				if took := startOf(t, l, "plenty", begin); took != 0 {
					t.Errorf("call %d of another route started after %v", i, took)
					break
				}
			}
			cancel()
			waiting.Wait()
		}},
		// envoy counts each descriptor separately, and redis_rate has no call for several limits: a call that one limit
		// refuses is still charged to the others.
		{"a call that one bucket refuses is charged to none", twoRoutes(), func(t *testing.T, l *limiter.Limiter) {
			time.Sleep(time.Minute) // until the bucket of one a minute is full, too
			if n := allowed(t, l, "scarce", 50); n != 1 {
				t.Errorf("%d of 50 calls were allowed by a bucket of one", n)
			}
			if n := tokens(t, l, "global"); n != 39 {
				t.Errorf("after one call, and 49 that the other bucket refused, the shared bucket of 40 has %v tokens, want 39", n)
			}
			time.Sleep(time.Minute)
			if n := allowed(t, l, "plenty", 100); n != 40 {
				t.Fatalf("%d of 100 calls were allowed by a bucket of 40", n)
			}
			if n := allowed(t, l, "scarce", 50); n != 0 || tokens(t, l, "scarce") != 1 {
				t.Errorf("%d calls were allowed and the scarce bucket has %v tokens, want 0 and 1", n, tokens(t, l, "scarce"))
			}
		}},
		// x/time/rate: SetLimit does not wake sleeping callers. Temporal had to cut due times that a slower rate had set far
		// ahead.
		{"a faster rate is for those who wait already", only(limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1}), func(t *testing.T, l *limiter.Limiter) {
			time.Sleep(2 * time.Hour)
			startOf(t, l, "global", time.Now())
			begin := time.Now()
			var waiting sync.WaitGroup
			for range 5 {
				waiting.Go(func() {
					if took := startOf(t, l, "global", begin); took > 16*time.Second {
						t.Errorf("a call in line started after %v", took)
					}
				})
			}
			time.Sleep(10 * time.Second)
			if err := l.Configure(t.Context(), "global", limiter.Limit{Tokens: 40 * 3600, Per: time.Hour, Burst: 1}); err != nil {
				t.Fatal(err)
			}
			waiting.Wait()
		}},
		{"a slower rate is for those who wait already", one(10, 1), func(t *testing.T, l *limiter.Limiter) {
			var mu sync.Mutex
			var starts []time.Time
			var waiting sync.WaitGroup
			for range 20 {
				waiting.Go(func() {
					startOf(t, l, "global", time.Now())
					mu.Lock()
					defer mu.Unlock()
					starts = append(starts, time.Now())
				})
			}
			time.Sleep(550 * time.Millisecond)
			if err := l.Configure(t.Context(), "global", limiter.PerSecond(1, 1)); err != nil {
				t.Fatal(err)
			}
			changed := time.Now().Add(limiter.DefaultHorizon) // existing reservations remain valid
			waiting.Wait()
			slices.SortFunc(starts, time.Time.Compare)
			after := slices.IndexFunc(starts, func(s time.Time) bool { return s.After(changed) })
			if after < 6 || after > 9 {
				t.Errorf("%d of 20 calls started up to a horizon after the change, want 6 and the reserved ones", after)
			}
			if err := limitertest.Law(starts[after-1:], limiter.PerSecond(1, 1), time.Millisecond); err != nil {
				t.Error(err)
			}
		}},
		// Redisson: setRate fills the bucket again. Bottleneck: updateSettings overwrites the time at which it refills.
		{"a slower rate keeps the number of tokens", one(40, 100), keepsTokens(10, 20)},
		{"a faster rate keeps the number of tokens", one(10, 100), keepsTokens(40, 52)},
		{"a rate that is set again and again adds no tokens", one(40, 40), func(t *testing.T, l *limiter.Limiter) {
			got := allowed(t, l, "global", 30)
			for i := range int64(20) {
				if err := l.Configure(t.Context(), "global", limiter.PerSecond(10+i, 40)); err != nil {
					t.Fatal(err)
				}
				got += allowed(t, l, "global", 1)
			}
			if got != 40 {
				t.Errorf("%d calls were allowed at one moment, want the burst of 40", got)
			}
		}},
		// mennanov/limiters leaves goroutines behind when a context ends, and they write their state later. A bubble does not
		// end while such goroutines run.
		{"who is cancelled returns at once and leaves nothing", one(10, 1), func(t *testing.T, l *limiter.Limiter) {
			startOf(t, l, "global", time.Now())
			ctx, cancel := context.WithCancel(t.Context())
			var all sync.WaitGroup
			var started atomic.Int64
			for range 100 {
				all.Go(func() {
					switch err := l.Wait(ctx, "global"); {
					case err == nil:
						started.Add(1)
					case !errors.Is(err, context.Canceled):
						t.Error(err)
					}
				})
			}
			time.Sleep(1050 * time.Millisecond)
			cancel()
			moment := time.Now()
			all.Wait()
			if took := time.Since(moment); took != 0 || started.Load() != 10 {
				t.Errorf("%d calls started in 1.05 s, the others returned %v after the end; want 10, and at once", started.Load(), took)
			}
			if took := startOf(t, l, "global", moment); took > limiter.DefaultHorizon+100*time.Millisecond {
				t.Errorf("the next call started after %v", took)
			}
			time.Sleep(time.Minute)
			if s, err := l.Snapshot(t.Context()); err != nil || s.Buckets[0].Tokens != 1 || s.Buckets[0].Waiting != 0 {
				t.Errorf("a minute later: %+v, %v", s.Buckets, err)
			}
		}},
		// Bottleneck: a process that was stopped for 2 s started 12 calls within 10 ms after that, and 53 within a second.
		{"a reservation that is used late does not fire", one(40, 20), func(t *testing.T, l *limiter.Limiter) {
			rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 30})
			if len(rs) != 30 || err != nil {
				t.Fatalf("%d of 30 reservations, %v", len(rs), err)
			}
			time.Sleep(3 * time.Second)
			for i, r := range rs {
				if r.Use("global") {
					t.Errorf("reservation %d was used 3 s later", i)
				}
				r.Cancel() // too late to return anything
			}
			if n := allowed(t, l, "global", 100); n != 20 {
				t.Errorf("%d calls were allowed after that, want the burst of 20", n)
			}
		}},
	} {
		t.Run(s.name, func(t *testing.T) { both(t, s.cfg, s.test) })
	}
}

// edge makes one call at the beginning of a second, takes all tokens just before its end, and again 150 ms later. It checks
// that want calls started in these 150 ms.
func edge(want int) func(t *testing.T, l *limiter.Limiter) {
	return func(t *testing.T, l *limiter.Limiter) {
		cfg, err := l.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
		var starts []time.Time
		ask := func(n int) (got int) {
			got = allowed(t, l, "global", n)
			starts = append(starts, slices.Repeat([]time.Time{time.Now()}, got)...)
			return got
		}
		ask(1)
		time.Sleep(950 * time.Millisecond)
		got := ask(100)
		time.Sleep(150 * time.Millisecond)
		got += ask(100)
		if got != want {
			t.Errorf("%d calls started within 150 ms, want %d", got, want)
		}
		for range 100 {
			time.Sleep(37 * time.Millisecond)
			ask(5)
		}
		if err := limitertest.Law(starts, cfg.Buckets[0].Limit, time.Microsecond); err != nil {
			t.Error(err)
		}
	}
}

// fiveTimesTwo asks for far more than two calls in each of five periods of 100 ms, and checks that two start.
func fiveTimesTwo(t *testing.T, l *limiter.Limiter) {
	for i := range 5 {
		if n := allowed(t, l, "global", 100); n != 2 {
			t.Errorf("%d of 100 calls were allowed in period %d, want 2", n, i)
		}
		time.Sleep(99 * time.Millisecond)
		if n := allowed(t, l, "global", 100); n > 1 {
			t.Errorf("%d more calls were allowed within period %d", n, i)
		}
		time.Sleep(101 * time.Millisecond)
	}
}

// keepsTokens sets another rate when 10 tokens are left, and checks that want calls are allowed 1.05 s later.
func keepsTokens(rate int64, want int) func(t *testing.T, l *limiter.Limiter) {
	return func(t *testing.T, l *limiter.Limiter) {
		time.Sleep(time.Minute) // until the bucket of 100 is full at either rate
		if n := allowed(t, l, "global", 90); n != 90 {
			t.Fatalf("%d of 90 calls were allowed", n)
		}
		if err := l.Configure(t.Context(), "global", limiter.PerSecond(rate, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(1050 * time.Millisecond)
		if n := allowed(t, l, "global", 200); n != want {
			t.Errorf("%d calls were allowed 1.05 s after %d a second came into force with 10 tokens left, want %d", n, rate, want)
		}
	}
}

// farAhead returns a configuration that allows 20 outstanding reservations, 100 ms apart.
func farAhead() limiter.Config {
	cfg := one(10, 1)
	cfg.Horizon = 3 * time.Second
	return cfg
}

// cancelled makes 20 reservations and cancels them in an order, each twice. It checks that other calls start in their places.
func cancelled(order func([]*limiter.Reservation)) func(t *testing.T, l *limiter.Limiter) {
	return func(t *testing.T, l *limiter.Limiter) {
		begin := time.Now()
		cancelTwenty(t, l, order)
		starts := startsOf(t, l, 30)
		for i, s := range starts {
			if at := s.Sub(begin); at > time.Duration(i+1)*100*time.Millisecond {
				t.Errorf("call %d after the cancelled ones started after %v", i, at)
				break
			}
		}
		if err := limitertest.Law(starts, limiter.PerSecond(10, 1), time.Millisecond); err != nil {
			t.Error(err)
		}
	}
}

func cancelTwenty(t *testing.T, l *limiter.Limiter, order func([]*limiter.Reservation)) {
	t.Helper()
	var rs []*limiter.Reservation
	for range 20 {
		r, err := l.Reserve(t.Context(), "global")
		if err != nil {
			t.Fatal(err)
		}
		rs = append(rs, r)
	}
	if last := rs[19].Delay().Round(time.Millisecond); last != 1900*time.Millisecond {
		t.Fatalf("the last of 20 is due in %v, want 1.9s", last)
	}
	order(rs)
	for _, r := range rs {
		r.Cancel()
		r.Cancel()
	}
	synctest.Wait()
}

// exactWaits checks three times against the interval: a wait, the time in the error of a refused call, and a wait that ends
// just before its deadline.
func exactWaits(interval time.Duration) func(t *testing.T, l *limiter.Limiter) {
	return func(t *testing.T, l *limiter.Limiter) {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(1234567 * time.Microsecond))) // in the middle of a second
		begin := time.Now()
		for i := range 5 {
			if got, want := startOf(t, l, "global", begin), (time.Duration(i) * interval).Round(time.Millisecond); got != want {
				t.Errorf("call %d started after %v, want %v", i, got, want)
			}
		}
		early, cancel := context.WithTimeout(t.Context(), interval-time.Millisecond)
		defer cancel()
		asked := time.Now()
		err := l.Wait(early, "global")
		if e, ok := errors.AsType[*limiter.DeadlineError](err); !ok || (e.Ready-interval).Abs() > time.Millisecond || time.Since(asked) != 0 {
			t.Errorf("a deadline a millisecond too early: %v after %v, want an error with %v at once", err, time.Since(asked), interval)
		}
		enough, cancel := context.WithTimeout(t.Context(), interval+time.Millisecond)
		defer cancel()
		if err := l.Wait(enough, "global"); err != nil {
			t.Errorf("a deadline a millisecond after the interval: %v", err)
		}
	}
}

// twoRoutes returns two routes: a bucket of one a minute and one of 40 a second, each before a shared bucket.
func twoRoutes() limiter.Config {
	return config(map[string][]limiter.Limit{
		"scarce": {{Tokens: 1, Per: time.Minute, Burst: 1}}, "plenty": {limiter.PerSecond(40, 40)}, "global": {limiter.PerSecond(40, 40)},
	}, map[string][]string{"scarce": {"scarce", "global"}, "plenty": {"plenty", "global"}})
}

// fleetOf starts replicas that share a server, with full buckets.
func fleetOf(t *testing.T, m *miniredis.Miniredis, n int, cfg limiter.Config) []*limiter.Limiter {
	t.Helper()
	fleet := make([]*limiter.Limiter, n)
	for i := range fleet {
		l, _ := member(t, limitertest.Options(m), cfg)
		t.Cleanup(func() { closeLimiter(t, l) })
		fleet[i] = l
	}
	time.Sleep(time.Minute)
	return fleet
}

// TestDefectsOfPeersInAFleet has the scenarios of several replicas that share a Redis.
func TestDefectsOfPeersInAFleet(t *testing.T) {
	for _, s := range []struct {
		name string
		test func(t *testing.T, m *miniredis.Miniredis)
	}{
		// rueidislimiter: a caller whose clock was 2.5 s behind got 200 of 200. sourcegraph and go-zero also use the callers'
		// clocks: 120 of 40.
		{"the clock of a caller is not asked", func(t *testing.T, m *miniredis.Miniredis) {
			const steady = 5 * time.Second // for a while, a step of the server's clock looks like varying times of replies
			zero := time.Now()
			m.SetTime(zero)
			limit := limiter.Limit{Tokens: 10, Per: time.Second, Burst: 20, Begin: limiter.Empty}
			l, _ := member(t, limitertest.Options(m), config(map[string][]limiter.Limit{"global": {limit}}, nil))
			defer closeLimiter(t, l)
			if n := allowed(t, l, "global", 10); n != 0 {
				t.Errorf("a new bucket admitted %d calls", n)
			}
			m.SetTime(zero.Add(time.Minute))
			time.Sleep(steady)
			if n := allowed(t, l, "global", 200); n != 20 {
				t.Errorf("%d of 200 calls were allowed, want the burst of 20", n)
			}
			more := 0
			for range 60 {
				time.Sleep(time.Minute)
				more += allowed(t, l, "global", 10)
			}
			if more != 0 {
				t.Errorf("an hour on the caller's clock admitted %d calls, want none", more)
			}
			m.SetTime(zero.Add(time.Minute + time.Second))
			time.Sleep(steady)
			if n := allowed(t, l, "global", 200); n != 10 {
				t.Errorf("a second on the server's clock admitted %d calls, want 10", n)
			}
		}},
		// go-zero: with a burst below half the rate its script always fails, and each process limits alone. vearne refills
		// twice: 295 of at most 240 in 5 s. mennanov/limiters without its locks granted 2679 of 200 to 16 replicas.
		{"a burst far below the rate is kept by the fleet", keptByAFleet(2, 0.95, limiter.PerSecond(40, 10))},
		{"a burst of one is kept by the fleet", keptByAFleet(4, 0.85, limiter.PerSecond(40, 1))},
		{"a bucket of a second is kept by the fleet", keptByAFleet(4, 0.95, limiter.PerSecond(40, 40))},
		{"a window is kept by the fleet", keptByAFleet(4, 0.95, limiter.PerWindow(40, time.Second))},
		{"sixteen replicas keep a bucket", keptByAFleet(16, 0.95, limiter.PerSecond(20, 20))},
		// self-limiters forgets reservations that are due after more than 30 s.
		{"one a minute is kept by the fleet", func(t *testing.T, m *miniredis.Miniredis) {
			limit := limiter.Limit{Tokens: 1, Per: time.Minute, Burst: 1}
			fleet := fleetOf(t, m, 2, only(limit))
			time.Sleep(10 * time.Minute)
			starts := loop(t, fleet, 3, 10*time.Minute+time.Second)
			if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
				t.Error(err)
			}
			if len(starts) != 11 {
				t.Errorf("%d starts in 10 minutes, want one and 10", len(starts))
			}
		}},
		// Bull: five consumers fell from 32 a second to 6 within 3 minutes.
		{"a fleet does not slow down", func(t *testing.T, m *miniredis.Miniredis) {
			fleet := fleetOf(t, m, 5, one(10, 10))
			for minute := range few(2, 4) {
				if n := len(loop(t, fleet, 4, time.Minute)); n < 594 || n > 611 {
					t.Errorf("%d starts in minute %d at 10 a second", n, minute)
				}
			}
		}},
		// mennanov/limiters takes a lock around each decision: at 2.4 ms a round trip, a whole fleet gets 93 calls a second,
		// whatever the limit.
		{"slow replies do not cap the rate", func(t *testing.T, m *miniredis.Miniredis) {
			options := slowly(m, func() time.Duration { return 2400 * time.Microsecond })
			limit := limiter.PerSecond(1000, 100)
			var fleet []*limiter.Limiter
			for range 4 {
				l, _ := member(t, options, only(limit))
				defer closeLimiter(t, l)
				fleet = append(fleet, l)
			}
			time.Sleep(time.Second)
			const length = 5
			starts := loop(t, fleet, 25, length*time.Second)
			if len(starts) < 900*length {
				t.Errorf("%d starts in %d s at 1000 a second", len(starts), length)
			}
			if err := limitertest.Law(starts, limit, limiter.DefaultSlack); err != nil {
				t.Error(err)
			}
		}},
		// redis_rate charges more than it grants. Here one reply is slow, so the limiter asks for the next calls ahead.
		{"a call costs its token after a slow reply too", func(t *testing.T, m *miniredis.Miniredis) {
			var delay atomic.Int64
			delay.Store(int64(time.Millisecond))
			l, _ := member(t, slowly(m, func() time.Duration { return time.Duration(delay.Load()) }), one(1, 1000))
			defer closeLimiter(t, l)
			time.Sleep(20 * time.Minute)
			startOf(t, l, "global", time.Now())
			delay.Store(int64(100 * time.Millisecond))
			startOf(t, l, "global", time.Now())
			delay.Store(int64(time.Millisecond))
			before, calls := tokens(t, l, "global"), l.StoreCalls()
			allowed(t, l, "global", 10)
			if spent := before - tokens(t, l, "global"); spent > 10 || l.StoreCalls()-calls > 20 {
				t.Errorf("%.1f tokens and %d calls to the store for 10 calls", spent, l.StoreCalls()-calls)
			}
		}},
		// mennanov/limiters continues after its caller has left. Here callers leave while Redis does not answer. One of them
		// makes the request for all itself, and its client reads without a context.
		{"who is cancelled while Redis is slow returns at once, but one", func(t *testing.T, m *miniredis.Miniredis) {
			var delay atomic.Int64
			l, _ := member(t, slowly(m, func() time.Duration { return time.Duration(delay.Load()) }), one(10, 10))
			defer closeLimiter(t, l)
			time.Sleep(idle)
			startOf(t, l, "global", time.Now())
			delay.Store(int64(2 * time.Second))
			ctx, cancel := context.WithCancel(t.Context())
			var returned atomic.Int64
			var all sync.WaitGroup
			for range 100 {
				all.Go(func() {
					if err := l.Wait(ctx, "global"); err != nil {
						returned.Add(1)
					}
				})
			}
			time.Sleep(20 * time.Millisecond)
			cancel()
			synctest.Wait()
			if n := returned.Load(); n < 99 {
				t.Errorf("%d of 100 callers returned at once", n)
			}
			delay.Store(0)
			all.Wait()
		}},
		// x/time/rate and failsafe-go lose cancelled tokens; bucket4j does not return them across processes.
		{"what one replica cancels another one uses", func(t *testing.T, m *miniredis.Miniredis) {
			fleet := fleetOf(t, m, 2, farAhead())
			begin := time.Now()
			cancelTwenty(t, fleet[0], func([]*limiter.Reservation) {})
			starts := startsOf(t, fleet[1], 20)
			if first, last := starts[0].Sub(begin), starts[19].Sub(begin); first > 100*time.Millisecond || last > 2*time.Second {
				t.Errorf("20 calls in the places of the cancelled ones started from %v to %v", first, last)
			}
			if err := limitertest.Law(starts, limiter.PerSecond(10, 1), time.Millisecond); err != nil {
				t.Error(err)
			}
		}},
		// Redisson counts too much when it takes permits back. Here reservations are returned, and waits end, while requests
		// to Redis are under way.
		{"what is cancelled while Redis is asked comes back once", func(t *testing.T, m *miniredis.Miniredis) {
			limit := limiter.PerSecond(100, 10)
			l, _ := member(t, slowly(m, func() time.Duration { return 3 * time.Millisecond }), only(limit))
			defer closeLimiter(t, l)
			time.Sleep(idle)
			var mu sync.Mutex
			var starts []time.Time
			var all sync.WaitGroup
			for i := range 20 {
				all.Go(func() {
					for k := range 50 {
						if (i+k)%2 == 0 {
							r, err := l.Reserve(t.Context(), "global")
							if err != nil {
								t.Error(err)
								return
							}
							time.Sleep(time.Duration((i*7+k*13)%9) * time.Millisecond)
							r.Cancel()
							continue
						}
						ctx, cancel := context.WithCancel(t.Context())
						time.AfterFunc(time.Duration((i*5+k*11)%40)*time.Millisecond, cancel)
						if err := l.Wait(ctx, "global"); err == nil {
							mu.Lock()
							starts = append(starts, time.Now())
							mu.Unlock()
						} else if !errors.Is(err, context.Canceled) {
							t.Error(err)
						}
						cancel()
					}
				})
			}
			all.Wait()
			if err := limitertest.Law(starts, limit, limiter.DefaultSlack); err != nil || len(starts) < 50 {
				t.Errorf("%d starts, %v", len(starts), err)
			}
		}},
		// Bottleneck: a replica that died took 97 slots with it, 2.4 s at 40 a second.
		{"a killed replica costs a horizon", killed(50, limiter.DefaultHorizon)},
		// A later caller waits for its turn, which is half the burst and 0.6 horizons of the rate. No tokens are lost.
		{"a killed replica in line costs the callers behind it its turn", killed(200, limiter.DefaultHorizon+26*25*time.Millisecond)},
		// Bottleneck: one of four replicas died at 0.3 s, and the others continued at 29 a second.
		{"callers of a killed replica delay no others", func(t *testing.T, m *miniredis.Miniredis) {
			fleet := fleetOf(t, m, 3, one(40, 40))
			dies, rdb := member(t, limitertest.Options(m), one(40, 40))
			defer closeLimiter(t, dies)
			begin := time.Now()
			ctx, cancel := context.WithCancel(t.Context())
			var waiting sync.WaitGroup
			for range 100 {
				waiting.Go(func() { _ = dies.Wait(ctx, "global") })
			}
			waiting.Go(func() {
				time.Sleep(300 * time.Millisecond)
				_ = rdb.Close() // the replica cannot return its reservations
				cancel()
			})
			count := 0
			for _, s := range loop(t, fleet, 100, 7*time.Second) {
				if at := s.Sub(begin); at >= 2*time.Second {
					count++
				}
			}
			waiting.Wait()
			if count < 195 {
				t.Errorf("%d starts from 2 s to 7 s, want 200", count)
			}
		}},
		// Bottleneck: after a restart of an empty Redis 66 of 400 tasks ended, 334 stayed queued indefinitely.
		{"after Redis has lost its data, no caller waits indefinitely", func(t *testing.T, m *miniredis.Miniredis) {
			restarted(t, m, func() { m.FlushAll() })
		}},
		{"after Redis was away for a second and has lost its data, no caller waits indefinitely", func(t *testing.T, m *miniredis.Miniredis) {
			restarted(t, m, func() {
				m.SetError("LOADING the dataset")
				time.Sleep(time.Second)
				m.FlushAll()
				m.SetError("")
			})
		}},
		// vearne sends only the digest of its script. If Redis has lost the script, Bottleneck with one of its clients fails
		// indefinitely.
		{"a Redis that lost the script is sent it", func(t *testing.T, m *miniredis.Miniredis) {
			l, rdb := member(t, limitertest.Options(m), one(40, 40))
			defer closeLimiter(t, l)
			time.Sleep(idle)
			startOf(t, l, "global", time.Now())
			if err := rdb.ScriptFlush(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			if n := allowed(t, l, "global", 100); n != 39 {
				t.Errorf("%d calls were allowed after SCRIPT FLUSH, want the remaining 39", n)
			}
		}},
		// aiolimiter serves the cheapest waiter first: as long as small calls arrive, they overtake a large one.
		{"a heavy call is not overtaken indefinitely", func(t *testing.T, m *miniredis.Miniredis) {
			fleet := fleetOf(t, m, 2, one(40, 10))
			// Before the heavy call come 20 light calls, and it needs its own tokens: 30 tokens at 40 a second, plus existing
			// reservations, take a second. The bound is twice that, because two replicas have places in line.
			const bound = 2 * time.Second
			for episode := range few(5, 20) { // each episode begins with another order
				var light sync.WaitGroup
				light.Go(func() { loop(t, fleet, 10, 10*time.Second) })
				time.Sleep(2 * time.Second)
				for i := range 4 {
					begin := time.Now()
					if err := fleet[i%2].WaitN(t.Context(), "global", 10); err != nil {
						t.Fatal(err)
					}
					if took := time.Since(begin); took > bound {
						t.Errorf("heavy call %d of episode %d started after %v, want %v at most", i, episode, took, bound)
						break
					}
				}
				light.Wait()
			}
		}},
		// Bottleneck's priorities apply only within a process: 20 urgent tasks of one replica behind 300 of others waited for
		// 2.4 s on average.
		{"an urgent call passes the line of the whole fleet", func(t *testing.T, m *miniredis.Miniredis) {
			fleet := fleetOf(t, m, 4, one(40, 40))
			var mu sync.Mutex
			var starts []time.Time
			var sum time.Duration
			var all sync.WaitGroup
			start := func(l *limiter.Limiter, opts ...limiter.Option) time.Duration {
				begin := time.Now()
				if err := l.Wait(t.Context(), "global", opts...); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				starts = append(starts, time.Now())
				return time.Since(begin)
			}
			for _, l := range fleet[1:] {
				for range 100 {
					all.Go(func() { start(l) })
				}
			}
			time.Sleep(time.Second)
			var urgent sync.WaitGroup
			for range 20 {
				urgent.Go(func() {
					took := start(fleet[0], limiter.Urgent())
					mu.Lock()
					defer mu.Unlock()
					sum += took
				})
			}
			urgent.Wait()
			if mean := sum / 20; mean > 500*time.Millisecond+limiter.DefaultHorizon {
				t.Errorf("20 urgent calls waited for %v on average: want half a second at 20 a second, plus existing reservations", mean)
			}
			all.Wait()
			if err := limitertest.Law(starts, limiter.PerSecond(40, 40), time.Millisecond); err != nil {
				t.Error(err)
			}
		}},
		// limitador reads all counters and then writes them: callers at the same time pass several limits together.
		{"two limits are charged alike by callers at the same time", func(t *testing.T, m *miniredis.Miniredis) {
			cfg := config(map[string][]limiter.Limit{"narrow": {limiter.PerSecond(10, 10)}, "global": {limiter.PerSecond(40, 40)}},
				map[string][]string{"narrow": {"narrow", "global"}})
			fleet := fleetOf(t, m, 4, cfg)
			var got atomic.Int64
			var all sync.WaitGroup
			for _, l := range fleet {
				for range 50 {
					all.Go(func() {
						if ok, err := l.Allow(t.Context(), "narrow"); err != nil {
							t.Error(err)
						} else if ok {
							got.Add(1)
						}
					})
				}
			}
			all.Wait()
			if n := tokens(t, fleet[0], "global"); got.Load() != 10 || n != 30 {
				t.Errorf("%d of 200 calls were allowed and the shared bucket has %v of 40 tokens, want 10 and 30", got.Load(), n)
			}
		}},
		// gubernator loses its state when its process ends.
		{"a deployment gives no second burst", func(t *testing.T, m *miniredis.Miniredis) {
			var starts []time.Time
			for range 5 {
				l, _ := member(t, limitertest.Options(m), one(40, 40))
				if len(starts) == 0 {
					time.Sleep(time.Minute)
				}
				for range allowed(t, l, "global", 100) {
					starts = append(starts, time.Now())
				}
				time.Sleep(100 * time.Millisecond)
				closeLimiter(t, l)
			}
			if want := 40 + 4*4; len(starts) != want {
				t.Errorf("%d calls were allowed in five processes of 100 ms each, want %d", len(starts), want)
			}
		}},
		// mennanov/limiters makes 4 round trips for a decision, Bottleneck 3 to 4 requests for a task; go-redisstore dials
		// for each call: 100 connections for 100 calls.
		{"a decision is one command on a connection that is there", func(t *testing.T, m *miniredis.Miniredis) {
			var sent, dialled atomic.Int64
			options := limitertest.Options(m)
			options.Dialer = func(context.Context, string, string) (net.Conn, error) {
				c, err := m.Dial()
				dialled.Add(1)
				return sendConn{c, &sent}, err
			}
			l, _ := member(t, options, one(1000, 1000))
			defer closeLimiter(t, l)
			time.Sleep(idle)
			startOf(t, l, "global", time.Now())
			sent.Store(0)
			dialled.Store(0)
			if n := allowed(t, l, "global", 100); n != 100 {
				t.Errorf("%d of 100 calls were allowed", n)
			}
			if sent.Load() != 100 || dialled.Load() != 0 {
				t.Errorf("%d commands and %d new connections for 100 calls", sent.Load(), dialled.Load())
			}
		}},
		// sourcegraph's and vearne's keys never expire, and throttled leaves such a key if it dies between two commands.
		// Bottleneck, nccapo and mennanov/limiters spread their keys over the slots of a cluster.
		{"keys expire and share a slot", func(t *testing.T, m *miniredis.Miniredis) {
			cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "window": {limiter.PerWindow(40, time.Minute)}},
				map[string][]string{"window": {"window", "global"}})
			fleet := fleetOf(t, m, 3, cfg)
			for i, l := range fleet {
				startOf(t, l, "window", time.Now())
				rs, _, err := l.ReserveBatch(t.Context(), "window", limiter.Run{N: 5})
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range rs {
					r.Cancel()
				}
				for n := range 10 {
					name, path := tenant(n, limiter.PerSecond(5, 2))
					if err := l.AddRoute(name, path...); err != nil {
						t.Fatal(err)
					}
					startOf(t, l, name, time.Now())
				}
				var waiting sync.WaitGroup
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(i+1)*time.Second)
				for range 20 {
					waiting.Go(func() { _ = l.Wait(ctx, "window") })
				}
				waiting.Wait()
				cancel()
			}
			inUse := m.Keys()
			for _, key := range inUse {
				if !strings.HasPrefix(key, "{weir}:") {
					t.Errorf("key %s is in a slot of its own", key)
				}
				if ttl := m.TTL(key); ttl <= 0 && key != "{weir}:state" && key != "{weir}:wishes" {
					t.Errorf("key %s has no time to live", key)
				}
			}
			time.Sleep(time.Hour)
			if left := m.Keys(); len(inUse) < 10 || fmt.Sprint(left) != "[{weir}:live {weir}:state {weir}:wishes]" {
				t.Errorf("%d keys in use, %v after an hour", len(inUse), left)
			}
		}},
	} {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				s.test(t, m)
			})
		})
	}
}

// slowly returns options of a client whose replies each take the time that delay returns.
func slowly(m *miniredis.Miniredis, delay func() time.Duration) *redis.Options {
	options := limitertest.Options(m)
	options.Dialer = func(context.Context, string, string) (net.Conn, error) {
		c, err := m.Dial()
		return slowConn{c, delay}, err
	}
	return options
}

// sendConn counts the writes of a connection. A client writes each command at once.
type sendConn struct {
	net.Conn

	sent *atomic.Int64
}

func (c sendConn) Write(b []byte) (int, error) {
	c.sent.Add(1)
	return c.Conn.Write(b)
}

// killed lets a replica ask for n reservations, and die while it holds the 50 that it got.
func killed(n int, within time.Duration) func(t *testing.T, m *miniredis.Miniredis) {
	return func(t *testing.T, m *miniredis.Miniredis) {
		stays, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, stays)
		dies, rdb := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, dies)
		time.Sleep(time.Minute)
		rs, _, err := dies.ReserveBatch(t.Context(), "global", limiter.Run{N: n})
		if len(rs) != 50 || err != nil {
			t.Fatalf("%d reserved, %v, want the burst of 40 and the 10 of a horizon", len(rs), err)
		}
		_ = rdb.Close()
		const spread = 5 * time.Millisecond // the jitter of lanes in line
		if took := startOf(t, stays, "global", time.Now()); took > within+25*time.Millisecond+spread {
			t.Errorf("the next call started after %v", took)
		}
		if n := len(loop(t, []*limiter.Limiter{stays}, 5, 5*time.Second)); n < 195 {
			t.Errorf("%d starts in the 5 s after that, want 200", n)
		}
	}
}

// keptByAFleet runs callers in loops on replicas. It checks that the starts keep the law, and use at least a share of the
// limit. The share is below one because a bucket of one token saves nothing for late callers.
func keptByAFleet(replicas int, used float64, limit limiter.Limit) func(t *testing.T, m *miniredis.Miniredis) {
	return func(t *testing.T, m *miniredis.Miniredis) {
		fleet := fleetOf(t, m, replicas, only(limit))
		const length = 10
		starts := loop(t, fleet, 5, length*time.Second)
		if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
			t.Error(err)
		}
		if n := float64(len(starts)); n < used*limit.Rate()*length {
			t.Errorf("%.0f starts in %d s at %v, want a share of %.2f", n, length, limit, used)
		}
	}
}

// restarted makes Redis lose its data while 400 callers of four replicas wait. Callers ask again if Redis does not answer.
func restarted(t *testing.T, m *miniredis.Miniredis, lose func()) {
	t.Helper()
	limit := limiter.PerSecond(40, 40)
	cfg := only(limit)
	cfg.WhenAway = limiter.FailClosed // shares may save a token each
	fleet := fleetOf(t, m, 4, cfg)
	var mu sync.Mutex
	var starts []time.Time
	var all sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // a failure is more helpful than a test that hangs
	defer cancel()
	for _, l := range fleet {
		for range 100 {
			all.Go(func() {
				err := l.Wait(ctx, "global")
				for ; errors.Is(err, limiter.ErrUnavailable); err = l.Wait(ctx, "global") {
					time.Sleep(100 * time.Millisecond)
				}
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				starts = append(starts, time.Now())
			})
		}
	}
	begin := time.Now()
	time.Sleep(1500 * time.Millisecond)
	lose()
	lost := time.Since(begin)
	all.Wait()
	if len(starts) != 400 {
		t.Errorf("%d of 400 calls started", len(starts))
	}
	// 100 calls started before the loss. The others start at the rate, after a pause of a horizon. Lanes whose places in line
	// were lost queue again first.
	took, want := time.Since(begin), lost+limiter.DefaultHorizon+300*25*time.Millisecond
	if took > want+time.Second {
		t.Errorf("400 calls took %v, want %v", took, want)
	}
	if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
		t.Error(err)
	}
}
