package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/orchestrator"
)

func TestBatchOutcomesComeInOrderAndComplete(t *testing.T) {
	inBubbleAtRate(t, 1000, 1000, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
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
		for range 2 { // a second Await returns the same
			values, err := b.Values(t.Context())
			failed, ok := errors.AsType[*orchestrator.BatchError](err)
			if diff := cmp.Diff([]int{2, 6}, failed.Indexes); !ok || diff != "" || !errors.Is(failed.Errors[0], wrong) || !errors.Is(failed.Errors[1], wrong) {
				t.Errorf("error %v: %s", err, diff)
			}
			if diff := cmp.Diff([]int{0, 1, 0, 9, 16, 25, 0, 49, 64, 81}, values); diff != "" {
				t.Error("values:", diff)
			}
			out, err := b.Await(t.Context())
			if err != nil {
				t.Error(err)
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
	inBubbleAtRate(t, 1000, 1000, 10, func(t *testing.T, o *orchestrator.Orchestrator) {
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
	inBubbleAtRate(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch[int](t.Context(), o, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		if out == nil || len(out) != 0 || err != nil || b.ID() != "" {
			t.Errorf("%v, %v, id %q", out, err, b.ID())
		}
	})
}

func TestAwaitMayBeGivenUp(t *testing.T) {
	inBubbleAtRate(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
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
	inBubbleAtRate(t, 1, 1, 1, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		b, err := orchestrator.EnqueueBatch(ctx, o, "b", []orchestrator.Task[int]{value(1), value(2)})
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		out, err := b.Await(t.Context())
		if len(out) != 2 || !errors.Is(out[0].Err, context.Canceled) || !errors.Is(out[1].Err, context.Canceled) || err != nil {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// TestErrorsOfABatchNameTheirTasks: the text names the first three tasks, and the error wraps the errors of all.
func TestErrorsOfABatchNameTheirTasks(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
		_, err = b.Values(t.Context())
		failed, ok := errors.AsType[*orchestrator.BatchError](err)
		if !ok || len(failed.Errors) != 5 {
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

// TestFinishedBatchesExpire: a batch that nobody awaits is kept for a limited time, and its id says that the batch has
// expired.
func TestFinishedBatchesExpire(t *testing.T) {
	inBubble(t, orchestrator.Config{KeepBatches: time.Minute, MaxBatches: 3}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
			t.Errorf("%d batches were forgotten before anybody awaited them, want 4", s.BatchesUnawaited)
		}
	})
}

// TestAnIDInUseIsRefusedJoinedOrAppendedTo: the options decide which. An id whose batch has finished is free.
func TestAnIDInUseIsRefusedJoinedOrAppendedTo(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
		second, err := enqueue(6, orchestrator.OnLive(orchestrator.LiveAppends))
		if err != nil || second == first {
			t.Fatalf("finished, by default: %v", err)
		}
		if out, err := orchestrator.AwaitBatch[int](ctx, o, "b"); err != nil || len(out) != 1 || out[0].Value != 6 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

func TestABatchOfNothingHasNoOutcomeAndOneState(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch[int](t.Context(), o, "b", nil)
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		for range b.Completed(t.Context()) {
			t.Error("it has an outcome")
		}
		seen := slices.Collect(b.Progress(t.Context()))
		if out == nil || len(out) != 0 || err != nil || len(seen) != 1 || seen[0] != (orchestrator.Progress{ID: "b"}) {
			t.Errorf("%v, %v, %+v", out, err, seen)
		}
	})
}

// TestABatchAppendedToOneThatIsRefusedFinishes: the first tasks of a batch are refused. Tasks that were appended before
// that have outcomes.
func TestABatchAppendedToOneThatIsRefusedFinishes(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{MaxWeight: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		go func() {
			_, _ = orchestrator.EnqueueBatch(forever, o, "x", []orchestrator.Task[int]{value(1)},
				orchestrator.Weight(11), orchestrator.Keys(func(int) string { <-gate; return "" }))
		}()
		synctest.Wait()
		b, err := orchestrator.EnqueueBatch(forever, o, "x", []orchestrator.Task[int]{value(2)}, orchestrator.OnLive(orchestrator.LiveAppends))
		if err != nil {
			t.Fatal(err)
		}
		close(gate)
		synctest.Wait()
		if _, err := b.Await(within(time.Minute)); err != nil {
			t.Errorf("a batch whose only task has ended does not finish: %v; %d/%d", err, b.Done(), b.Total())
		}
		if _, err := orchestrator.AwaitBatch[int](within(time.Minute), o, "x"); err != nil {
			t.Errorf("await by id: %v", err)
		}
	})
}

// TestTheLatestExpiredIDsAreRemembered: an id that was used again counts from its last use.
func TestTheLatestExpiredIDsAreRemembered(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{MaxBatches: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for _, id := range []string{"x", "0", "1", "2", "3", "4", "5", "6", "7", "x", "8", "9"} {
			b, _ := orchestrator.EnqueueBatch(forever, o, id, []orchestrator.Task[int]{value(1)})
			_, _ = b.Await(forever)
			time.Sleep(time.Minute)
		}
		if _, err := orchestrator.AwaitBatch[int](forever, o, "x"); !errors.Is(err, orchestrator.ErrBatchExpired) {
			t.Errorf("the third last of the 10 ids that are remembered: %v", err)
		}
	})
}
