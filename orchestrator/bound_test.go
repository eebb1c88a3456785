package orchestrator_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// arrival is a task that comes some time after the one before it.
type arrival struct {
	after time.Duration
	class orchestrator.Class
	takes time.Duration
}

// TestOvertakingIsBounded for tasks of random classes, times and durations.
func TestOvertakingIsBounded(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		arrivals := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) arrival {
			return arrival{
				after: time.Duration(rapid.IntRange(0, 300).Draw(t, "after")) * time.Millisecond,
				class: orchestrator.Class(rapid.IntRange(0, 2).Draw(t, "class")), //nolint:gosec // small
				takes: time.Duration(rapid.IntRange(0, 800).Draw(t, "takes")) * time.Millisecond,
			}
		}), 1, 60).Draw(rt, "arrivals")
		if err := overtaking(t, arrivals, rapid.IntRange(1, 3).Draw(rt, "slots")); err != nil {
			rt.Fatal(err)
		}
	})
}

func FuzzOvertakingIsBounded(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 1, 1, 2, 2, 2})
	f.Fuzz(func(t *testing.T, script []byte) {
		var arrivals []arrival
		for ; len(script) >= 3 && len(arrivals) < 200; script = script[3:] {
			arrivals = append(arrivals, arrival{
				time.Duration(script[0]) * time.Millisecond, orchestrator.Class(script[1] % 3), time.Duration(script[2]) * 3 * time.Millisecond, //nolint:gosec // small
			})
		}
		if err := overtaking(t, arrivals, 1); err != nil {
			t.Error(err)
		}
	})
}

// overtaking runs tasks in virtual time and returns what was wrong with the order of their starts. Tasks of one class
// start in the order in which they were queued. No task starts after a task that was queued later by more than the
// difference of their handicaps.
func overtaking(t *testing.T, arrivals []arrival, slots int) (wrong error) {
	t.Helper()
	const ageing = time.Second
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(5, 5)}}})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: slots, Ageing: ageing})
		if err != nil {
			t.Fatal(err)
		}
		type seen struct {
			arrival
			queued, started time.Time
		}
		tasks := make([]seen, len(arrivals))
		var order []int
		starts := make(chan int, len(arrivals))
		for i, a := range arrivals {
			time.Sleep(a.after)
			tasks[i].arrival, tasks[i].queued = a, time.Now()
			if _, err := orchestrator.Submit(t.Context(), o, func(context.Context) (int, error) {
				starts <- i
				tasks[i].started = time.Now()
				time.Sleep(a.takes)
				return 0, nil
			}, orchestrator.Priority(a.class)); err != nil {
				t.Error(err)
			}
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
		close(starts)
		for i := range starts {
			order = append(order, i)
		}
		if len(order) != len(arrivals) {
			wrong = fmt.Errorf("%d of %d tasks started", len(order), len(arrivals))
			return
		}
		ranks := map[orchestrator.Class]time.Duration{orchestrator.Urgent: 0, orchestrator.Normal: 1, orchestrator.Background: 2}
		for at, i := range order {
			for _, k := range order[at+1:] {
				a, b := tasks[i], tasks[k] // a started no later than b
				if !a.started.Before(b.started) {
					continue // in the same moment
				}
				if a.class == b.class && i > k {
					wrong = fmt.Errorf("task %d of class %v started before %d of the same", i, a.class, k)
				}
				// b was queued when a started, and was ahead of it by more than the handicap of its class.
				if !b.queued.Before(a.started) {
					continue
				}
				if ahead := a.queued.Add(ranks[a.class] * ageing).Sub(b.queued.Add(ranks[b.class] * ageing)); ahead > 0 {
					wrong = fmt.Errorf("task %d (%v) started before %d (%v), which was ahead of it by %v", i, a.class, k, b.class, ahead)
				}
			}
		}
	})
	return wrong
}
