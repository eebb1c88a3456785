package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestRetryKeepsItsAge: a task that failed once runs again before its siblings, because none of them is older.
func TestRetryKeepsItsAge(t *testing.T) {
	lanes(t, limiter.PerSecond(10, 1), 4, func(t *testing.T, o *orchestrator.Orchestrator, _ *breakable) {
		var mu sync.Mutex
		var order []int
		tasks := make([]orchestrator.Task[int], 300)
		for i := range tasks {
			tasks[i] = func(context.Context) (int, error) {
				mu.Lock()
				defer mu.Unlock()
				order = append(order, i)
				if i == 0 && len(order) == 1 {
					return 0, orchestrator.Again(errors.New("busy"), 0)
				}
				return i, nil
			}
		}
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", tasks)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Values(t.Context()); err != nil {
			t.Error(err)
		}
		if again := slices.Index(order[1:], 0) + 1; again > 6 { // 200 ms of backoff are two tokens, four slots hold reservations
			t.Errorf("task 0 ran again as start %d of %d", again, len(order))
		}
	})
}

// TestStrictClassesDoNotOverflow: the greatest ageing means that only the class counts.
func TestStrictClassesDoNotOverflow(t *testing.T) {
	for _, ageing := range []time.Duration{math.MaxInt64, math.MaxInt64 / 2, math.MaxInt64/2 + 1} {
		inBubble(t, orchestrator.Config{Slots: 1, Ageing: ageing}, func(t *testing.T, o *orchestrator.Orchestrator) {
			var order []orchestrator.Class
			submit(t, t.Context(), o, sleeper(time.Second, 1))
			synctest.Wait()
			for _, class := range []orchestrator.Class{orchestrator.Background, orchestrator.Normal, orchestrator.Urgent} {
				submit(t, t.Context(), o, func(context.Context) (int, error) { order = append(order, class); return 0, nil }, orchestrator.Priority(class))
				time.Sleep(time.Millisecond)
			}
			if err := o.Close(t.Context()); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff([]orchestrator.Class{orchestrator.Urgent, orchestrator.Normal, orchestrator.Background}, order); diff != "" {
				t.Errorf("ageing %d: %s", ageing, diff)
			}
		})
	}
}

// TestUrgentCallerPassesCallersThatWaitForRoom: callers that wait for room are served in the order of all tasks.
func TestUrgentCallerPassesCallersThatWaitForRoom(t *testing.T) {
	for _, waiting := range []int{1, 110, 1000} {
		t.Run(fmt.Sprint(waiting), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(10, 1)}}})
				if err != nil {
					t.Fatal(err)
				}
				o, err := orchestrator.New(orchestrator.Config{Limiter: l, MaxPending: 5, WarnPending: -1, Ageing: time.Hour})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				for range waiting {
					go func() { _, _ = orchestrator.Execute(ctx, o, value(1), orchestrator.Priority(orchestrator.Background)) }()
				}
				time.Sleep(time.Second)
				begin := time.Now()
				if _, err := orchestrator.Execute(ctx, o, value(1), orchestrator.Priority(orchestrator.Urgent)); err != nil {
					t.Error(err)
				}
				if took := time.Since(begin); took > 500*time.Millisecond {
					t.Errorf("an urgent caller waited %v", took)
				}
				cancel()
				if err := o.Close(t.Context()); err != nil {
					t.Error(err)
				}
				if err := l.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestSharesTakeTurns: a small job beside a large one takes at most three times its time alone, both from an empty bucket.
func TestSharesTakeTurns(t *testing.T) {
	for _, c := range []struct {
		limit         limiter.Limit
		large, small  int
		costs, slots  int64
		shares, waits int
	}{
		{limiter.PerSecond(10, 10), 2000, 10, 1, 10, 1, 0},
		{limiter.PerSecond(40, 40), 5000, 50, 1, 10, 1, 3},
		{limiter.PerSecond(1, 1), 300, 5, 1, 2, 1, 0},
		{limiter.PerSecond(20, 10), 1000, 20, 5, 8, 1, 1},
		{limiter.PerSecond(40, 1), 3000, 40, 1, 64, 1, 0},
	} {
		took := map[bool]time.Duration{}
		for _, beside := range []bool{false, true} {
			lanes(t, c.limit, int(c.slots), func(t *testing.T, o *orchestrator.Orchestrator, _ *breakable) {
				for range c.limit.Burst {
					if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if beside {
					if _, err := orchestrator.EnqueueBatch(ctx, o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, c.large),
						orchestrator.Share("large"), orchestrator.Tokens(c.costs)); err != nil {
						t.Fatal(err)
					}
					time.Sleep(time.Duration(c.waits) * time.Second)
				}
				begin := time.Now()
				b, err := orchestrator.EnqueueBatch(ctx, o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, c.small), orchestrator.Share("small"))
				if err != nil {
					t.Fatal(err)
				}
				if _, err := b.Values(ctx); err != nil {
					t.Error(err)
				}
				took[beside] = time.Since(begin)
			})
		}
		ratio := took[true].Seconds() / took[false].Seconds()
		t.Logf("%v, %d of %d tokens beside %d: %v alone, %v beside: %.2f", c.limit, c.small, 1, c.large, took[false], took[true], ratio)
		if ratio > 3 {
			t.Errorf("%v: %d tasks take %.2f times as long beside %d", c.limit, c.small, ratio, c.large)
		}
	}
}

// TestTasksOfSeveralTokensUseTheRate: tasks of any cost take all tokens of the bucket.
func TestTasksOfSeveralTokensUseTheRate(t *testing.T) {
	for _, costs := range [][]int64{{1}, {5}, {1, 5}, {1, 2, 3, 10}} {
		lanes(t, limiter.PerSecond(20, 10), 10, func(t *testing.T, o *orchestrator.Orchestrator, _ *breakable) {
			var mu sync.Mutex
			var starts []time.Time
			ctx, cancel := context.WithCancel(t.Context())
			for i := range 400 {
				cost := costs[i%len(costs)]
				submit(t, ctx, o, func(context.Context) (int, error) {
					mu.Lock()
					defer mu.Unlock()
					for range cost {
						starts = append(starts, time.Now())
					}
					return 0, nil
				}, orchestrator.Tokens(cost))
			}
			time.Sleep(10 * time.Second)
			mu.Lock()
			used := float64(len(starts)) / (20*10 + 10)
			err := withinLimit(starts, 20, 10)
			mu.Unlock()
			t.Logf("costs %v: %.3f of the budget used", costs, used)
			if used < 0.95 || err != nil {
				t.Errorf("costs %v: %.3f of the budget used, %v", costs, used, err)
			}
			cancel()
		})
	}
}

// withinLimit checks starts against a limit in any window; a start is one token.
func withinLimit(starts []time.Time, rate, burst float64) error {
	for i := range starts {
		for j := i; j < len(starts); j++ {
			if most := burst + rate*(starts[j].Sub(starts[i]).Seconds()+0.001); float64(j-i+1) > most+1e-6 {
				return fmt.Errorf("%d tokens in %v", j-i+1, starts[j].Sub(starts[i]))
			}
		}
	}
	return nil
}
