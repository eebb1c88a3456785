package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

func TestExecuteReturnsWhatTheTaskReturns(t *testing.T) {
	inBubbleAtRate(t, 40, 40, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		got, err := orchestrator.Execute(t.Context(), o, value("song"))
		if got != "song" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
		wrong := errors.New("404")
		_, err = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { return 0, wrong })
		if !errors.Is(err, wrong) {
			t.Errorf("error %v, want the task's", err)
		}
		if s := o.Snapshot(); s.Done != 1 || s.Failed != 1 || s.InFlight != 0 {
			t.Errorf("snapshot %+v", s)
		}
	})
}

func TestSlotsBoundWhatExecutes(t *testing.T) {
	inBubbleAtRate(t, 10_000, 10_000, 3, func(t *testing.T, o *orchestrator.Orchestrator) {
		var now, most atomic.Int64
		tasks := make([]orchestrator.Task[int], 30)
		for i := range tasks {
			tasks[i] = func(context.Context) (int, error) {
				most.Store(max(most.Load(), now.Add(1)))
				defer now.Add(-1)
				time.Sleep(10 * time.Millisecond)
				return i, nil
			}
		}
		begin := time.Now()
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", tasks)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		if most.Load() != 3 {
			t.Errorf("%d executed at once, want 3", most.Load())
		}
		if took := time.Since(begin); took != 100*time.Millisecond {
			t.Errorf("30 tasks of 10 ms on 3 slots took %v", took)
		}
	})
}

func TestTasksStartAtTheRateInOrder(t *testing.T) {
	inBubbleAtRate(t, 40, 5, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		var mu sync.Mutex
		var order []int
		var starts []time.Duration
		tasks := make([]orchestrator.Task[int], 45)
		for i := range tasks {
			tasks[i] = func(context.Context) (int, error) {
				mu.Lock()
				order, starts = append(order, i), append(starts, time.Since(begin))
				mu.Unlock()
				time.Sleep(100 * time.Millisecond)
				return i, nil
			}
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", tasks)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		slices.Sort(order[:5]) // the first five start in the same instant
		if !slices.IsSorted(order) {
			t.Errorf("started in the order %v", order)
		}
		if last := starts[len(starts)-1].Round(time.Millisecond); last != time.Second {
			t.Errorf("the 45th of 5 + 40 a second started after %v", last)
		}
	})
}

func TestTaskCarriesItsReservation(t *testing.T) {
	inBubbleAtRate(t, 40, 40, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		got, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (string, error) {
			r, ok := limiter.FromContext(ctx)
			if !ok || r.Use("lastfm") || !r.Use("spotify") || r.Use("spotify") {
				return "", errors.New("no reservation of the task's route, to be used once")
			}
			return r.Route(), nil
		}, orchestrator.Route("spotify"))
		if got != "spotify" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
}

// TestCancelledTasksHoldNoSlot: a lane whose next token is an hour away holds no slot for cancelled tasks.
func TestCancelledTasksHoldNoSlot(t *testing.T) {
	inBubbleAtRate(t, 1000, 1000, 2, func(t *testing.T, o *orchestrator.Orchestrator) {
		if _, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Route("slow")); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		var waiting []*orchestrator.Future[int]
		for range 5 {
			f, err := orchestrator.Submit(ctx, o, value(1), orchestrator.Route("slow"))
			if err != nil {
				t.Fatal(err)
			}
			waiting = append(waiting, f)
		}
		synctest.Wait()
		why := errors.New("the user left")
		cancel(why)
		begin := time.Now()
		for _, f := range waiting {
			if _, err := f.Await(t.Context()); !errors.Is(err, why) {
				t.Errorf("a cancelled task ended with %v", err)
			}
		}
		if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took > time.Millisecond {
			t.Errorf("a task of a free route waited %v behind cancelled tasks", took)
		}
	})
}

// TestCancelledTaskWastesNothing: the token that a cancelled task waited for goes to the next in line.
func TestCancelledTaskWastesNothing(t *testing.T) {
	inBubbleAtRate(t, 10, 1, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		ctx, cancel := context.WithCancel(t.Context())
		if _, err := orchestrator.Execute(t.Context(), o, value(0)); err != nil {
			t.Fatal(err)
		}
		var gone, stay []*orchestrator.Future[int]
		for i := range 6 {
			submitter, list := ctx, &gone
			if i%2 == 1 {
				submitter, list = t.Context(), &stay
			}
			f, err := orchestrator.Submit(submitter, o, value(i))
			if err != nil {
				t.Fatal(err)
			}
			*list = append(*list, f)
		}
		time.Sleep(50 * time.Millisecond)
		cancel()
		for i, f := range stay {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
			if got, want := time.Since(begin).Round(time.Millisecond), time.Duration(i+1)*100*time.Millisecond; got != want {
				t.Errorf("task %d ended after %v, want %v", i, got, want)
			}
		}
		for _, f := range gone {
			if _, err := f.Await(t.Context()); !errors.Is(err, context.Canceled) {
				t.Errorf("a cancelled task ended with %v", err)
			}
		}
	})
}

