package limitertest

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// starts is the moments at which calls started, once for each token.
type starts struct {
	mu sync.Mutex
	at []time.Time
}

func (s *starts) add(tokens int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range tokens {
		s.at = append(s.at, time.Now())
	}
}

// since returns how many tokens were used from a moment on.
func (s *starts) since(from time.Time) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, at := range s.at {
		if !at.Before(from) {
			n++
		}
	}
	return n
}

func (s *starts) law(t *testing.T, l limiter.Limit) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := Law(s.at, l, limiter.DefaultSlack); err != nil {
		t.Error(err)
	}
}

// keepBusy makes callers call again and again, with the costs that a function returns, until ctx ends.
func keepBusy(ctx context.Context, l Limiter, callers int, s *starts, cost func() int64) (wait func()) {
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				n := cost()
				if l.WaitN(ctx, "global", n) == nil {
					s.add(n)
				}
			}
		})
	}
	return all.Wait
}

func single() int64 { return 1 }

// uses keeps limiters busy for a time on an empty bucket, and returns the used share of the rate.
func uses(t *testing.T, l Limiter, limit limiter.Limit, callers int, length time.Duration, cost func() int64) float64 {
	t.Helper()
	var s starts
	for range limit.Burst {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
	}
	begun := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	wait := keepBusy(ctx, l, callers, &s, cost)
	time.Sleep(length)
	used := float64(s.since(begun)) / (limit.Rate() * length.Seconds())
	cancel()
	wait()
	s.law(t, limit)
	return used
}

func mixedCostsUseTheRate(t *testing.T, l Limiter) {
	limit, rnd := limiter.PerSecond(10, 5), rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	cost := func() int64 {
		mu.Lock()
		defer mu.Unlock()
		return 1 + rnd.Int64N(limit.Burst)
	}
	if used := uses(t, l, limit, 8, 2*time.Minute, cost); used < 0.98 {
		t.Errorf("used %.3f of the rate", used)
	}
}

func aBurstUsesTheRate(t *testing.T, l Limiter) {
	if used := uses(t, l, limiter.PerSecond(40, 1), 5, time.Minute, single); used < 0.98 {
		t.Errorf("used %.3f of the rate", used)
	}
}

func lineThatGaveUpLeavesNothing(t *testing.T, l Limiter) {
	limit := limiter.PerSecond(10, 2)
	var s starts
	for range limit.Burst {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	wait := keepBusy(ctx, l, 100, &starts{}, single)
	synctest.Wait()
	cancel() // a hundred callers, at once
	wait()
	begun := time.Now()
	for range 5 {
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		s.add(1)
	}
	// At most a horizon's tokens were reserved for the callers that left.
	if took, most := time.Since(begun), 500*time.Millisecond+limiter.DefaultHorizon; took > most {
		t.Errorf("five calls behind a hundred that left took %v, want %v at most", took, most)
	}
	s.law(t, limit)
}

// slowRateIsKept takes the burst, and then the next three calls, each at its time.
func slowRateIsKept(t *testing.T, l Limiter) {
	d, err := l.Decide(t.Context(), "global", 1)
	if err != nil || !d.OK {
		t.Fatal(d, err)
	}
	interval := time.Duration(float64(time.Second) / d.Limit.Rate())
	for range d.Limit.Burst - 1 {
		if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
			t.Fatal(ok, err)
		}
	}
	for i := range 3 {
		begun := time.Now()
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun); (took - interval).Abs() > 10*time.Millisecond {
			t.Errorf("call %d behind the burst took %v, want %v", i+1, took, interval)
		}
	}
}

func decideSaysWhatAllowDoes(t *testing.T, l Limiter) {
	for left := int64(2); left >= 0; left-- {
		if d, err := l.Decide(t.Context(), "global", 1); err != nil || !d.OK || d.Remaining != left || d.RetryAfter != 0 {
			t.Errorf("%+v, %v; want OK and %d left", d, err, left)
		}
	}
	d, err := l.Decide(t.Context(), "global", 1)
	if err != nil || d.OK || d.Remaining != 0 || d.RetryAfter <= 0 || d.RetryAfter > 100*time.Millisecond {
		t.Errorf("%+v, %v; want a refusal for a tenth of a second at most", d, err)
	}
	if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
		t.Errorf("Allow: %v, %v", ok, err)
	}
	time.Sleep(d.RetryAfter)
	if ok, err := l.AllowN(t.Context(), "global", 1); !ok || err != nil {
		t.Errorf("Allow after the time that Decide said: %v, %v", ok, err)
	}
}

func batchHasTheCostsOfItsRuns(t *testing.T, l Limiter) {
	rs, again, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 2, Cost: 3}, limiter.Run{N: 3})
	var tokens int64
	for _, r := range rs {
		tokens += r.Cost()
		if !r.Use("global") {
			t.Errorf("a reservation of %d tokens on a full bucket is not due", r.Cost())
		}
	}
	if len(rs) != 5 || tokens != 9 || !again.Again.IsZero() || err != nil {
		t.Errorf("%d reservations of %d tokens, again at %v, %v", len(rs), tokens, again, err)
	}
	for i := range 5 {
		rs, again, err = l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1, Cost: 9})
		if err != nil {
			t.Fatal(err)
		}
		if len(rs) > 0 {
			break
		}
		if i == 4 || !again.Again.After(time.Now()) {
			t.Fatalf("come back at %v, for the %d. time", again, i+1)
		}
		time.Sleep(time.Until(again.Again))
	}
	if len(rs) != 1 || rs[0].Delay() > limiter.DefaultHorizon {
		t.Errorf("%d reservations behind the line", len(rs))
	}
}

// fleetScenario is one test of a fleet.
type fleetScenario struct {
	name            string
	limit           limiter.Limit
	replicas, dying int
	least           float64 // of the rate, in the ten seconds after
}

// fleetScenarios let as many replicas die as the promise covers. While a quarter of a fleet lives, 0.95 of the rate is
// used in the ten seconds after; with fewer, 0.65. The dead replicas lose the reservations of a horizon.
func fleetScenarios() []fleetScenario {
	return []fleetScenario{
		{"nobody dies", limiter.PerSecond(40, 40), 4, 0, 0.98},
		{"one of four dies", limiter.PerSecond(40, 40), 4, 1, 0.95},
		{"half of eight die, burst 1", limiter.PerSecond(40, 1), 8, 4, 0.9},
		{"seven of eight die", limiter.PerSecond(20, 20), 8, 7, 0.65},
		{"two of three die, slow", limiter.Limit{Tokens: 60, Per: time.Minute, Burst: 10}, 3, 2, 0.65},
	}
}

func (s fleetScenario) play(t *testing.T, fleet []Limiter, die func(int)) {
	for range s.limit.Burst {
		if err := fleet[0].Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
	}
	live, cancel := context.WithCancel(t.Context())
	dying, ended := context.WithCancel(t.Context())
	var all starts
	var waits []func()
	for i, l := range fleet {
		ctx := live
		if i < s.dying {
			ctx = dying
		}
		waits = append(waits, keepBusy(ctx, l, 4, &all, single))
	}
	time.Sleep(10 * time.Second)
	for i := range s.dying {
		die(i)
	}
	ended()
	from := time.Now()
	time.Sleep(10 * time.Second)
	used := float64(all.since(from)) / (10 * s.limit.Rate())
	cancel()
	for _, wait := range waits {
		wait()
	}
	if used < s.least {
		t.Errorf("used %.3f of the rate in the ten seconds after %d of %d died, want %.2f", used, s.dying, s.replicas, s.least)
	}
	all.law(t, s.limit)
}
