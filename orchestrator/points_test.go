package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// with runs a test with an orchestrator of a configuration over an in-memory limiter of 1,000 a second, whose route
// "slow" lets one call start every 300 ms, on a clock of its own.
func with(t *testing.T, cfg orchestrator.Config, test func(t *testing.T, o *orchestrator.Orchestrator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{
				"global": {limiter.PerSecond(1000, 1000)}, "slow": {{Tokens: 1, Per: 300 * time.Millisecond, Burst: 1}},
			},
			Routes: map[string][]string{"slow": {"slow", "global"}, "other": {"global"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		cfg.Limiter = l
		o, err := orchestrator.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		test(t, o)
		ctx := context.WithoutCancel(t.Context())
		if err := o.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := l.Close(ctx); err != nil {
			t.Error(err)
		}
	})
}

// sleeper is a task that takes a time and returns a value.
func sleeper[T any](d time.Duration, v T) orchestrator.Task[T] {
	return func(ctx context.Context) (T, error) {
		select {
		case <-time.After(d):
			return v, nil
		case <-ctx.Done():
			return v, context.Cause(ctx)
		}
	}
}

// failing is a task that ends with an error.
func failing(err error) orchestrator.Task[int] {
	return func(context.Context) (int, error) { return 0, err }
}

func submit[T any](t *testing.T, ctx context.Context, o *orchestrator.Orchestrator, task orchestrator.Task[T], opts ...orchestrator.Option) *orchestrator.Future[T] {
	t.Helper()
	f, err := orchestrator.Submit(ctx, o, task, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The tests below are named after the points that executors, queues and batch loaders were found to get wrong.

// TestPoint01WaitingForATokenHoldsNoSlot: 64 tasks of a throttled route on 8 slots do not delay one of another.
func TestPoint01WaitingForATokenHoldsNoSlot(t *testing.T) {
	with(t, orchestrator.Config{Slots: 8}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 64), orchestrator.Route("slow"))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			time.Sleep(237 * time.Millisecond)
			begin := time.Now()
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took > 5*time.Millisecond {
				t.Errorf("a task of a free route waited %v", took)
			}
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPoint01WaitingReservationsYieldTheirSlots: also where every slot is held for a token that is about to come.
func TestPoint01WaitingReservationsYieldTheirSlots(t *testing.T) {
	bubble(t, 40, 1, 8, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		long := submit(t, t.Context(), o, sleeper(200*time.Millisecond, 1))
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 80))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		if s := o.Snapshot(); s.InFlight != 1 || s.Lanes[0].Reserved != 7 {
			t.Fatalf("not every slot is held: %+v", s)
		}
		asked := time.Now()
		// "slow" has a token now.
		if _, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Route("slow")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(asked); took > 5*time.Millisecond {
			t.Errorf("a task of a free route waited %v behind reservations", took)
		}
		if _, err := long.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin).Round(time.Millisecond); took != 2*time.Second {
			t.Errorf("81 tasks at 40 a second, the first at once, took %v: a token was lost", took)
		}
	})
}

func boom() { panic("boom") }

func TestPoint02PanicsAreErrorsOfTheirTask(t *testing.T) {
	var heard atomic.Int64
	cfg := orchestrator.Config{Slots: 2, OnPanic: func(p *orchestrator.PanicError) {
		heard.Add(1)
		panic("the hook, too")
	}}
	with(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 5 {
			_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { boom(); return 0, nil })
			p, ok := errors.AsType[*orchestrator.PanicError](err)
			if !ok || p.Value != "boom" {
				t.Fatalf("error %v", err)
			}
			if stack := string(p.Stack); !strings.Contains(stack, "orchestrator_test.boom") || strings.Contains(stack, "orchestrator.(*") {
				t.Errorf("the stack shows the wrong things:\n%s", stack)
			}
		}
		if s := o.Snapshot(); heard.Load() != 5 || s.Panicked != 5 || s.Failed != 5 {
			t.Errorf("heard of %d, snapshot %+v", heard.Load(), s)
		}
	})
}

// TestPoint02PanicsMayCrash runs itself again in a process that is to crash.
func TestPoint02PanicsMayCrash(t *testing.T) {
	if os.Getenv("WEIR_TEST_CRASH") != "" {
		l, err := limiter.NewUnlimited(one(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, CrashOnPanic: true})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { boom(); return 0, nil })
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPoint02PanicsMayCrash$") //nolint:gosec // itself
	cmd.Env = append(os.Environ(), "WEIR_TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: boom") || !strings.Contains(string(out), "orchestrator_test.boom") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func one(rate, burst int64) limiter.Config {
	return limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(rate, burst)}}}
}

