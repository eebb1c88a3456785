package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// heapInUse returns the bytes of the heap that are in use after a collection.
func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc) //nolint:gosec // not that many
}

// TestQueuedTasksCostMemoryOnly: a queued task has no goroutine, and costs at most 320 bytes with a context that can end.
func TestQueuedTasksCostMemoryOnly(t *testing.T) {
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 1}}}})
	if err != nil {
		t.Fatal(err)
	}
	const n = 100_000
	tasks := slices.Repeat([]orchestrator.Task[int]{value(1)}, n)
	for name, queue := range map[string]func(context.Context, *orchestrator.Orchestrator) any{
		"submitted": func(ctx context.Context, o *orchestrator.Orchestrator) any {
			futures := make([]*orchestrator.Future[int], n)
			for i := range futures {
				futures[i] = submit(t, ctx, o, tasks[0])
			}
			return futures
		},
		"in a batch": func(ctx context.Context, o *orchestrator.Orchestrator) any {
			b, err := orchestrator.EnqueueBatch(ctx, o, "", tasks)
			if err != nil {
				t.Fatal(err)
			}
			return b
		},
	} {
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, MaxPending: n, WarnPending: -1})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		goroutines, before := runtime.NumGoroutine(), heapInUse()
		kept := queue(ctx, o)
		if o.Pending() < n-1 {
			t.Fatalf("%d pending", o.Pending())
		}
		each := float64(heapInUse()-before) / n
		if name == "submitted" {
			each -= 8 // the list of futures that the test keeps
		}
		more := runtime.NumGoroutine() - goroutines
		t.Logf("%s: %.0f B and %.5f goroutines for each of %d queued tasks", name, each, float64(more)/n, n)
		if each > 320 || more > 5 {
			t.Errorf("%s: %.0f B each, %d goroutines more", name, each, more)
		}
		runtime.KeepAlive(kept)
		cancel()
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestQueuedTasksEndTogether: 100,000 queued tasks have a context each. One cancellation ends all these contexts.
func TestQueuedTasksEndTogether(t *testing.T) {
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
