package paper_test

import (
	"context"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/bucket"
	"github.com/weir-go/weir/limiter/internal/paper"
)

// window returns a limit of a number of starts in any period of the length per.
func window(starts int64, per time.Duration) bucket.Limit {
	return bucket.Limit{Tokens: starts, Per: per.Microseconds(), Burst: starts, Window: true}
}

// worlds returns a small world of every kind.
func worlds() map[string]paper.World {
	second, task := 3*time.Second, 20*time.Millisecond
	fast := paper.PerSecond(200, 20)
	return map[string]paper.World{
		"one replica":      {Replicas: 1, Callers: 10, Task: task, Limits: []bucket.Limit{fast}, Length: second},
		"a fleet":          {Replicas: 30, Callers: 3, Task: task, Limits: []bucket.Limit{fast}, Length: second},
		"without tasks":    {Replicas: 5, Callers: 3, Limits: []bucket.Limit{fast}, Length: second},
		"a long line":      {Replicas: 50, Callers: 2, Task: task, Limits: []bucket.Limit{paper.PerSecond(50, 5)}, Length: 2 * second},
		"two limits":       {Replicas: 10, Callers: 3, Task: task, Limits: []bucket.Limit{paper.PerSecond(100, 100), fast}, Length: second},
		"two routes":       {Replicas: 10, Callers: 3, Task: task, Limits: []bucket.Limit{paper.PerSecond(100, 10), paper.PerSecond(150, 10), fast}, Routes: [][]int{{0, 2}, {1, 2}}, Length: second},
		"a window":         {Replicas: 10, Callers: 3, Task: task, Limits: []bucket.Limit{window(40, 500*time.Millisecond)}, Length: second},
		"a window between": {Replicas: 10, Callers: 3, Task: task, Limits: []bucket.Limit{window(40, 500*time.Millisecond), fast}, Length: second},
		"a far Redis":      {Replicas: 30, Callers: 3, Task: task, Limits: []bucket.Limit{fast}, Length: second, Costs: paper.Costs{Trip: 80 * time.Millisecond, Spread: 40 * time.Millisecond}},
		"a slow Redis":     {Replicas: 30, Callers: 3, Task: task, Limits: []bucket.Limit{fast}, Length: second, Costs: paper.Costs{Full: 8 * time.Millisecond, Plain: 8 * time.Millisecond}},
	}
}

// each runs do for each world. A world without Costs gets the measured constants.
func each(t *testing.T, do func(t *testing.T, w paper.World)) {
	t.Helper()
	for name, w := range worlds() {
		t.Run(name, func(t *testing.T) {
			if w.Costs == (paper.Costs{}) {
				w.Costs = paper.Measured()
			}
			w.Seed = 7
			do(t, w)
		})
	}
}

// routesOf returns the routes of a world.
func routesOf(w paper.World) [][]int {
	if w.Routes != nil {
		return w.Routes
	}
	return [][]int{slices.Collect(func(yield func(int) bool) {
		for i := range w.Limits {
			if !yield(i) {
				return
			}
		}
	})}
}

// TestNoLimitIsExceeded: by Redis' clock, the starts never exceed a limit, not even by one unit.
func TestNoLimitIsExceeded(t *testing.T) {
	each(t, func(t *testing.T, w paper.World) {
		dues, routes := make([][]int64, len(w.Limits)), routesOf(w)
		w.Saw = func(s paper.Start) {
			for _, l := range routes[s.Route] {
				dues[l] = append(dues[l], s.Due)
			}
		}
		if r := paper.Run(w); r.Starts == 0 {
			t.Fatal("no call started")
		}
		for i, l := range w.Limits {
			slices.Sort(dues[i])
			if over := excess(l, dues[i]); over > 0 {
				t.Errorf("limit %d, %+v: the starts exceed it by %d units", i, l, over)
			}
		}
	})
}

// excess returns by how much the starts at dues exceed a limit. The unit is starts for a window, and 1/tokens µs for a token
// bucket.
func excess(l bucket.Limit, dues []int64) (worst int64) {
	least := int64(math.MaxInt64)
	for i, due := range dues {
		if l.Window {
			if k := i - int(l.Burst); k >= 0 && due-dues[k] < l.Width() {
				worst++
			}
			continue
		}
		at := due - dues[0]
		least = min(least, int64(i)*l.Per-at*l.Tokens)
		worst = max(worst, int64(i+1)*l.Per-at*l.Tokens-least-l.Burst*l.Per)
	}
	return worst
}