func TestPoint03GoexitEndsItsTaskAlone(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		exits := func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[int]{exits, value(1), exits, exits, value(2)})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := b.Await(t.Context())
		for i, want := range []error{orchestrator.ErrGoexit, nil, orchestrator.ErrGoexit, orchestrator.ErrGoexit, nil} {
			if !errors.Is(out[i].Err, want) {
				t.Errorf("task %d ended with %v, want %v", i, out[i].Err, want)
			}
		}
	})
}

// TestPoint04QueuedTasksEndTogether: 100,000 that wait under as many contexts of one cancellation.
func TestPoint04QueuedTasksEndTogether(t *testing.T) {
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, MaxPending: 200_000})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := orchestrator.Execute(t.Context(), o, value(0)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	type key struct{}
	futures := make([]*orchestrator.Future[int], 100_000)
	for i := range futures {
		futures[i] = submit(t, context.WithValue(ctx, key{}, i), o, value(i))
	}
	before := runtime.NumGoroutine()
	most := before
	why := errors.New("the user left")
	begin := time.Now()
	cancel(why)
	for i, f := range futures {
		if _, err := f.Await(t.Context()); !errors.Is(err, why) {
			t.Fatalf("task %d ended with %v", i, err)
		}
		most = max(most, runtime.NumGoroutine())
	}
	t.Logf("100,000 tasks cancelled and awaited in %v, %d goroutines at most", time.Since(begin), most)
	if most > before+10 {
		t.Errorf("%d goroutines while they were cancelled, %d before", most, before)
	}
	if err := o.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestPoint04GivingUpAWaitCancelsNothing(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		f := submit(t, t.Context(), o, sleeper(time.Second, 7))
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := f.Await(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("gave up with %v", err)
		}
		if v, err := f.Await(t.Context()); v != 7 || err != nil {
			t.Errorf("the task ended with %d, %v", v, err)
		}
	})
}

func TestPoint05EveryTaskHasItsOutcomeInOrder(t *testing.T) {
	with(t, orchestrator.Config{Slots: 3}, func(t *testing.T, o *orchestrator.Orchestrator) {
		wrong := errors.New("wrong")
		tasks := make([]orchestrator.Task[int], 20)
		for i := range tasks {
			tasks[i] = func(context.Context) (int, error) {
				time.Sleep(time.Duration((i*7)%5) * time.Millisecond)
				if i%3 == 1 {
					return -1, wrong
				}
				return i, nil
			}
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", tasks)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		if len(out) != 20 || err == nil {
			t.Fatalf("%d outcomes, %v", len(out), err)
		}
		for i, got := range out {
			if i%3 == 1 && !errors.Is(got.Err, wrong) || i%3 != 1 && (got.Err != nil || got.Value != i) {
				t.Errorf("outcome %d: %+v", i, got)
			}
		}
	})
}

func TestPoint06ErrorsOfABatchNameTheirTasks(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var tasks []orchestrator.Task[int]
		for i := range 9 {
			if i%2 == 0 {
				tasks = append(tasks, failing(fmt.Errorf("error %d", i)))
			} else {
				tasks = append(tasks, value(i))
			}
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "enrich", tasks)
		if err != nil {
			t.Fatal(err)
		}
		_, err = b.Await(t.Context())
		failed, ok := errors.AsType[*orchestrator.BatchError](err)
		if !ok || len(failed.Failed) != 5 {
			t.Fatalf("%v", err)
		}
		if want := "orchestrator: batch enrich: 5 failed: [0] error 0; [2] error 2; [4] error 4; and 2 more"; err.Error() != want {
			t.Errorf("%q, want %q", err, want)
		}
		var texts []string
		for _, e := range failed.Unwrap() {
			texts = append(texts, e.Error())
		}
		if diff := cmp.Diff([]string{"error 0", "error 2", "error 4", "error 6", "error 8"}, texts); diff != "" {
			t.Error(diff)
		}
	})
}

