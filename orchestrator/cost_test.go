package orchestrator_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// byUnit is a provider that counts calls and tokens apart.
func byUnit() limiter.Config {
	return limiter.Config{
		Buckets: map[string][]limiter.Limit{"calls": {limiter.PerSecond(100, 100)}, "input": {limiter.PerSecond(1000, 1000)}},
		Routes:  map[string][]string{"claude": {"input", "calls"}},
	}
}

// TestTasksCostOfEachBucket: a task takes its cost from each bucket, and its reservation has these costs. The task waits for the bucket
// that has too few tokens. Tasks of equal costs share requests and reservations.
func TestTasksCostOfEachBucket(t *testing.T) {
	inBubbleOver(t, byUnit(), orchestrator.Config{Route: "claude"}, func(t *testing.T, o *orchestrator.Orchestrator) {
		begun := time.Now()
		costs := limiter.Costs{"input": 400}
		started := func(ctx context.Context) (time.Duration, error) {
			r, ok := limiter.FromContext(ctx)
			if !ok || r.Cost() != 2 || r.Costs().String() != "input 400" {
				t.Errorf("the reservation of the task: %v, %v", r.Costs(), ok)
			}
			return time.Since(begun), nil
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[time.Duration]{started, started, started, started},
			orchestrator.Tokens(2), orchestrator.Costs(costs))
		if err != nil {
			t.Fatal(err)
		}
		at, err := b.Values(t.Context())
		for i, want := range []time.Duration{0, 0, 200 * time.Millisecond, 600 * time.Millisecond} {
			if err != nil || at[i].Round(time.Millisecond) != want {
				t.Errorf("task %d of 400 tokens at 1,000 a second started after %v, want %v, %v", i, at[i], want, err)
			}
		}
	})
}

// TestCostsThatCannotBe: a bucket that the route does not pass, a cost above its burst, and no cost at all are refused at Submit.
func TestCostsThatCannotBe(t *testing.T) {
	inBubbleOver(t, byUnit(), orchestrator.Config{Route: "claude"}, func(t *testing.T, o *orchestrator.Orchestrator) {
		_, err := orchestrator.Submit(t.Context(), o, value(1), orchestrator.Costs(limiter.Costs{"inputs": 1}))
		if _, ok := errors.AsType[*limiter.BucketError](err); !ok {
			t.Errorf("a bucket that does not exist: %v", err)
		}
		_, err = orchestrator.Submit(t.Context(), o, value(1), orchestrator.Costs(limiter.Costs{"input": 1001}))
		if _, ok := errors.AsType[*limiter.ExceedsBurstError](err); !ok {
			t.Errorf("a cost above the burst: %v", err)
		}
		if _, err = orchestrator.Submit(t.Context(), o, value(1), orchestrator.Costs(limiter.Costs{"input": 0, "calls": 0})); err == nil {
			t.Error("a task that costs nothing was taken in")
		}
	})
}

// TestDeadlineOfCostsByBucket: a task costs many tokens of a bucket that has them. A bucket with too few tokens does not judge this cost.
func TestDeadlineOfCostsByBucket(t *testing.T) {
	limits := byUnit()
	limits.Buckets["calls"] = []limiter.Limit{limiter.PerSecond(2, 1)}
	inBubbleOver(t, limits, orchestrator.Config{Route: "claude", Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		var all []*orchestrator.Future[int]
		for range 8 { // four seconds of calls; 120 input tokens are not 120 calls
			all = append(all, submit(t, ctx, o, value(1), orchestrator.Costs(limiter.Costs{"input": 120})))
		}
		for i, f := range all {
			if _, err := f.Await(t.Context()); err != nil {
				t.Errorf("task %d: %v", i, err)
			}
		}
	})
}