// TestNobodyStartsEarly: no caller starts before the due time of its reservation, or later than the slack (and the way of the
// reply) allows.
func TestNobodyStartsEarly(t *testing.T) {
	const epoch, slack = 1_000_000_000_000_000, 50 * time.Millisecond
	each(t, func(t *testing.T, w paper.World) {
		w.Saw = func(s paper.Start) {
			late := s.At - time.Duration(s.Due-epoch)*time.Microsecond
			if most := slack + w.Costs.Trip + 30*w.Costs.Spread; late < 0 || late > most {
				t.Errorf("replica %d started a call at %v, %v after its due time, want 0 to %v", s.Replica, s.At, late, most)
			}
		}
		paper.Run(w)
	})
}

// TestNobodyIsLost: callers of every lane start, and no caller starts again before its task has ended.
func TestNobodyIsLost(t *testing.T) {
	each(t, func(t *testing.T, w paper.World) {
		var asked []time.Duration
		busy := make(map[[2]int][]time.Duration) // the starts of a lane
		w.Saw = func(s paper.Start) {
			lane := [2]int{s.Replica, s.Route}
			asked = append(asked, s.At-s.Waited)
			busy[lane] = append(busy[lane], s.At)
		}
		r := paper.Run(w)
		if lanes := w.Replicas * len(routesOf(w)); len(busy) != lanes {
			t.Errorf("callers of %d lanes have started, want all %d lanes", len(busy), lanes)
		}
		for lane, starts := range busy {
			for i := w.Callers; i < len(starts); i++ {
				if d := starts[i] - starts[i-w.Callers]; d < w.Task {
					t.Errorf("lane %v has %d callers but %d starts within %v, and a task takes %v", lane, w.Callers, w.Callers+1, d, w.Task)
				}
			}
		}
		if int64(len(asked)) != r.Starts {
			t.Errorf("the result counts %d starts, Saw was called %d times", r.Starts, len(asked))
		}
		if all := w.Replicas * w.Callers * len(routesOf(w)); r.Waiting > all {
			t.Errorf("%d callers wait at the end, but the world has %d", r.Waiting, all)
		}
	})
}

// TestEqualWorldsHaveEqualResults: equal worlds have equal results, and another seed has another result.
func TestEqualWorldsHaveEqualResults(t *testing.T) {
	each(t, func(t *testing.T, w paper.World) {
		one, two := paper.Run(w), paper.Run(w)
		if d := cmp.Diff(one, two); d != "" {
			t.Errorf("two runs of one world differ (-first +second):\n%s", d)
		}
		w.Seed++
		if three := paper.Run(w); three == one {
			t.Errorf("another seed has the same result: %+v", one)
		}
	})
}

// TestBusyFleetUsesItsBudget: if callers want more than the budget and Redis is fast enough, the fleet uses the whole budget.
func TestBusyFleetUsesItsBudget(t *testing.T) {
	w := worlds()["a fleet"]
	w.Costs, w.Warm, w.Length = paper.Measured(), time.Second, 5*time.Second
	if r := paper.Run(w); r.Used < 0.99 || r.Used > 1.03 || r.Jain < 0.99 || r.Unserved > 0 {
		t.Errorf("%+v, want 99 to 103 %% used, a Jain index of 0.99 or more, and every replica served", r)
	}
}

// TestCallersGather: eighty callers of one replica need about one request for each horizon, and still use the whole budget.
func TestCallersGather(t *testing.T) {
	w := paper.World{
		Replicas: 1, Callers: 80, Task: 100 * time.Millisecond, Limits: []bucket.Limit{paper.PerSecond(400, 400)}, Costs: paper.Measured(), Warm: 2 * time.Second, Length: 5 * time.Second,
	}
	if r := paper.Run(w); r.Used < 0.99 || r.PerToken > 0.05 {
		t.Errorf("used %.3f, %.3f scripts for each start, want 0.99 or more, and 0.05 at most", r.Used, r.PerToken)
	}
}

