package orchestrator_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// numbers yields 0, 1, 2, … and counts how many it has yielded.
func numbers(n int, taken *int) func(func(int) bool) {
	return func(yield func(int) bool) {
		for i := range n {
			*taken++
			if !yield(i) {
				return
			}
		}
	}
}

// TestStreamTakesAsMuchAsThereIsRoomFor: each value has its outcome, and the stream does not take values long before their calls can start.
func TestStreamTakesAsMuchAsThereIsRoomFor(t *testing.T) {
	for name, opts := range map[string][]orchestrator.Option{
		"count": nil, "weight": {orchestrator.Weight(40)}, "key": {orchestrator.Share("s"), orchestrator.Priority(orchestrator.Urgent)},
	} {
		inBubble(t, orchestrator.Config{Slots: 4, MaxWeight: 100}, func(t *testing.T, o *orchestrator.Orchestrator) {
			taken, seen := 0, map[int]bool{}
			most := 0
			for i, out := range orchestrator.Stream(t.Context(), o, numbers(100, &taken), func(_ context.Context, n int) (int, error) {
				time.Sleep(time.Second)
				return n * n, nil
			}, opts...) {
				if out.Err != nil || out.Value != i*i || seen[i] {
					t.Errorf("%s: %d: %+v", name, i, out)
				}
				seen[i] = true
				most = max(most, taken-len(seen))
			}
			limit := 8 + 1
			if name == "weight" {
				limit = 2 + 1
			}
			if len(seen) != 100 || most > limit {
				t.Errorf("%s: %d outcomes, %d values taken ahead, want at most %d", name, len(seen), most, limit)
			}
		})
	}
}

// TestStreamEnds with its consumer, with its context and with the orchestrator. No call goes on afterwards.
func TestStreamEnds(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 2}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var running atomic.Int64
		task := func(ctx context.Context, n int) (int, error) {
			running.Add(1)
			defer running.Add(-1)
			select {
			case <-time.After(time.Second):
				return n, nil
			case <-ctx.Done():
				return 0, context.Cause(ctx)
			}
		}
		taken := 0
		for range orchestrator.Stream(t.Context(), o, numbers(1000, &taken), task) {
			break
		}
		if running.Load() != 0 || o.Pending() != 0 || taken > 6 {
			t.Errorf("%d run, %d wait, %d values taken", running.Load(), o.Pending(), taken)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		good, bad := 0, 0
		for _, out := range orchestrator.Stream(ctx, o, numbers(1000, &taken), task) {
			if out.Err == nil {
				good++
			} else {
				bad++
			}
		}
		if running.Load() != 0 || good != 2 || bad == 0 || bad > 6 {
			t.Errorf("%d run, %d ended, %d were cancelled", running.Load(), good, bad)
		}
		// In a task it lends the slot.
		if _, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
				for _, out := range orchestrator.Stream(ctx, o, numbers(10, &taken), task) {
					if out.Err != nil {
						t.Error(out.Err)
					}
				}
				return 0, nil
			})
		}); err != nil {
			t.Error(err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		n := 0
		for _, out := range orchestrator.Stream(t.Context(), o, numbers(1000, &taken), task) {
			if n++; !errors.Is(out.Err, orchestrator.ErrClosed) {
				t.Error(out.Err)
			}
		}
		if n != 1 {
			t.Errorf("%d outcomes of a closed orchestrator", n)
		}
		synctest.Wait()
	})
}
