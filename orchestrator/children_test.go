package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestTasksOfRunningTasksAreTakenInWhileItCloses: a task that executes may submit and await others until the drain hands tasks
// back.
func TestTasksOfRunningTasksAreTakenInWhileItCloses(t *testing.T) {
	for name, c := range map[string]struct {
		how  orchestrator.Drain
		want error
	}{"closed": {orchestrator.Drain{}, nil}, "handed back": {orchestrator.Drain{HandBack: true}, orchestrator.ErrClosed}} {
		inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
			var child, batch, keyed, loaded error
			b := squares(t, o)
			f := submit(t, t.Context(), o, func(ctx context.Context) (int, error) {
				time.Sleep(time.Second)
				_, child = orchestrator.Execute(ctx, o, value(1))
				_, keyed = orchestrator.Execute(ctx, o, value(1), orchestrator.Key("k"))
				_, loaded = b.Load(ctx, 2)
				all, err := orchestrator.EnqueueBatch(ctx, o, "b", []orchestrator.Task[int]{value(1), value(2)})
				if batch = err; err == nil {
					_, batch = all.Values(ctx)
				}
				return 1, nil
			})
			synctest.Wait()
			if report, err := o.Drain(t.Context(), c.how); err != nil || report.Refused+report.Cancelled > 0 {
				t.Errorf("%s: %v, %v", name, report, err)
			}
			for what, err := range map[string]error{"a task": child, "a batch": batch, "a key": keyed, "a load": loaded} {
				if !errors.Is(err, c.want) {
					t.Errorf("%s: %s of a running task: %v", name, what, err)
				}
			}
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
			if _, err := orchestrator.Submit(t.Context(), o, value(1)); !errors.Is(err, orchestrator.ErrClosed) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
}

func squares(t *testing.T, o *orchestrator.Orchestrator) *orchestrator.Batcher[int, int] {
	t.Helper()
	b, err := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		out := map[int]int{}
		for _, k := range keys {
			out[k] = k * k
		}
		return out, nil
	}, orchestrator.BatcherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestNothingRunsAgainAfterHandingBack: a task that fails while it is drained ends with its error.
func TestNothingRunsAgainAfterHandingBack(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		busy, runs := errors.New("busy"), 0
		f := submit(t, t.Context(), o, func(context.Context) (int, error) {
			runs++
			time.Sleep(time.Second)
			return 0, orchestrator.Again(busy, time.Minute)
		})
		synctest.Wait()
		report, err := o.Drain(t.Context(), orchestrator.Drain{HandBack: true})
		if err != nil || report.Took != time.Second || report.Ended != 1 || runs != 1 {
			t.Errorf("%v, %v, %d attempts", report, err, runs)
		}
		if _, err := f.Await(t.Context()); !errors.Is(err, busy) {
			t.Error(err)
		}
	})
}

// TestEveryKeyThatWasTakenInIsServed: also if the orchestrator closes at the moment at which a delay ends.
func TestEveryKeyThatWasTakenInIsServed(t *testing.T) {
	for n := range 50 {
		l, err := limiter.NewUnlimited(oneBucket(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}
		b := squares(t, o)
		var callers sync.WaitGroup
		var served, closed atomic.Int64
		for k := range 6 {
			callers.Go(func() {
				v, err := b.Load(forever, n*100+k)
				switch {
				case err == nil && v == (n*100+k)*(n*100+k):
					served.Add(1)
				case errors.Is(err, orchestrator.ErrClosed):
					closed.Add(1)
				default:
					t.Errorf("key %d: %d, %v", k, v, err)
				}
			})
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if served.Load()+closed.Load() != 6 {
			t.Errorf("%d served, %d too late", served.Load(), closed.Load())
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// TestATaskThatWaitsForItsOwnEndGetsAnError: if it closes its orchestrator, or ranges over the batch that it is part of.
func TestATaskThatWaitsForItsOwnEndGetsAnError(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		if _, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) { return 0, o.Close(ctx) }); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Errorf("Close: %v", err)
		}
		for _, opts := range [][]orchestrator.Option{nil, {orchestrator.Key("k")}} {
			self := make(chan *orchestrator.Batch[int], 1)
			b, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[int]{func(ctx context.Context) (n int, err error) {
				b := <-self
				for range b.Progress(ctx) {
					n++
				}
				for i, out := range b.Completed(ctx) {
					if i != -1 {
						t.Error(i)
					}
					err = out.Err
				}
				return n, err
			}}, opts...)
			if err != nil {
				t.Fatal(err)
			}
			self <- b
			if _, err := b.Values(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
				t.Errorf("Completed: %v", err)
			}
		}
	})
}

