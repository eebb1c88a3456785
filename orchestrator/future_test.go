package orchestrator_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

func TestGivingUpAWaitCancelsNothing(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
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

// TestATaskThatAwaitsItselfGetsAnError: also if it awaits the batch that it belongs to, and in a shared run.
func TestATaskThatAwaitsItselfGetsAnError(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
		if _, err := b.Values(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
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
		if _, err := b.Values(t.Context()); !errors.Is(err, orchestrator.ErrAwaitsItself) {
			t.Errorf("a batch, in a run that is shared: %v", err)
		}
	})
}

// TestAnybodyMayAwaitAgain: ten waiters get the same result of a future and of a batch, twice.
func TestAnybodyMayAwaitAgain(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
					if len(out) != 2 || out[0].Value != 1 || !errors.Is(out[1].Err, wrong) || err != nil {
						t.Errorf("batch: %v, %v", out, err)
					}
					if out, err := b.Values(t.Context()); len(out) != 2 || !errors.Is(err, wrong) {
						t.Errorf("batch: %v, %v", out, err)
					}
				}
			})
		}
		waiters.Wait()
	})
}

func TestANilOptionDoesNotPanic(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panics: %v", p)
			}
		}()
		_, _ = orchestrator.Execute(forever, o, value(1), nil)
	})
}

// TestSubmitReturnsAFutureOrAnError: never both, also for a shared run that never fits.
func TestSubmitReturnsAFutureOrAnError(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		if f, err := orchestrator.Submit(forever, o, value(1), orchestrator.Weight(1<<40), orchestrator.Key("z")); err != nil && f != nil {
			t.Errorf("a future and an error: %v", err)
		}
	})
}
