package orchestrator_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/orchestrator"
)

// TestASlowConsumerOfProgressDelaysNoTask: each time a slow consumer asks it gets the newest state, and at last the end.
func TestASlowConsumerOfProgressDelaysNoTask(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", slices.Repeat([]orchestrator.Task[int]{sleeper(10*time.Millisecond, 1)}, 100))
		if err != nil {
			t.Fatal(err)
		}
		took := make(chan time.Duration, 1)
		go func() {
			if _, err := b.Await(t.Context()); err != nil {
				t.Error(err)
			}
			took <- time.Since(begin)
		}()
		var heard []int
		for p := range b.Progress(t.Context()) {
			heard = append(heard, p.Done)
			time.Sleep(300*time.Millisecond + time.Microsecond)
		}
		if took := <-took; took != time.Second {
			t.Errorf("100 tasks of 10 ms took %v", took)
		}
		if diff := cmp.Diff([]int{0, 40, 80, 100}, heard); diff != "" {
			t.Error(diff)
		}
	})
}

// TestProgressEndsOnce: the last state is yielded once, before the iterator ends.
func TestProgressEndsOnce(t *testing.T) {
	l := unlimitedLimiter(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
	for range 2000 {
		b, _ := orchestrator.EnqueueBatch(forever, o, "", []orchestrator.Task[int]{value(1)})
		last := 0
		for p := range b.Progress(forever) {
			if p.Done == p.Total {
				last++
			}
		}
		if last != 1 {
			t.Fatalf("the end was yielded %d times", last)
		}
	}
	_ = o.Close(forever)
	_ = l.Close(forever)
}
