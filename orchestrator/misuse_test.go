package orchestrator_test

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestPanicsAmongMany: of 10,000 tasks one in a hundred panics, and one in a hundred ends its goroutine. Each task has its outcome, and in
// the end all slots are free.
func TestPanicsAmongMany(t *testing.T) {
	const n, slots = 10_000, 8
	inBubbleUnlimited(t, orchestrator.Config{Slots: slots, WarnPending: -1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		futures := make([]*orchestrator.Future[int], n)
		for i := range futures {
			futures[i] = submit(t, t.Context(), o, func(context.Context) (int, error) {
				switch i % 100 {
				case 7:
					panic(i)
				case 13:
					runtime.Goexit()
				}
				return i, nil
			})
		}
		var panics, exits, values int
		for i, f := range futures {
			v, err := f.Await(t.Context())
			_, panicked := errors.AsType[*orchestrator.PanicError](err)
			switch {
			case panicked && i%100 == 7:
				panics++
			case errors.Is(err, orchestrator.ErrGoexit) && i%100 == 13:
				exits++
			case err == nil && v == i:
				values++
			default:
				t.Fatalf("task %d ended with %d, %v", i, v, err)
			}
		}
		if panics != n/100 || exits != n/100 || values != n-n/50 {
			t.Errorf("%d panics, %d ends of goroutines, %d values", panics, exits, values)
		}
		// All slots are free: as many tasks execute together.
		var together sync.WaitGroup
		together.Add(slots)
		var all []*orchestrator.Future[int]
		for range slots {
			all = append(all, submit(t, t.Context(), o, func(context.Context) (int, error) {
				together.Done()
				together.Wait()
				return 0, nil
			}))
		}
		for _, f := range all {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestADrainEndsBesideATaskThatIgnoresItsContext: a drain returns when its context and its grace are over, and names the function that has
// not returned.
func TestADrainEndsBesideATaskThatIgnoresItsContext(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 2}, func(t *testing.T, o *orchestrator.Orchestrator) {
		f := submit(t, forever, o, stubborn(time.Hour, 1), orchestrator.Name("ignores-its-context"))
		time.Sleep(time.Millisecond) // it executes
		ctx, cancel := context.WithTimeout(forever, 2*time.Second)
		defer cancel()
		begun := time.Now()
		r, err := o.Drain(ctx, orchestrator.Drain{Grace: time.Second})
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("a drain of 2 s and a grace of 1 s took %v", took)
		}
		if err == nil || len(r.Stuck) != 1 || !strings.Contains(err.Error(), "ignores-its-context") {
			t.Errorf("the report does not name the function: %+v, %v", r, err)
		}
		if _, err := f.Await(forever); !errors.Is(err, orchestrator.ErrStuck) {
			t.Errorf("its task ended with %v", err)
		}
		time.Sleep(time.Hour) // the function returns
	})
}

// TestTasksThatNobodyAwaitsLeaveNothing: after 100,000 tasks whose futures nobody keeps, the heap is as before, within a tenth. A full queue
// refuses tasks with an [orchestrator.FullError].
func TestTasksThatNobodyAwaitsLeaveNothing(t *testing.T) {
	l, err := limiter.NewUnlimited(oneBucket(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2, MaxPending: 100, Full: orchestrator.Refuse, WarnPending: -1})
	if err != nil {
		t.Fatal(err)
	}
	play := func(n int) (taken int) {
		var ended atomic.Int64
		for range n {
			_, err := orchestrator.Submit(t.Context(), o, func(context.Context) ([]byte, error) {
				defer ended.Add(1)
				return make([]byte, 1000), nil
			})
			full, refused := errors.AsType[*orchestrator.FullError](err)
			switch {
			case err == nil:
				taken++
			case !refused || full == nil:
				t.Fatalf("a task that was not taken in: %v", err)
			default:
				runtime.Gosched()
			}
		}
		for o.Pending() > 0 || ended.Load() < int64(taken) {
			runtime.Gosched()
		}
		return taken
	}
	play(1000)                      // allocates the parts that stay
	ballast := make([]byte, 10<<20) // a tenth of a small heap is less than the noise of the measurement
	before := heapInUse()
	taken := play(100_000)
	after := heapInUse()
	runtime.KeepAlive(ballast)
	t.Logf("%d of 100,000 were taken in; the heap went from %d to %d bytes", taken, before, after)
	if after > before+before/10 {
		t.Errorf("the heap went from %d to %d bytes", before, after)
	}
	if taken == 100_000 || taken == 0 {
		t.Errorf("%d tasks were taken in: the queue was never full, or always", taken)
	}
	if err := o.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestSubmitAgainstClose: tasks are submitted while two goroutines close the orchestrator. Each accepted task has one outcome, and nothing
// panics.
func TestSubmitAgainstClose(t *testing.T) {
	l, err := limiter.NewUnlimited(oneBucket(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	rounds := 1000
	if *full || os.Getenv("WEIR_ROWS") == "all" {
		rounds = 10_000
	}
	for range rounds {
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2, MaxPending: 5})
		if err != nil {
			t.Fatal(err)
		}
		var taken, ended atomic.Int64
		var all sync.WaitGroup
		for range 2 {
			all.Go(func() {
				for {
					f, err := orchestrator.Submit(t.Context(), o, value(1))
					if err != nil {
						if !errors.Is(err, orchestrator.ErrClosed) {
							t.Error(err)
						}
						return
					}
					taken.Add(1)
					if _, err := f.Await(t.Context()); err != nil && !errors.Is(err, orchestrator.ErrClosed) {
						t.Error(err)
					}
					ended.Add(1)
				}
			})
			all.Go(func() {
				runtime.Gosched()
				if err := o.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if taken.Load() != ended.Load() {
			t.Fatalf("%d taken in, %d ended", taken.Load(), ended.Load())
		}
	}
}