func TestRunningTaskSeesItsContextEnd(t *testing.T) {
	inBubbleAtRate(t, 40, 40, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		begin := time.Now()
		_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // cleaning up
			return 0, ctx.Err()
		})
		if !errors.Is(err, context.Canceled) || time.Since(begin) != 2*time.Second {
			t.Errorf("ended with %v after %v, want when the function returned", err, time.Since(begin))
		}
	})
}

func TestPanicAndGoexitEndTheirTaskAlone(t *testing.T) {
	inBubbleAtRate(t, 1000, 1000, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		cause := errors.New("index 3 of 2")
		_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { panic(cause) })
		if p, ok := errors.AsType[*orchestrator.PanicError](err); !ok || !errors.Is(err, cause) || len(p.Stack) == 0 {
			t.Errorf("panic: %v", err)
		}
		_, err = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) {
			runtime.Goexit()
			return 0, nil
		})
		if !errors.Is(err, orchestrator.ErrGoexit) {
			t.Errorf("Goexit: %v", err)
		}
		// The one slot is free again.
		if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
			t.Error(err)
		}
	})
}

func TestLimiterErrorEndsTheTask(t *testing.T) {
	inBubbleAtRate(t, 40, 40, 2, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 5 {
			_, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Route("nowhere"))
			if e, ok := errors.AsType[*limiter.RouteError](err); !ok || e.Route != "nowhere" {
				t.Errorf("a route that is not configured: %v", err)
			}
		}
		if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
			t.Error(err)
		}
	})
}

func TestCloseDrains(t *testing.T) {
	inBubbleAtRate(t, 10, 1, 2, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", slices.Repeat([]orchestrator.Task[int]{value(1)}, 11))
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != time.Second || b.Done() != 11 {
			t.Errorf("closed after %v with %d of 11 done", took, b.Done())
		}
		if _, err := orchestrator.Submit(t.Context(), o, value(1)); !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("submitted after Close: %v", err)
		}
	})
}

func TestCloseGivesUpWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(1, 1)}}})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2})
		if err != nil {
			t.Fatal(err)
		}
		running, err := orchestrator.Submit(t.Context(), o, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, context.Cause(ctx)
		})
		if err != nil {
			t.Fatal(err)
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", slices.Repeat([]orchestrator.Task[int]{value(1)}, 100))
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
		defer cancel()
		if err := o.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Close: %v", err)
		}
		if _, err := running.Await(t.Context()); !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("the executing task ended with %v", err)
		}
		out, err := b.Values(t.Context())
		if failed, ok := errors.AsType[*orchestrator.BatchError](err); !ok || len(failed.Errors) != 98 || !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("98 of %d tasks should have ended with ErrClosed: %v", len(out), err)
		}
		if err := o.Close(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("closed again: %v", err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestEveryTaskEndsOnce: every accepted task has one outcome, whichever contexts are cancelled, and whenever.
func TestEveryTaskEndsOnce(t *testing.T) {
	inBubbleAtRate(t, 500, 50, 4, func(t *testing.T, o *orchestrator.Orchestrator) {
		var submitters sync.WaitGroup
		var ended atomic.Int64
		for i := range 20 {
			submitters.Go(func() {
				for k := range 20 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Duration((i*7+k*13)%40)*time.Millisecond)
					route := []string{"global", "spotify", "lastfm"}[k%3]
					_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
						time.Sleep(time.Duration(k) * time.Millisecond)
						return k, ctx.Err()
					}, orchestrator.Route(route), orchestrator.Name(fmt.Sprint("kind", k%2)))
					if err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					ended.Add(1)
					cancel()
				}
			})
		}
		submitters.Wait()
		if s := o.Snapshot(); ended.Load() != 400 || s.Pending+s.InFlight != 0 {
			t.Errorf("%d of 400 ended, snapshot %+v", ended.Load(), s)
		}
	})
}
