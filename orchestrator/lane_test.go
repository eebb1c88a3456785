package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// breakable is a limiter that can be made to fail.
type breakable struct {
	orchestrator.Limiter

	broken atomic.Pointer[error]
	asked  atomic.Int64
	urgent atomic.Int64 // runs of urgent calls
}

var orchestratorLimit = limiter.PerSecond(1000, 1000)

func (b *breakable) ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, limiter.Turn, error) {
	b.asked.Add(1)
	for _, r := range runs {
		if r.Urgent {
			b.urgent.Add(1)
		}
	}
	if err := b.broken.Load(); err != nil {
		return nil, limiter.Turn{}, *err
	}
	return b.Limiter.ReserveBatch(ctx, route, runs...)
}

// lanes is an orchestrator over a limit of its own, whose limiter can be broken.
func lanes(t *testing.T, limit limiter.Limit, slots int, test func(t *testing.T, o *orchestrator.Orchestrator, b *breakable)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limit}}})
		if err != nil {
			t.Fatal(err)
		}
		b := &breakable{Limiter: l}
		o, err := orchestrator.New(orchestrator.Config{Limiter: b, Slots: slots})
		if err != nil {
			t.Fatal(err)
		}
		test(t, o, b)
		if err := o.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
		if err := l.Close(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
}

