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

// refusal waits with a deadline that cannot be met, and returns when the call could have started.
func refusal(t *testing.T, l *limiter.Limiter, cost int64, within time.Duration) time.Duration {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), within)
	defer cancel()
	begin := time.Now()
	err := l.WaitN(ctx, "global", cost)
	refused, ok := errors.AsType[*limiter.DeadlineError](err)
	if !ok {
		t.Fatalf("a deadline of %v: %v after %v", within, err, time.Since(begin))
	}
	if took := time.Since(begin); took > time.Millisecond {
		t.Errorf("refused after %v, want at once", took)
	}
	return refused.Ready
}

// behind is a number of callers who wait, and a newcomer.
type behind struct {
	limit limiter.Limit
	ahead int
	costs int64         // of those ahead
	cost  int64         // of the newcomer
	later time.Duration // the newcomer comes so much later

	unsent int64 // callers that no lane may have reported to the store
}

// check has the newcomer come to the last replica of a fleet. The callers ahead are in all replicas, of four in the first three.
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
	ideal := time.Duration(int64(c.ahead)*c.costs+c.cost)*token - c.later // all that is ahead comes first
	ready := refusal(t, l, c.cost, min(short, token/2))
	// One who comes at the same time and waits says what is true; one who is behind that one is in time.
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
	t.Logf("%s: ready in %v, one who waited took %v: %.3f tokens off", t.Name(), ready, took, float64(ready-took)/float64(token))
	// Of callers who come within a horizon of each other those of one replica may be served before those of another.
	unsent := time.Duration(c.unsent*c.costs) * token
	if raceDetector { // goroutines of a replica may come long after those of another
		unsent *= 6
	}
	if ready > max(took, ideal)+token+short || ready < min(took, ideal)-unsent-token-short {
		t.Errorf("ready in %v, one who waited took %v", ready, took)
	}
}

// TestReadyIsWhenItCouldHaveStarted: behind callers who wait, in this replica or in others, a newcomer who cannot be served
// in time is told at once, and when it could have been. One who can be served in time is.
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
			if c.later > 5*time.Second { // each lane has asked again since each of the others has
				sizes = []int{1, 3, 4}
			} else if c.later > limiter.DefaultHorizon {
				sizes = []int{1, 4}
			}
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, sizes...)
		})
	}
}

// TestReadyBehindCallersOfOtherReplicas is the same for one who comes after callers of other replicas, when each lane has asked once
// more: a lane tells the store of new callers at once, and hears of those of others within 5 s.
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

// TestStoreHearsOfNewCallers: a lane in line tells the store of callers who have come since. A caller who comes, a moment later,
// to a replica without callers is told the time behind all of these. Callers whose lane has reservations
// gather until these are due. A lane keeps newcomers for itself while they are fewer than 4, and fewer than those whom the store has heard
// of: of 13 callers of a lane 6 at most.
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

// TestReadyBehindCallersOfAnotherCost is the same for one who wants more or less than those ahead.
func TestReadyBehindCallersOfAnotherCost(t *testing.T) {
	for name, c := range map[string]behind{
		"5 behind 40 of 1":  {limiter.PerSecond(10, 10), 40, 1, 5, 0, 0},
		"1 behind 40 of 5":  {limiter.PerSecond(10, 10), 40, 5, 1, 0, 0},
		"40 behind 300":     {limiter.PerSecond(40, 40), 300, 1, 40, 0, 0},
		"60 behind 12 of 1": {limiter.PerSecond(1, 60), 12, 1, 60, 0, 0},
		"1 behind 3 of 60":  {limiter.PerSecond(1, 60), 3, 60, 1, 6 * time.Second, 0},
	} {
		t.Run(name, func(t *testing.T) {
			onFleets(t, config(map[string][]limiter.Limit{"global": {c.limit}}, nil), c.check, 1) // a lane knows of callers of other replicas when it asks again, up to 5 s later
		})
	}
}

// TestDeadlineBeforeWhatIsPooled: the reservation that would be a caller's is there, and due after the deadline.
func TestDeadlineBeforeWhatIsPooled(t *testing.T) {
	for name, c := range map[string]struct {
		rate, burst int64
		pooled      int // reservations that were given up
		waiting     int // callers before the newcomer, who take them
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
				// What was given back is not in the answer, so that it may say one token later.
				token := time.Second / time.Duration(c.rate)
				if ready := refusal(t, l, c.cost, c.within); ready.Round(time.Millisecond) < c.want || ready > c.want+token+time.Millisecond {
					t.Errorf("ready in %v, want %v", ready, c.want)
				}
				in, end := context.WithTimeout(t.Context(), c.want+time.Millisecond)
				defer end()
				if err := l.WaitN(in, "global", c.cost); err != nil {
					t.Errorf("a deadline that can be met: %v", err)
				}
				if took := time.Since(begin).Round(time.Millisecond); took != c.want {
					t.Errorf("started after %v, want %v", took, c.want)
				}
				waiting.Wait()
			})
		})
	}
}
