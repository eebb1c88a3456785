package orchestrator_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/orchestrator"
)

// TestFleetSharesTheBudgetFrugally: replicas with 500 waiting tasks each share 40 a second through Redis, in virtual
// time. The test checks how much of the budget is used, how many calls to Redis each task costs, and how many tasks each
// replica starts.
func TestFleetSharesTheBudgetFrugally(t *testing.T) {
	for _, c := range []struct {
		replicas, tasks int
		calls           float64
	}{{1, 2400, 0.45}, {8, 500, 0.45}} {
		t.Run(fmt.Sprint(c.replicas, " x ", c.tasks), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { sharing(t, c.replicas, c.tasks, c.calls) })
		})
	}
}

func sharing(t *testing.T, replicas, tasks int, mostCalls float64) {
	t.Helper()
	const slots, takes, rate, burst = 10, 100 * time.Millisecond, 40, 40
	m, _ := limitertest.Redis(t)
	var mu sync.Mutex
	var starts []time.Time
	served := make([]int, replicas)
	begin := time.Now()
	var calls int64
	var running sync.WaitGroup
	for i := range replicas {
		rdb := redis.NewClient(limitertest.Options(m))
		defer rdb.Close()
		l, err := limiter.New(t.Context(), rdb, oneBucket(rate, burst))
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: slots})
		if err != nil {
			t.Fatal(err)
		}
		task := func(context.Context) (int, error) { //nolint:unparam // a task
			mu.Lock()
			starts = append(starts, time.Now())
			served[i]++
			mu.Unlock()
			time.Sleep(takes)
			return 0, nil
		}
		running.Go(func() {
			b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{task}, tasks))
			if err != nil {
				t.Error(err)
				return
			}
			// Only while every replica has waiting tasks: at the end fewer tasks share a call.
			time.Sleep(time.Until(begin.Add(50 * time.Second)))
			mu.Lock()
			calls += l.StoreCalls()
			mu.Unlock()
			if _, err := b.Await(t.Context()); err != nil {
				t.Error(err)
			}
			if err := o.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if err := l.Close(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	time.Sleep(50 * time.Second)
	synctest.Wait()
	mu.Lock()
	started, each := len(starts), slices.Clone(served)
	mu.Unlock()
	running.Wait()
	if err := limitertest.Law(starts, limiter.PerSecond(rate, burst), time.Millisecond); err != nil {
		t.Error(err)
	}
	used := float64(started) / (rate*50 + burst) // a new bucket begins full
	perTask := float64(calls) / float64(started)
	t.Logf("%d replicas: %.4f of the budget used, %.3f calls for each task, tasks by replica %v", replicas, used, perTask, each)
	if used < 0.99 {
		t.Errorf("%.4f of the budget used, want 0.99", used)
	}
	if perTask > mostCalls {
		t.Errorf("%.3f calls to Redis for each task, want at most %.2f", perTask, mostCalls)
	}
	if spread := slices.Max(each) - slices.Min(each); spread > 40 { // four turns of a horizon's tokens
		t.Errorf("tasks by replica: %v", each)
	}
}
