package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// TestEveryTaskOfABatchHasItsOutcomeInOrder: also if tasks fail, and if they end in another order.
func TestEveryTaskOfABatchHasItsOutcomeInOrder(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 3}, func(t *testing.T, o *orchestrator.Orchestrator) {
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
		if len(out) != 20 || err != nil {
			t.Fatalf("%d outcomes, %v", len(out), err)
		}
		for i, got := range out {
			if i%3 == 1 && !errors.Is(got.Err, wrong) || i%3 != 1 && (got.Err != nil || got.Value != i) {
				t.Errorf("outcome %d: %+v", i, got)
			}
		}
	})
}

// TestAnOutcomeMayBeReadWhileItsFunctionRunsOn: the function of a task that has timed out does not write to the outcome.
// The race detector finds it if it does.
func TestAnOutcomeMayBeReadWhileItsFunctionRunsOn(t *testing.T) {
	l := unlimitedLimiter(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
	for range 20 {
		b, _ := orchestrator.EnqueueBatch(forever, o, "", []orchestrator.Task[int]{func(context.Context) (int, error) {
			time.Sleep(3 * time.Millisecond)
			return 7, nil
		}}, orchestrator.Timeout(time.Millisecond))
		for range 30 {
			_, _ = b.Await(forever)
			time.Sleep(200 * time.Microsecond)
		}
	}
	_ = o.Close(forever)
	_ = l.Close(forever)
}

func TestNoOutcomeHasWaitedLessThanNoTime(t *testing.T) {
	l := unlimitedLimiter(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 16})
	var wg sync.WaitGroup
	var negative atomic.Int64
	for range 16 {
		wg.Go(func() {
			for range 500 {
				b, _ := orchestrator.EnqueueBatch(forever, o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 3))
				out, _ := b.Await(forever)
				for _, x := range out {
					if x.Waited < 0 {
						negative.Add(1)
					}
				}
			}
		})
	}
	wg.Wait()
	_ = o.Close(forever)
	_ = l.Close(forever)
	if n := negative.Load(); n > 0 {
		t.Errorf("%d of 24000 tasks have a negative wait", n)
	}
}