// occupied gives a test an orchestrator of one slot, which is taken, and room for two.
func occupied(t *testing.T, full orchestrator.Full, test func(t *testing.T, o *orchestrator.Orchestrator, waiting []*orchestrator.Future[int], free func())) {
	with(t, orchestrator.Config{Slots: 1, MaxPending: 2, MaxCost: 100, Full: full}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		running := submit(t, t.Context(), o, func(context.Context) (int, error) { <-gate; return 0, nil })
		synctest.Wait()
		waiting := []*orchestrator.Future[int]{
			submit(t, t.Context(), o, value(1), orchestrator.Priority(orchestrator.Background), orchestrator.Cost(10)),
			submit(t, t.Context(), o, value(2), orchestrator.Cost(20)),
		}
		var once sync.Once
		free := func() { once.Do(func() { close(gate) }) }
		test(t, o, waiting, free)
		free()
		if _, err := running.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

func TestPoint07WhatIsFullRefuses(t *testing.T) {
	occupied(t, orchestrator.Refuse, func(t *testing.T, o *orchestrator.Orchestrator, _ []*orchestrator.Future[int], _ func()) {
		time.Sleep(time.Second)
		_, err := orchestrator.Submit(t.Context(), o, value(3))
		full, ok := errors.AsType[*orchestrator.FullError](err)
		if !ok || full.Pending != 2 || full.Cost != 30 || full.Oldest != time.Second {
			t.Errorf("%v", err)
		}
		if _, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{value(1)}); !errors.As(err, &full) {
			t.Errorf("a batch: %v", err)
		}
		if _, err := orchestrator.AwaitBatch[int](t.Context(), o, "b"); !errors.Is(err, orchestrator.ErrUnknownBatch) {
			t.Errorf("a batch that was refused: %v", err)
		}
		if s := o.Snapshot(); s.Refused != 2 || s.Pending != 2 || s.Cost != 30 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPoint07WhatIsFullMakesWait(t *testing.T) {
	occupied(t, orchestrator.Wait, func(t *testing.T, o *orchestrator.Orchestrator, _ []*orchestrator.Future[int], free func()) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := orchestrator.Submit(ctx, o, value(3)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		var order []int
		var callers sync.WaitGroup
		for i := range 3 {
			callers.Go(func() {
				f, err := orchestrator.Submit(t.Context(), o, func(context.Context) (int, error) { order = append(order, i); return i, nil })
				if err != nil {
					t.Error(err)
				} else if v, err := f.Await(t.Context()); v != i || err != nil {
					t.Errorf("%d, %v", v, err)
				}
			})
			synctest.Wait()
		}
		if s := o.Snapshot(); s.Waiting != 3 || s.Pending != 2 {
			t.Errorf("%+v", s)
		}
		free()
		callers.Wait()
		if diff := cmp.Diff([]int{0, 1, 2}, order); diff != "" {
			t.Error("they came in the order", order)
		}
		// A batch that is larger than all the room there is enters as tasks leave.
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 50))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := b.Await(t.Context()); len(out) != 50 || err != nil {
			t.Errorf("%d outcomes, %v", len(out), err)
		}
	})
}

func TestPoint07WhatIsFullShedsTheLeastUrgent(t *testing.T) {
	occupied(t, orchestrator.Shed, func(t *testing.T, o *orchestrator.Orchestrator, waiting []*orchestrator.Future[int], free func()) {
		urgent := submit(t, t.Context(), o, value(3), orchestrator.Priority(orchestrator.Urgent))
		if _, err := waiting[0].Await(t.Context()); !errors.Is(err, orchestrator.ErrShed) {
			t.Errorf("the background task ended with %v", err)
		}
		if _, err := orchestrator.Submit(t.Context(), o, value(4)); err == nil {
			t.Error("a normal task displaced another")
		}
		free()
		for _, f := range []*orchestrator.Future[int]{urgent, waiting[1]} {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if s := o.Snapshot(); s.Shed != 1 || s.Refused != 1 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPoint08WhatNeverFitsIsRefused(t *testing.T) {
	for _, full := range []orchestrator.Full{orchestrator.Wait, orchestrator.Refuse, orchestrator.Shed} {
		with(t, orchestrator.Config{MaxCost: 100, Full: full}, func(t *testing.T, o *orchestrator.Orchestrator) {
			_, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Cost(101))
			if e, ok := errors.AsType[*orchestrator.CostError](err); !ok || e.Cost != 101 || e.Max != 100 {
				t.Errorf("%v", err)
			}
			if _, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[int]{value(1)}, orchestrator.Cost(101)); err == nil {
				t.Error("a batch of such tasks was taken")
			}
			if _, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Cost(100)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestPoint09TasksMayAwaitTasks: at one slot, three levels deep, in every way that there is to wait.
func TestPoint09TasksMayAwaitTasks(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var now, most atomic.Int64
		inside := func(by int64) { most.Store(max(most.Load(), now.Add(by))) }
		leaf := func(context.Context) (int, error) { //nolint:unparam // a task
			inside(1)
			time.Sleep(time.Millisecond)
			inside(-1)
			return 1, nil
		}
		middle := func(ctx context.Context) (int, error) {
			f, err := orchestrator.Submit(ctx, o, leaf)
			if err != nil {
				return 0, err
			}
			got, err := f.Await(ctx)
			inside(1)
			time.Sleep(time.Millisecond)
			inside(-1)
			return got + 1, err
		}
		got, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			one, err := orchestrator.Execute(ctx, o, middle)
			if err != nil {
				return 0, err
			}
			b, err := orchestrator.EnqueueBatch(ctx, o, "", slices.Repeat([]orchestrator.Task[int]{middle}, 5))
			if err != nil {
				return 0, err
			}
			for _, out := range b.Completed(ctx) {
				one += out.Value
			}
			_, err = b.Await(ctx)
			return one, err
		})
		if got != 12 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
		if most.Load() != 1 {
			t.Errorf("%d executed at once on one slot", most.Load())
		}
	})
}

func TestPoint09WhoAwaitsItselfIsTold(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		self := make(chan *orchestrator.Future[int], 1)
		f := submit(t, t.Context(), o, func(ctx context.Context) (int, error) { return (<-self).Await(ctx) })
		self <- f
		if _, err := f.Await(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Errorf("a task: %v", err)
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{func(ctx context.Context) (int, error) {
			out, err := orchestrator.AwaitBatch[int](ctx, o, "b")
			return len(out), err
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Errorf("a batch: %v", err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		b, err = orchestrator.EnqueueBatch(ctx, o, "c", []orchestrator.Task[int]{func(ctx context.Context) (int, error) {
			out, err := orchestrator.AwaitBatch[int](ctx, o, "c")
			return len(out), err
		}}, orchestrator.Key("k"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Errorf("a batch, in a run that is shared: %v", err)
		}
	})
}

// TestPoint10FinishedBatchesExpire: nobody awaits them, and they do not stay for ever; and their ids say so.
func TestPoint10FinishedBatchesExpire(t *testing.T) {
	with(t, orchestrator.Config{KeepBatches: time.Minute, MaxBatches: 3}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for i := range 5 {
			if _, err := orchestrator.EnqueueBatch(t.Context(), o, fmt.Sprint("b", i), []orchestrator.Task[int]{value(i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second)
		}
		is := func(id string, want error) {
			t.Helper()
			if _, err := orchestrator.AwaitBatch[int](t.Context(), o, id); !errors.Is(err, want) {
				t.Errorf("batch %s: %v, want %v", id, err, want)
			}
		}
		is("b0", orchestrator.ErrBatchExpired) // more than three
		is("b1", orchestrator.ErrBatchExpired)
		is("b2", nil)
		is("nobody", orchestrator.ErrUnknownBatch)
		time.Sleep(9 * time.Second)
		is("b2", nil) // a moment longer
		time.Sleep(2 * time.Second)
		is("b2", orchestrator.ErrBatchExpired)
		time.Sleep(time.Minute)
		is("b3", orchestrator.ErrBatchExpired)
		is("b4", orchestrator.ErrBatchExpired)
		if s := o.Snapshot(); s.BatchesUnawaited != 4 {
			t.Errorf("%d batches were forgotten unawaited, want 4", s.BatchesUnawaited)
		}
	})
}

func TestPoint11AnybodyMayAwaitAgain(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		wrong := errors.New("wrong")
		f := submit(t, t.Context(), o, failing(wrong))
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{sleeper(time.Second, 1), failing(wrong)})
		if err != nil {
			t.Fatal(err)
		}
		var waiters sync.WaitGroup
		for range 10 {
			waiters.Go(func() {
				for range 2 {
					if _, err := f.Await(t.Context()); !errors.Is(err, wrong) {
						t.Errorf("future: %v", err)
					}
					out, err := orchestrator.AwaitBatch[int](t.Context(), o, "b")
					if len(out) != 2 || out[0].Value != 1 || !errors.Is(err, wrong) {
						t.Errorf("batch: %v, %v", out, err)
					}
					if out, err := b.Await(t.Context()); len(out) != 2 || !errors.Is(err, wrong) {
						t.Errorf("batch: %v, %v", out, err)
					}
				}
			})
		}
		waiters.Wait()
	})
}

func TestPoint12AnIdThatIsTaken(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx := t.Context()
		enqueue := func(v int, opts ...orchestrator.Option) (*orchestrator.Batch[int], error) {
			return orchestrator.EnqueueBatch(ctx, o, "b", []orchestrator.Task[int]{sleeper(time.Second, v)}, opts...)
		}
		first, err := enqueue(1)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := enqueue(2); !errors.Is(err, orchestrator.ErrBatchExists) {
			t.Errorf("live, by default: %v", err)
		}
		if same, err := enqueue(3, orchestrator.OnLive(orchestrator.LiveJoins)); same != first || err != nil {
			t.Errorf("live, joined: %v", err)
		}
		if _, err := orchestrator.EnqueueBatch(ctx, o, "b", []orchestrator.Task[string]{value("x")}, orchestrator.OnLive(orchestrator.LiveJoins)); !errors.Is(err, orchestrator.ErrBatchType) {
			t.Errorf("live, of another type: %v", err)
		}
		if same, err := enqueue(4, orchestrator.OnLive(orchestrator.LiveAppends)); same != first || err != nil {
			t.Errorf("live, appended: %v", err)
		}
		out, err := first.Await(ctx)
		if err != nil || len(out) != 2 || out[0].Value != 1 || out[1].Value != 4 {
			t.Errorf("%+v, %v", out, err)
		}
		if _, err := enqueue(5, orchestrator.OnFinished(orchestrator.FinishedFails)); !errors.Is(err, orchestrator.ErrBatchExists) {
			t.Errorf("finished, to fail: %v", err)
		}
		second, err := enqueue(6, orchestrator.OnLive(orchestrator.LiveAppends))
		if err != nil || second == first {
			t.Fatalf("finished, by default: %v", err)
		}
		if out, err := orchestrator.AwaitBatch[int](ctx, o, "b"); err != nil || len(out) != 1 || out[0].Value != 6 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

func TestPoint13ABatchOfNothing(t *testing.T) {
	with(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var last orchestrator.Progress
		b, err := orchestrator.EnqueueBatch[int](t.Context(), o, "b", nil, orchestrator.OnProgress(func(p orchestrator.Progress) { last = p }))
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		for range b.Completed(t.Context()) {
			t.Error("it has an outcome")
		}
		synctest.Wait()
		if out == nil || len(out) != 0 || err != nil || last != (orchestrator.Progress{ID: "b"}) {
			t.Errorf("%v, %v, %+v", out, err, last)
		}
	})
}

// TestPoint14ProgressIsToldApart: a slow listener delays no task, hears the newest news, and the last.
func TestPoint14ProgressIsToldApart(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var heard []orchestrator.Progress
		begin := time.Now()
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", slices.Repeat([]orchestrator.Task[int]{sleeper(10*time.Millisecond, 1)}, 100),
			orchestrator.OnProgress(func(p orchestrator.Progress) {
				heard = append(heard, p)
				time.Sleep(300 * time.Millisecond)
			}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("100 tasks of 10 ms took %v", took)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if len(heard) != 4 || heard[0].Done != 1 || heard[3] != (orchestrator.Progress{ID: "b", Done: 100, Total: 100}) {
			t.Errorf("heard %+v", heard)
		}
		// One that panics is not called again, and nothing else comes of it.
		b, err = orchestrator.EnqueueBatch(t.Context(), o, "c", []orchestrator.Task[int]{value(1), value(2)},
			orchestrator.OnProgress(func(orchestrator.Progress) { panic("a listener") }))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestPoint07WhatIsLargeIsNotPassed: who waits for much room is not passed by those who want little.
func TestPoint07WhatIsLargeIsNotPassed(t *testing.T) {
	with(t, orchestrator.Config{Slots: 1, MaxCost: 100}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		submit(t, t.Context(), o, func(context.Context) (int, error) { <-gate; return 0, nil })
		synctest.Wait()
		submit(t, t.Context(), o, value(1), orchestrator.Cost(60))
		var mu sync.Mutex
		var order []int64
		var callers sync.WaitGroup
		for _, cost := range []int64{50, 5} {
			callers.Go(func() {
				if _, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) {
					mu.Lock()
					order = append(order, cost)
					mu.Unlock()
					return 0, nil
				}, orchestrator.Cost(cost)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if s := o.Snapshot(); s.Waiting != 2 || s.Cost != 60 {
			t.Errorf("%+v", s)
		}
		close(gate)
		callers.Wait()
		if diff := cmp.Diff([]int64{50, 5}, order); diff != "" {
			t.Error(diff)
		}
	})
}
