package limiter_test

import (
	"context"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestLearnIsChecked: New refuses an invalid Learn, and the error names the bucket.
func TestLearnIsChecked(t *testing.T) {
	for name, c := range map[string]struct {
		learn  limiter.Learn
		limits []limiter.Limit
	}{
		"limits besides":        {limits: []limiter.Limit{limiter.PerSecond(1, 1)}},
		"a window":              {learn: limiter.Learn{Most: limiter.PerWindow(10, time.Second)}},
		"begins above the most": {learn: limiter.Learn{Start: limiter.PerSecond(200, 1)}},
		"begins too low":        {learn: limiter.Learn{Start: limiter.Limit{Tokens: 1, Per: time.Minute}}},
		"less than no tokens":   {learn: limiter.Learn{Start: limiter.PerSecond(-1, 1)}},
	} {
		cfg := limiter.Config{Learn: map[string]limiter.Learn{"new": c.learn}, Buckets: map[string][]limiter.Limit{"other": {limiter.PerSecond(1, 1)}}}
		if c.limits != nil {
			cfg.Buckets["new"] = c.limits
		}
		if _, err := limiter.NewMemory(cfg); err == nil || !strings.Contains(err.Error(), "new") {
			t.Errorf("%s: error %v, want one that names the bucket new", name, err)
		}
	}
}

// TestLearntLimitIsTold: a bucket that learns its limit begins with one call a second. When Configure sets the limit, it is in force at
// once.
func TestLearntLimitIsTold(t *testing.T) {
	onFleets(t, limiter.Config{Learn: map[string]limiter.Learn{"global": {}}}, func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		if n := allowed(t, l, "global", 100); n != 1 {
			t.Errorf("%d calls were allowed at once on an unknown limit", n)
		}
		if err := l.Configure(t.Context(), "global", limiter.PerSecond(40, 40)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := allowed(t, l, "global", 100); n != 40 {
			t.Errorf("%d calls were allowed at once on a limit of 40", n)
		}
		s, err := l.Snapshot(t.Context())
		if err != nil || s.Buckets[0].Served != 1 {
			t.Errorf("the snapshot has %v, %v, want the whole rate", s.Buckets, err)
		}
	}, 3)
}

// TestLearntLimitThatIsTheMost: when Configure sets the highest possible limit, it is in force at once.
func TestLearntLimitThatIsTheMost(t *testing.T) {
	onFleets(t, limiter.Config{Learn: map[string]limiter.Learn{"global": {}}}, func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		allowed(t, l, "global", 100)
		if err := l.Configure(t.Context(), "global", limiter.PerSecond(100, 100)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if n := allowed(t, l, "global", 200); n != 100 {
			t.Errorf("%d calls were allowed at once on a limit of 100", n)
		}
	}, 1)
}

// TestLearningIsShown: the snapshot shows the rate that a bucket has learned. Reading the snapshot does not count as use.
func TestLearningIsShown(t *testing.T) {
	onFleets(t, limiter.Config{Learn: map[string]limiter.Learn{"global": {}}}, func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		served := func() float64 {
			s, err := l.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := l.Where(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			return s.Buckets[0].Served
		}
		for _, want := range []int{1, 2, 4, 8} {
			if n := allowed(t, l, "global", 100); n != want {
				t.Errorf("%d calls were allowed at once, want %d", n, want)
			}
			if part := served(); part != float64(want)/100 {
				t.Errorf("the snapshot shows %v of the rate, want %v %%", part, want)
			}
			time.Sleep(time.Second)
		}
		for range 20 {
			served()
			time.Sleep(time.Second)
		}
		if n := allowed(t, l, "global", 100); n != 16 {
			t.Errorf("%d calls were allowed at once after a time without calls, want 16", n)
		}
	}, 1)
}

// TestFixedRates: with FixedRates, reports change no rate, but a provider that asks to wait still causes a hold.
func TestFixedRates(t *testing.T) {
	for _, fixed := range []bool{true, false} {
		cfg := limiter.SingleBucket("global", limiter.PerSecond(40, 40))
		cfg.FixedRates = fixed
		onFleets(t, cfg, func(t *testing.T, fleet []*limiter.Limiter) {
			l := fleet[0]
			for range 20 {
				r, err := l.Reserve(t.Context(), "global")
				if err != nil {
					t.Fatal(err)
				}
				time.Sleep(r.Delay())
				r.Use("global")
				for range 3 { // only one report of a reservation counts
					report(t.Context(), t, r, limiter.Throttled{})
				}
			}
			time.Sleep(20 * time.Millisecond)
			s, err := l.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if served := s.Buckets[0].Served; fixed != (served == 1) || served < 0.5 {
				t.Errorf("after 20 refusals the rate is %v of the configured one", served)
			}
		}, 2)
	}
}

// TestReportsAreChecked: an impossible report is an error, and so is a report about a bucket that the route does not pass.
func TestReportsAreChecked(t *testing.T) {
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"a": {limiter.PerSecond(1, 1)}, "b": {limiter.PerSecond(1, 1)}}})
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	for _, c := range []struct {
		route  string
		report limiter.Report
		ok     bool
	}{
		{"a", limiter.Remaining{Limit: 10, Left: 3}, true},
		{"a", limiter.Remaining{Bucket: "a", Limit: 10, Left: 20, Per: time.Minute}, true},
		{"a", limiter.Remaining{Limit: 10, Left: 20, Per: math.MaxInt64}, true},
		{"a", limiter.Remaining{Bucket: "b", Limit: 10, Left: 3}, false},
		{"a", limiter.Remaining{Limit: 0, Left: 3}, false},
		{"a", limiter.Remaining{Limit: 10, Left: -1}, false},
		{"a", limiter.Remaining{Limit: 10, Left: 1, Per: -1}, false},
		{"a", limiter.Throttled{RetryAfter: -time.Second}, true},
		{"a", limiter.Overloaded{}, true},
		{"c", limiter.Overloaded{}, false},
		{"a", nil, false},
	} {
		if err := l.Report(t.Context(), c.route, c.report); (err == nil) != c.ok {
			t.Errorf("the report %+v on route %s: %v", c.report, c.route, err)
		}
	}
}