// TestBatchesAreTakenWholeOrRefused: batches with keys, without keys, and batches that could never fit.
func TestBatchesAreTakenWholeOrRefused(t *testing.T) {
	for _, full := range []orchestrator.Full{orchestrator.Refuse, orchestrator.Shed} {
		withTheSlotTaken(t, full, func(t *testing.T, o *orchestrator.Orchestrator, waiting []*orchestrator.Future[int], free func()) {
			ran := 0
			task := func(context.Context) (int, error) { ran++; return 0, nil }
			keys := orchestrator.Keys(func(i int) string { return fmt.Sprint(i % 2) })
			for _, opts := range [][]orchestrator.Option{nil, {keys}} {
				n := 3 // more than ever fit
				if opts != nil {
					n = 6
				}
				tasks := make([]orchestrator.Task[int], n)
				for i := range tasks {
					tasks[i] = task
				}
				opts = append(opts, orchestrator.Priority(orchestrator.Background))
				_, err := orchestrator.EnqueueBatch(t.Context(), o, "b", tasks, opts...)
				refused, ok := errors.AsType[*orchestrator.FullError](err)
				if !ok || refused.Never != (len(opts) == 1) {
					t.Errorf("%d tasks: %v", n, err)
				}
				if _, err := orchestrator.AwaitBatch[int](t.Context(), o, "b"); !errors.Is(err, orchestrator.ErrUnknownBatch) {
					t.Error(err)
				}
			}
			free()
			for _, f := range waiting {
				if _, err := f.Await(t.Context()); err != nil {
					t.Error(err)
				}
			}
			// The keys of refused tasks are free.
			if _, err := orchestrator.Execute(t.Context(), o, value("x"), orchestrator.Key("0")); err != nil || ran != 0 {
				t.Errorf("%d ran, %v", ran, err)
			}
		})
	}
}

// TestKeysJoinBeforeRoom: two tasks of a key that wait for room are one run.
func TestKeysJoinBeforeRoom(t *testing.T) {
	withTheSlotTaken(t, orchestrator.Wait, func(t *testing.T, o *orchestrator.Orchestrator, _ []*orchestrator.Future[int], free func()) {
		var runs atomic.Int64
		var callers sync.WaitGroup
		first, leave := context.WithCancel(t.Context())
		for i := range 4 {
			ctx := t.Context()
			if i == 0 {
				ctx = first
			}
			callers.Go(func() {
				_, err := orchestrator.Execute(ctx, o, func(context.Context) (int64, error) { return runs.Add(1), nil }, orchestrator.Key("k"))
				if (err != nil) != (i == 0) {
					t.Errorf("caller %d: %v", i, err)
				}
			})
			synctest.Wait()
		}
		leave() // the caller that began the run leaves it to the others
		synctest.Wait()
		free()
		callers.Wait()
		if n := runs.Load(); n != 1 {
			t.Errorf("%d runs", n)
		}
	})
}

// TestGoingThroughABatchInATaskKeepsReservations: a task that waits for the outcomes of a batch lends its slot once for each wait.
// No reservation is returned because of that.
func TestGoingThroughABatchInATaskKeepsReservations(t *testing.T) {
	lanes(t, limiter.PerSecond(20, 1), 3, func(t *testing.T, o *orchestrator.Orchestrator, b *breakable) {
		tasks := make([]orchestrator.Task[int], 100)
		for i := range tasks {
			tasks[i] = value(i)
		}
		before := b.asked.Load()
		if _, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			all, err := orchestrator.EnqueueBatch(ctx, o, "", tasks)
			if err != nil {
				return 0, err
			}
			n := 0
			for range all.Completed(ctx) {
				n++
			}
			return n, nil
		}); err != nil {
			t.Error(err)
		}
		calls := float64(b.asked.Load()-before) / 100
		t.Logf("%.2f requests for each task", calls)
		if calls > 1.1 {
			t.Errorf("%.2f requests for each task, want at most 1.1", calls)
		}
	})
}