// TestIdleFleet: if no caller has to wait for a token, each call is one run of the short script and takes one round trip.
func TestIdleFleet(t *testing.T) {
	const task, trip, short = 100 * time.Millisecond, time.Millisecond, 100 * time.Microsecond
	w := paper.World{
		Replicas: 5, Callers: 1, Task: task, Limits: []bucket.Limit{paper.PerSecond(1000, 1000)}, Costs: paper.Costs{Trip: trip, Plain: short}, Warm: time.Second, Length: 10 * time.Second,
	}
	r := paper.Run(w)
	announced := float64(r.Starts)*(r.PerToken-1) + 0.5
	if announced < 8 || announced > 12 { // each replica twice in 8 to 10 s
		t.Errorf("%.1f scripts other than requests for tokens, want about 10", announced)
	}
	if busy := float64(r.Starts) * short.Seconds() / w.Length.Seconds(); math.Abs(r.Busy-busy) > 1e-4 {
		t.Errorf("Redis is busy for %.5f of the time, want %.5f", r.Busy, busy)
	}
	if r.Median < trip || r.Longest > trip+5*short+50*time.Microsecond {
		t.Errorf("median wait %v, longest %v, want a round trip of %v plus the script", r.Median, r.Longest, trip)
	}
}

// TestSlowRedisIsTheLimit: a slow Redis is always busy, and the number of scripts is what fits into its time.
func TestSlowRedisIsTheLimit(t *testing.T) {
	w := worlds()["a fleet"]
	w.Costs, w.Warm = paper.Costs{Plain: 50 * time.Millisecond, Full: 50 * time.Millisecond, Bail: 50 * time.Millisecond}, time.Second
	r := paper.Run(w)
	if r.Busy < 0.99 || r.Busy > 1.0001 || r.Scripts > 21+10 {
		t.Errorf("busy %.3f, %.1f scripts a second, want 1, and 20 at most plus announcements", r.Busy, r.Scripts)
	}
}

// TestLoneReplicaAgreesWithMemory: if requests take no time, one replica on paper starts its calls at the same times as the
// limiter in memory.
func TestLoneReplicaAgreesWithMemory(t *testing.T) {
	const task, length = 30 * time.Millisecond, 3 * time.Second
	for name, l := range map[string]limiter.Limit{
		"40 a second, burst 1":    limiter.PerSecond(40, 1),
		"40 a second, burst 40":   limiter.PerSecond(40, 40),
		"1,000 a second, burst 5": limiter.PerSecond(1000, 5),
		"10 in 500 ms":            limiter.PerWindow(10, 500*time.Millisecond),
	} {
		t.Run(name, func(t *testing.T) {
			w := paper.World{Replicas: 1, Callers: 8, Task: task, Length: length, Seed: 3}
			w.Limits = []bucket.Limit{paper.PerSecond(l.Tokens, l.Burst)}
			if l.Window {
				w.Limits[0] = window(l.Tokens, l.Per)
			}
			var onPaper []time.Duration
			w.Saw = func(s paper.Start) { onPaper = append(onPaper, s.At) }
			paper.Run(w)
			real := memory(t, w, l)
			n := min(len(onPaper), len(real))
			if len(onPaper)-n > 1 || len(real)-n > 1 || n < 50 {
				t.Fatalf("%d starts on paper, %d in memory", len(onPaper), len(real))
			}
			for i := range n {
				if d := (onPaper[i] - real[i]).Abs(); d > 2*time.Millisecond {
					t.Fatalf("start %d is at %v on paper, at %v in memory", i, onPaper[i], real[i])
				}
			}
		})
	}
}

// memory runs a world with the limiter in memory, and returns when calls started.
func memory(t *testing.T, w paper.World, l limiter.Limit) (starts []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m, err := limiter.NewMemory(limiter.SingleBucket("api", l))
		if err != nil {
			t.Fatal(err)
		}
		ctx, end := context.WithTimeout(t.Context(), w.Length)
		defer end()
		zero, seen, done := time.Now(), make(chan time.Duration), make(chan struct{})
		for _, comes := range w.Comes() {
			go func() {
				for time.Sleep(comes); m.Wait(ctx, "api") == nil; time.Sleep(w.Task) {
					seen <- time.Since(zero)
				}
				done <- struct{}{}
			}()
		}
		for left := w.Callers; left > 0; {
			select {
			case at := <-seen:
				starts = append(starts, at)
			case <-done:
				left--
			}
		}
		if err := m.Close(context.WithoutCancel(ctx)); err != nil {
			t.Error(err)
		}
	})
	slices.Sort(starts)
	return starts
}
