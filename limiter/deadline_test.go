package limiter_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// refusal makes a call with a deadline that cannot be met, and returns when the call could have started.
func refusal(t *testing.T, l *limiter.Limiter, cost int64, within time.Duration) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begin := time.Now()
	err := l.WaitN(ctx, "global", cost)
	refused, ok := errors.AsType[*limiter.DeadlineError](err)
	if !ok {
		t.Fatalf("a call with a deadline in %v: %v after %v, want a DeadlineError", within, err, time.Since(begin))
	}
	if took := time.Since(begin); took > time.Millisecond {
		t.Errorf("the call was refused after %v, want at once", took)
	}
	return refused.Ready
}

// behind is a number of callers that wait, and a later caller, the newcomer.
type behind struct {
	limit limiter.Limit
	ahead int
	costs int64         // of each caller ahead
	cost  int64         // of the newcomer
	later time.Duration // how much later the newcomer asks

	unsent int64 // callers that no lane may have reported to the store
}

// check lets the newcomer ask in the last replica of a fleet. The callers ahead are in the first three replicas.
func (c behind) check(t *testing.T, fleet []*limiter.Limiter) {
	t.Helper()
	empty(t, fleet[0], c.limit.Burst)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	with, l := fleet[:min(3, len(fleet))], fleet[len(fleet)-1]
	for i := range c.ahead {
		waiting.Go(func() {
			if err := with[i%len(with)].WaitN(t.Context(), "global", c.costs); err != nil {
				t.Error(err)
			}
		})
	}
	synctest.Wait()
	const short = 5 * time.Millisecond
	token := interval(c.limit)
	time.Sleep(c.later)
	begin := time.Now()
	ideal := time.Duration(int64(c.ahead)*c.costs+c.cost)*token - c.later // after all callers ahead
	ready := refusal(t, l, c.cost, min(short, token/2))
	// A caller that asks at the same time and waits shows the true time. A deadline behind that caller can be met.
	var took time.Duration
	waiting.Go(func() {
		if err := l.WaitN(t.Context(), "global", c.cost); err != nil {
			t.Error(err)
		}
		took = time.Since(begin)
	})
	synctest.Wait()
	in, end := context.WithTimeout(t.Context(), ideal+time.Duration(c.cost+2)*token+short)
	defer end()
	if err := l.WaitN(in, "global", c.cost); err != nil {
		t.Errorf("a deadline that can be met: %v", err)
	}
	waiting.Wait()
	t.Logf("%s: ready in %v, a call that waited took %v: %.3f tokens off", t.Name(), ready, took, float64(ready-took)/float64(token))
	// Callers of one replica may be served before callers of another that asked up to a horizon earlier.
	unsent := time.Duration(c.unsent*c.costs) * token
	if raceDetector { // the goroutines of one replica may run long after another's
		unsent *= 6
	}
	if ready > max(took, ideal)+token+short || ready < min(took, ideal)-unsent-token-short {
		t.Errorf("the refused call was ready in %v by its error, a call that waited took %v", ready, took)
	}
}

// TestReadyIsWhenItCouldHaveStarted: a newcomer behind callers of this replica or of others cannot be served before its deadline. It
// gets an error at once, which says when it could have started. A newcomer that can be served in time is served.
func TestReadyIsWhenItCouldHaveStarted(t *testing.T) {
	second, large := limiter.PerSecond, limiter.Limit{Tokens: 1000, Per: time.Hour, Burst: 1000}
	for name, c := range map[string]behind{
		"4 at 10 a second":                      {second(10, 10), 3, 1, 1, 0, 0},
		"40 at 10 a second":                     {second(10, 10), 40, 1, 1, 0, 0},
		"300 at 10 a second, burst 100, later":  {second(10, 100), 300, 1, 1, 6 * time.Second, 0},
		"4 at 1 a second":                       {second(1, 60), 3, 1, 1, 0, 0},
		"40 at 1 a second, later":               {second(1, 1), 40, 1, 1, 6 * time.Second, 0},
		"300 at 40 a second, later":             {second(40, 40), 300, 1, 1, time.Second, 0},
		"40 at 100 a second":                    {second(100, 1), 40, 1, 1, 0, 0},
		"300 at 500 a second":                   {second(500, 10), 300, 1, 1, 0, 0},
		"40 at 1000 an hour, later":             {large, 40, 1, 1, 6 * time.Second, 0},
		"40 of the burst at 10 a second, later": {second(10, 10), 40, 10, 10, 6 * time.Second, 0},
		"4 of 5 at 10 a second":                 {second(10, 10), 3, 5, 5, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			sizes := []int{1}
			if c.later > 5*time.Second { // by then each lane has asked again after each of the others
				sizes = []int{1, 3, 4}
			} else if c.later > limiter.DefaultHorizon {
				sizes = []int{1, 4}
			}
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, sizes...)
		})
	}
}