// TestLimiterThatFailsEndsNoTask: tasks that have time left wait until the limiter answers again, and start in their order.
func TestLimiterThatFailsEndsNoTask(t *testing.T) {
	for name, c := range map[string]struct {
		limit  limiter.Limit
		outage time.Duration
		tasks  int
	}{
		"100 ms at 1000 a second": {limiter.PerSecond(1000, 1000), 100 * time.Millisecond, 5000},
		"2 s at 40 a second":      {limiter.PerSecond(40, 40), 2 * time.Second, 400},
		"a minute at 1 a second":  {limiter.PerSecond(1, 1), time.Minute, 20},
	} {
		t.Run(name, func(t *testing.T) {
			lanes(t, c.limit, 8, func(t *testing.T, o *orchestrator.Orchestrator, b *breakable) {
				batch, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, c.tasks))
				if err != nil {
					t.Fatal(err)
				}
				down := errors.New("redis is down")
				b.broken.Store(&down)
				asked := b.asked.Load()
				time.Sleep(c.outage)
				if n := b.asked.Load() - asked; n > 12+int64(c.outage/time.Second) {
					t.Errorf("%d requests in an outage of %v", n, c.outage)
				}
				short, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin := time.Now()
				if _, err := orchestrator.Execute(short, o, value(1)); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > time.Second {
					t.Errorf("a task with a second left ended with %v after %v", err, time.Since(begin))
				}
				b.broken.Store(nil)
				if _, err := batch.Values(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestWhatCancelledTasksHadGoesToTheNext: a reservation without a task frees its slot at once, and the next task gets it.
// A lane does not stay in the line for cancelled tasks.
func TestWhatCancelledTasksHadGoesToTheNext(t *testing.T) {
	lanes(t, limiter.PerSecond(1, 1), 2, func(t *testing.T, o *orchestrator.Orchestrator, _ *breakable) {
		begin := time.Now()
		if _, err := orchestrator.Execute(t.Context(), o, value(0)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			if _, err := orchestrator.Submit(ctx, o, value(1)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(950 * time.Millisecond)
		if s := o.Snapshot(); s.Pending != 2 || s.Lanes[0].Reserved != 1 {
			t.Fatalf("want one task with a reservation and one in the line: %+v", s)
		}
		cancel()
		synctest.Wait()
		if s := o.Snapshot(); s.Pending != 0 || s.Lanes[0].Reserved != 0 {
			t.Errorf("after both were cancelled: %+v", s)
		}
		if _, err := orchestrator.Execute(t.Context(), o, value(2)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin).Round(time.Millisecond); took != time.Second {
			t.Errorf("the next task started after %v, want the second at which the reservation of a cancelled task is due", took)
		}
	})
}

// TestALaneWithoutTasksLeavesTheLine: when the last task has its reservation, Close does not wait for the line.
func TestALaneWithoutTasksLeavesTheLine(t *testing.T) {
	lanes(t, limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1}, 2, func(t *testing.T, o *orchestrator.Orchestrator, _ *breakable) {
		begin := time.Now()
		if _, err := orchestrator.Execute(t.Context(), o, value(0)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := orchestrator.Submit(ctx, o, value(1)); err != nil {
			t.Fatal(err)
		}
		last, err := orchestrator.Submit(t.Context(), o, value(2))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour - 100*time.Millisecond) // one has a reservation, the other is in the line
		cancel()
		if _, err := last.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin).Round(time.Second); took != time.Hour {
			t.Errorf("closed after %v, want an hour", took)
		}
	})
}

// TestAnOutcomeIsReturnedAfterTheContextHasEnded: Await returns an outcome that exists, even if its context has ended.
func TestAnOutcomeIsReturnedAfterTheContextHasEnded(t *testing.T) {
	inBubbleAtRate(t, 40, 40, 2, func(t *testing.T, o *orchestrator.Orchestrator) {
		f, err := orchestrator.Submit(t.Context(), o, value(7))
		if err != nil {
			t.Fatal(err)
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{value(7)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for range 100 {
			if got, err := f.Await(ended); got != 7 || err != nil {
				t.Fatalf("future: %d, %v", got, err)
			}
			if got, err := b.Await(ended); len(got) != 1 || err != nil {
				t.Fatalf("batch: %v, %v", got, err)
			}
			if err := o.Close(ended); err != nil {
				t.Fatalf("close of an idle orchestrator: %v", err)
			}
		}
	})
}

// TestLanesDoNotRobEachOther: a route may take the slot of another route's reservation, but not that route's last slot.
// Otherwise two routes would take one slot from each other without end.
func TestLanesDoNotRobEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		routes := []string{"a", "b", "c"}
		buckets := map[string][]limiter.Limit{}
		for _, route := range routes {
			buckets[route] = []limiter.Limit{limiter.PerSecond(40, 1)}
		}
		l, err := limiter.NewMemory(limiter.Config{Buckets: buckets})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
		if err != nil {
			t.Fatal(err)
		}
		var batches []*orchestrator.Batch[int]
		for _, route := range routes {
			b, err := orchestrator.EnqueueBatch(t.Context(), o, route, slices.Repeat([]orchestrator.Task[int]{value(1)}, 100), orchestrator.Route(route))
			if err != nil {
				t.Fatal(err)
			}
			batches = append(batches, b)
		}
		time.Sleep(2 * time.Second)
		// One slot is held for one token at a time. The routes share as many starts as one route alone would have.
		for _, b := range batches {
			if n := b.Done(); n < 20 {
				t.Errorf("%s: %d of 100 done in 2 s", b.ID(), n)
			}
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestUrgentTasksAskAsSuch: a lane that is in the line asks for an urgent task at once, as an urgent caller, and that task
// gets the token.
func TestUrgentTasksAskAsSuch(t *testing.T) {
	lanes(t, limiter.PerSecond(1, 1), 5, func(t *testing.T, o *orchestrator.Orchestrator, b *breakable) {
		first := submit(t, t.Context(), o, value(0))
		normal := submit(t, t.Context(), o, value(1))
		synctest.Wait()
		if n := b.urgent.Load(); n != 0 {
			t.Errorf("%d urgent calls for normal tasks", n)
		}
		before := b.asked.Load()
		urgent := submit(t, t.Context(), o, value(2), orchestrator.Priority(orchestrator.Urgent))
		synctest.Wait()
		if n := b.urgent.Load(); n != 1 || b.asked.Load() != before+1 {
			t.Errorf("%d urgent calls of %d for an urgent task", n, b.asked.Load()-before)
		}
		begin := time.Now()
		for i, f := range []*orchestrator.Future[int]{first, urgent, normal} {
			if _, err := f.Await(t.Context()); err != nil || time.Since(begin).Round(time.Millisecond) != time.Duration(i)*time.Second {
				t.Errorf("the %d. ended after %v, %v", i+1, time.Since(begin), err)
			}
		}
	})
}
