package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// TestASharedRunEndsWhenTheLastLeaves: the caller that began a run may leave it to others. A caller that comes after the
// last has left begins a new run.
func TestASharedRunEndsWhenTheLastLeaves(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var runs atomic.Int64
		var ended error
		task := func(ctx context.Context) (int64, error) {
			n := runs.Add(1)
			select {
			case <-time.After(time.Second):
				return n, nil
			case <-ctx.Done():
				ended = context.Cause(ctx)
				return 0, ended
			}
		}
		first, leave := context.WithCancelCause(t.Context())
		a := submit(t, first, o, task, orchestrator.Key("k"))
		b := submit(t, t.Context(), o, task, orchestrator.Key("k"))
		if _, err := orchestrator.Submit(t.Context(), o, value("x"), orchestrator.Key("k")); !errors.Is(err, orchestrator.ErrKeyType) {
			t.Errorf("another type: %v", err)
		}
		time.Sleep(100 * time.Millisecond)
		gone := errors.New("gone")
		leave(gone)
		if _, err := a.Await(t.Context()); !errors.Is(err, gone) {
			t.Errorf("the caller that left got %v", err)
		}
		if v, err := b.Await(t.Context()); v != 1 || err != nil {
			t.Errorf("the caller that stayed got %d, %v", v, err)
		}

		second, leave := context.WithCancelCause(t.Context())
		c := submit(t, second, o, task, orchestrator.Key("k"))
		d := submit(t, second, o, task, orchestrator.Key("k"))
		time.Sleep(100 * time.Millisecond)
		leave(gone)
		for _, f := range []*orchestrator.Future[int64]{c, d} {
			if _, err := f.Await(t.Context()); !errors.Is(err, gone) {
				t.Errorf("all callers left, one got %v", err)
			}
		}
		// The run is about to end, and all its callers have left.
		if v, err := orchestrator.Execute(t.Context(), o, task, orchestrator.Key("k")); v != 3 || err != nil {
			t.Errorf("the next caller got %d, %v", v, err)
		}
		if !errors.Is(ended, gone) {
			t.Errorf("the run whose callers had all left saw %v", ended)
		}
	})
}

func TestErrorsAreSharedOnceAndResultsAsLongAsAsked(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		wrong := errors.New("wrong")
		var runs atomic.Int64
		task := func(context.Context) (int64, error) {
			time.Sleep(time.Millisecond)
			if n := runs.Add(1); n > 1 {
				return n, nil
			}
			return 0, wrong
		}
		keep := []orchestrator.Option{orchestrator.Key("k"), orchestrator.Keep(time.Minute)}
		a, b := submit(t, t.Context(), o, task, keep...), submit(t, t.Context(), o, task, keep...)
		for _, f := range []*orchestrator.Future[int64]{a, b} {
			if _, err := f.Await(t.Context()); !errors.Is(err, wrong) {
				t.Errorf("%v", err)
			}
		}
		for i, want := range []int64{2, 2, 3} {
			if v, err := orchestrator.Execute(t.Context(), o, task, keep...); v != want || err != nil {
				t.Errorf("call %d: %d, %v, want %d", i, v, err, want)
			}
			time.Sleep(time.Duration(i) * 40 * time.Second) // 0, 40, 80
			if i == 1 {
				time.Sleep(21 * time.Second)
			}
		}
		if s := o.Snapshot(); s.Joined != 2 || s.Done+s.Failed != 3 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPanicsOfSharedRunsReachEverybody(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for _, end := range []func(){boom, runtime.Goexit} {
			task := func(context.Context) (int, error) { time.Sleep(time.Millisecond); end(); return 0, nil }
			var futures []*orchestrator.Future[int]
			for range 5 {
				futures = append(futures, submit(t, t.Context(), o, task, orchestrator.Key("k")))
			}
			for _, f := range futures {
				if _, err := f.Await(t.Context()); err == nil {
					t.Error("no error")
				}
			}
		}
	})
}

// TestALateEndFreesNoOtherRun: a run whose callers have all left ends after the next run of its key has begun. The key
// stays with the next run.
func TestALateEndFreesNoOtherRun(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var runs atomic.Int64
		slow := func(context.Context) (int64, error) { n := runs.Add(1); time.Sleep(time.Second); return n, nil } // it ignores its context
		ctx, cancel := context.WithCancel(t.Context())
		submit(t, ctx, o, slow, orchestrator.Key("k"))
		time.Sleep(500 * time.Millisecond)
		cancel()
		synctest.Wait()
		second := submit(t, t.Context(), o, slow, orchestrator.Key("k"))
		time.Sleep(700 * time.Millisecond) // the first has ended by now
		third := submit(t, t.Context(), o, slow, orchestrator.Key("k"))
		for _, f := range []*orchestrator.Future[int64]{second, third} {
			if v, err := f.Await(t.Context()); v != 2 || err != nil {
				t.Errorf("%d, %v, want the second run's", v, err)
			}
		}
	})
}

func TestASharedRunThatAwaitsItselfGetsAnError(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var f *orchestrator.Future[int]
		ready := make(chan struct{})
		f = submit(t, within(time.Minute), o, func(ctx context.Context) (int, error) { <-ready; return f.Await(ctx) }, orchestrator.Key("k"))
		close(ready)
		if _, err := f.Await(forever); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Error(err)
		}
	})
}

// TestASharedRunThatJoinsItselfGetsAnError: it executes another task of its own key.
func TestASharedRunThatJoinsItselfGetsAnError(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		_, err := orchestrator.Execute(within(time.Minute), o, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o, value(1), orchestrator.Key("k"))
		}, orchestrator.Key("k"))
		wantError(t, "joins, and awaits, the run it is", err, orchestrator.ErrAwaitsItself)
	})
}

func TestTheWaitForASharedRunIsInTheOutcome(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.EnqueueBatch(forever, o, "", []orchestrator.Task[int]{sleeper(time.Second, 1)}, orchestrator.Key("k"))
		out, _ := b.Await(forever)
		if out[0].Waited != time.Second {
			t.Errorf("%+v", out[0])
		}
	})
}