// TestReadyBehindCallersOfOtherReplicas is the same for a newcomer behind callers of other replicas, after each lane has asked once
// more. A lane sends its new callers to the store at once, and learns of the callers of other lanes within 5 s.
func TestReadyBehindCallersOfOtherReplicas(t *testing.T) {
	for name, c := range map[string]behind{
		"100 at 10 a second":         {limiter.PerSecond(10, 10), 100, 1, 1, 6 * time.Second, 0},
		"300 at 10 a second":         {limiter.PerSecond(10, 10), 300, 1, 1, 6 * time.Second, 0},
		"40 at 1 a second":           {limiter.PerSecond(1, 1), 40, 1, 1, 6 * time.Second, 0},
		"40 of the burst":            {limiter.PerSecond(10, 10), 40, 10, 10, 6 * time.Second, 0},
		"500 at 40 a second at once": {limiter.PerSecond(40, 40), 500, 1, 1, 6 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, 3, 4)
		})
	}
}

// TestStoreHearsOfNewCallers: a lane in line sends its new callers to the store. A caller that asks a moment later, in a replica
// without callers, gets the time behind all of them. Callers of a lane with reservations gather until these are due. A lane does not
// send new callers while they are fewer than 4, or fewer than the callers that it has sent: of 13 callers of a lane, 6 at most are
// not sent.
func TestStoreHearsOfNewCallers(t *testing.T) {
	for name, c := range map[string]behind{
		"40 at 1 a second":   {limiter.PerSecond(1, 1), 40, 1, 1, 10 * time.Millisecond, 18},
		"40 of the burst":    {limiter.PerSecond(10, 10), 40, 10, 10, 10 * time.Millisecond, 18},
		"100 at 10 a second": {limiter.PerSecond(10, 10), 100, 1, 1, 300 * time.Millisecond, 9},
		"500 at 40 a second": {limiter.PerSecond(40, 40), 500, 1, 1, 300 * time.Millisecond, 9},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, 4)
		})
	}
}

// TestReadyBehindCallersOfAnotherCost is the same for a newcomer whose call costs more or less than the calls ahead.
func TestReadyBehindCallersOfAnotherCost(t *testing.T) {
	for name, c := range map[string]behind{
		"5 behind 40 of 1":  {limiter.PerSecond(10, 10), 40, 1, 5, 0, 0},
		"1 behind 40 of 5":  {limiter.PerSecond(10, 10), 40, 5, 1, 0, 0},
		"40 behind 300":     {limiter.PerSecond(40, 40), 300, 1, 40, 0, 0},
		"60 behind 12 of 1": {limiter.PerSecond(1, 60), 12, 1, 60, 0, 0},
		"1 behind 3 of 60":  {limiter.PerSecond(1, 60), 3, 60, 1, 6 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, 1) // a lane learns of callers of other replicas with its next request, up to 5 s later
		})
	}
}

// TestDeadlineBeforeWhatIsPooled: the lane has a reservation for the caller, but it is due after the caller's deadline.
func TestDeadlineBeforeWhatIsPooled(t *testing.T) {
	for name, c := range map[string]struct {
		rate, burst int64
		pooled      int // returned reservations
		waiting     int // callers before the newcomer that take these reservations
		cost        int64
		within      time.Duration
		want        time.Duration // until the newcomer could start
	}{
		"one, due in 100 ms":              {10, 1, 1, 0, 1, 50 * time.Millisecond, 100 * time.Millisecond},
		"one, 1 ms too late":              {10, 1, 1, 0, 1, 99 * time.Millisecond, 100 * time.Millisecond},
		"the second of two":               {10, 1, 2, 1, 1, 150 * time.Millisecond, 200 * time.Millisecond},
		"the tenth of ten":                {50, 1, 10, 9, 1, 190 * time.Millisecond, 200 * time.Millisecond},
		"one of the burst":                {100, 10, 1, 0, 10, 50 * time.Millisecond, 100 * time.Millisecond},
		"one that takes two, two waiting": {20, 2, 2, 1, 2, 120 * time.Millisecond, 200 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			both(t, one(c.rate, c.burst), func(t *testing.T, l *limiter.Limiter) {
				if err := l.WaitN(t.Context(), "global", c.burst); err != nil {
					t.Fatal(err)
				}
				begin := time.Now()
				ctx, cancel := context.WithCancel(t.Context())
				var gone, waiting sync.WaitGroup
				for range c.pooled {
					gone.Go(func() { _ = l.WaitN(ctx, "global", c.cost) })
				}
				synctest.Wait()
				for range c.waiting {
					waiting.Go(func() {
						if err := l.WaitN(t.Context(), "global", c.cost); err != nil {
							t.Error(err)
						}
					})
				}
				synctest.Wait()
				cancel()
				gone.Wait()
				synctest.Wait()
				// The answer does not include the returned reservation, so it may be one token too late.
				token := time.Second / time.Duration(c.rate)
				if ready := refusal(t, l, c.cost, c.within); ready.Round(time.Millisecond) < c.want || ready > c.want+token+time.Millisecond {
					t.Errorf("by its error the call is ready in %v, want %v", ready, c.want)
				}
				in, end := context.WithTimeout(t.Context(), c.want+time.Millisecond)
				defer end()
				if err := l.WaitN(in, "global", c.cost); err != nil {
					t.Errorf("a deadline that can be met: %v", err)
				}
				if took := time.Since(begin).Round(time.Millisecond); took != c.want {
					t.Errorf("the call started after %v, want %v", took, c.want)
				}
				waiting.Wait()
			})
		})
	}
}
