package orchestrator_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/orchestrator"
)

func TestBatchOutcomesComeInOrderAndComplete(t *testing.T) {
	bubble(t, 1000, 1000, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		wrong := errors.New("no such track")
		tasks := make([]orchestrator.Task[int], 10)
		for i := range tasks {
			tasks[i] = func(context.Context) (int, error) {
				time.Sleep(time.Duration(10-i) * time.Millisecond) // the last ends first
				if i%4 == 2 {
					return 0, wrong
				}
				return i * i, nil
			}
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "enrich", tasks)
		if err != nil {
			t.Fatal(err)
		}
		var order []int
		for i, out := range b.Completed(t.Context()) {
			if (out.Err != nil) != (i%4 == 2) {
				t.Errorf("task %d: %+v", i, out)
			}
			order = append(order, i)
		}
		if diff := cmp.Diff([]int{9, 8, 7, 6, 5, 4, 3, 2, 1, 0}, order); diff != "" {
			t.Error("order of completion:", diff)
		}
		for range 2 { // awaiting again gives the same
			out, err := b.Await(t.Context())
			failed, ok := errors.AsType[*orchestrator.BatchError](err)
			if !ok || len(failed.Failed) != 2 || !errors.Is(failed.Failed[2], wrong) || !errors.Is(failed.Failed[6], wrong) {
				t.Errorf("error %v", err)
			}
			for i, got := range out {
				if got.Err == nil && got.Value != i*i || got.Err != nil && i%4 != 2 || got.Ran != time.Duration(10-i)*time.Millisecond {
					t.Errorf("outcome %d: %+v", i, got)
				}
			}
			if len(out) != 10 || b.Done() != 10 || b.Total() != 10 {
				t.Errorf("%d outcomes, %d of %d done", len(out), b.Done(), b.Total())
			}
		}
	})
}

func TestBatchByName(t *testing.T) {
	bubble(t, 1000, 1000, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx := t.Context()
		if _, err := orchestrator.AwaitBatch[int](ctx, o, "tracks"); !errors.Is(err, orchestrator.ErrUnknownBatch) {
			t.Errorf("before it exists: %v", err)
		}
		if _, err := orchestrator.EnqueueBatch(ctx, o, "tracks", []orchestrator.Task[int]{sleeper(time.Second, 1), sleeper(time.Second, 2)}); err != nil {
			t.Fatal(err)
		}
		if _, err := orchestrator.EnqueueBatch(ctx, o, "tracks", []orchestrator.Task[int]{value(3)}); !errors.Is(err, orchestrator.ErrBatchExists) {
			t.Errorf("an id that is in use: %v", err)
		}
		if _, err := orchestrator.AwaitBatch[string](ctx, o, "tracks"); !errors.Is(err, orchestrator.ErrBatchType) {
			t.Errorf("another result type: %v", err)
		}
		out, err := orchestrator.AwaitBatch[int](ctx, o, "tracks")
		if err != nil || len(out) != 2 || out[0].Value != 1 || out[1].Value != 2 {
			t.Errorf("%+v, %v", out, err)
		}
		if again, err := orchestrator.AwaitBatch[int](ctx, o, "tracks"); err != nil || len(again) != 2 {
			t.Errorf("awaited again, a moment later: %+v, %v", again, err)
		}
		if _, err := orchestrator.EnqueueBatch(ctx, o, "tracks", []orchestrator.Task[int]{value(4)}); err != nil {
			t.Errorf("an id that is free again: %v", err)
		}
	})
}

func TestBatchOfNothingIsDone(t *testing.T) {
	bubble(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch[int](t.Context(), o, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		if out == nil || len(out) != 0 || err != nil || b.ID() == "" {
			t.Errorf("%v, %v, id %q", out, err, b.ID())
		}
	})
}

func TestAwaitMayBeGivenUp(t *testing.T) {
	bubble(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "slowly", []orchestrator.Task[int]{value(1), value(2), value(3)})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		if out, err := b.Await(ctx); out != nil || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v, %v", out, err)
		}
		seen := 0
		for range b.Completed(ctx) {
			seen++
		}
		if seen != 2 {
			t.Errorf("%d outcomes were there, want 2", seen)
		}
		if out, err := orchestrator.AwaitBatch[int](t.Context(), o, "slowly"); err != nil || len(out) != 3 {
			t.Errorf("the tasks did not go on: %v, %v", out, err)
		}
	})
}

// TestBatchWhoseContextEnded: tasks that could not be queued have outcomes too.
func TestBatchWhoseContextEnded(t *testing.T) {
	bubble(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b, err := orchestrator.EnqueueBatch(ctx, o, "b", []orchestrator.Task[int]{value(1), value(2)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		out, err := b.Await(t.Context())
		if len(out) != 2 || !errors.Is(out[0].Err, context.Canceled) || !errors.Is(out[1].Err, context.Canceled) || err == nil {
			t.Errorf("%+v, %v", out, err)
		}
	})
}