// TestExtremeReports: whatever numbers a provider's answer has, calls are served.
func TestExtremeReports(t *testing.T) {
	onFleets(t, limiter.SingleBucket("global", limiter.PerSecond(40, 40)), func(t *testing.T, fleet []*limiter.Limiter) {
		l := fleet[0]
		for _, q := range []limiter.Remaining{
			{Limit: 10, Left: 5, Per: math.MaxInt64},
			{Limit: 1, Left: 0, Per: math.MaxInt64},
			{Limit: math.MaxInt64, Left: math.MaxInt64, Per: 1},
			{Limit: math.MaxInt64, Left: 0, Per: time.Microsecond},
		} {
			for range 3 { // from the second report on, reservations have the level of their limit
				report(t.Context(), t, reservation(t, l), q)
			}
			if err := l.Report(t.Context(), "global", q); err != nil {
				t.Error(err)
			}
		}
		reservation(t, l)
	}, 1)
}

// TestReportAgain: a hold whose report failed can be reported again.
func TestReportAgain(t *testing.T) {
	onFleets(t, limiter.SingleBucket("global", limiter.PerSecond(40, 40)), func(t *testing.T, fleet []*limiter.Limiter) {
		r := reservation(t, fleet[0])
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Report(ctx, limiter.Throttled{RetryAfter: time.Hour}); err == nil && len(fleet) > 1 {
			t.Error("a report whose context has ended returned no error")
		}
		report(t.Context(), t, r, limiter.Throttled{RetryAfter: time.Hour})
		s, err := fleet[0].Snapshot(t.Context())
		if err != nil || s.Buckets[0].PausedFor < 59*time.Minute {
			t.Errorf("the snapshot has %v, %v, want a hold of an hour", s.Buckets, err)
		}
	}, 2)
}

// TestOneEventOfManyReplicas: 64 replicas each report one refusal of the same moment. The rate is lowered once.
func TestOneEventOfManyReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRedisFleet(t, 64, limiter.SingleBucket("global", limiter.PerSecond(100, 100)))
		defer c.close(t)
		time.Sleep(2 * time.Second)
		var all sync.WaitGroup
		for _, l := range c.fleet {
			all.Go(func() {
				r, err := l.Reserve(t.Context(), "global")
				if err != nil {
					t.Error(err)
					return
				}
				time.Sleep(r.Delay())
				r.Use("global")
				time.Sleep(100 * time.Millisecond)
				report(t.Context(), t, r, limiter.Throttled{})
			})
		}
		all.Wait()
		time.Sleep(100 * time.Millisecond)
		s, err := c.fleet[0].Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("64 refusals of one moment leave %.2f of the rate", s.Buckets[0].Served)
		if served := s.Buckets[0].Served; served < 0.65 || served > 0.75 { // an event leaves 0.7 at least, before the rate grows
			t.Errorf("64 refusals of one moment leave %v of the rate, want 0.7", served)
		}
	})
}

// TestOneExpensiveCall: a call starts while the provider has few tokens left. It does not stop the bucket for long after the provider has
// refilled.
func TestOneExpensiveCall(t *testing.T) {
	for name, c := range map[string]struct {
		limit limiter.Limit
		cost  int64
		most  time.Duration // until the second call starts
	}{
		"40 a second":                   {limiter.PerSecond(40, 40), 40, 25 * time.Second},
		"a few of a million a minute":   {limiter.Limit{Tokens: 1_000_000, Per: time.Minute, Burst: 20_000}, 500, 15 * time.Second},
		"many of a million a minute":    {limiter.Limit{Tokens: 1_000_000, Per: time.Minute, Burst: 20_000}, 5000, 25 * time.Second},
		"a burst of a million a minute": {limiter.Limit{Tokens: 1_000_000, Per: time.Minute, Burst: 20_000}, 20_000, 40 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, limiter.SingleBucket("global", c.limit), func(t *testing.T, fleet []*limiter.Limiter) {
				l := fleet[0]
				reservation(t, l) // now the limiter knows the time of Redis
				time.Sleep(time.Minute)
				if err := l.Report(t.Context(), "global", limiter.Remaining{Limit: c.limit.Burst, Left: 0, Per: c.limit.Per}); err != nil {
					t.Fatal(err)
				}
				begun := time.Now()
				for range 2 {
					if err := l.WaitN(t.Context(), "global", c.cost); err != nil {
						t.Fatal(err)
					}
				}
				t.Logf("two calls of %d took %v", c.cost, time.Since(begun))
				if took := time.Since(begun); took > c.most {
					t.Errorf("two calls of %d took %v, want %v at most", c.cost, took, c.most)
				}
			}, 1)
		})
	}
}
