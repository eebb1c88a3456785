package orchestrator_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestDeadlineThatCannotBeMetEndsATaskAtOnce: Execute gives the answer that Wait of the limiter gives in the same situation.
func TestDeadlineThatCannotBeMetEndsATaskAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		limit  limiter.Limit
		pause  time.Duration
		queued int
		within time.Duration
		late   bool
	}{
		"paused for a day":            {limiter.PerSecond(10, 10), 24 * time.Hour, 0, 2 * time.Second, true},
		"five a day":                  {limiter.Limit{Tokens: 5, Per: 24 * time.Hour, Burst: 1}, 0, 0, time.Minute, true},
		"behind 100 at ten a second":  {limiter.PerSecond(10, 1), 0, 100, 2 * time.Second, true},
		"behind 100, and time enough": {limiter.PerSecond(10, 1), 0, 100, 12 * time.Second, false},
		"ten in a minute, used":       {limiter.PerWindow(10, time.Minute), 0, 0, 10 * time.Second, true},
		"nothing waits":               {limiter.PerSecond(10, 10), 0, 0, time.Second, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {c.limit}}})
				if err != nil {
					t.Fatal(err)
				}
				o, err := orchestrator.New(orchestrator.Config{Limiter: l})
				if err != nil {
					t.Fatal(err)
				}
				burst := c.limit.Burst
				if c.limit.Window {
					burst = c.limit.Tokens
				}
				for range burst {
					if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
						t.Fatal(err)
					}
				}
				if c.pause > 0 {
					if err := l.Pause(t.Context(), "global", c.pause); err != nil {
						t.Fatal(err)
					}
				}
				behind, cancel := context.WithCancel(t.Context())
				for range c.queued {
					submit(t, behind, o, value(1))
				}
				synctest.Wait()
				ctx, stop := context.WithTimeout(t.Context(), c.within)
				defer stop()
				begin := time.Now()
				_, err = orchestrator.Execute(ctx, o, value(1))
				late, ok := errors.AsType[*limiter.DeadlineError](err)
				switch {
				case !c.late && err != nil:
					t.Errorf("%v after %v", err, time.Since(begin))
				case c.late && (!ok || time.Since(begin) > 300*time.Millisecond || late.Ready < c.within):
					t.Errorf("%v (%T) after %v", err, err, time.Since(begin))
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

// TestGreatestTimeoutIsNone: the greatest duration means no timeout, and leaves shorter timeouts of inner tasks as they are.
func TestGreatestTimeoutIsNone(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for _, d := range []time.Duration{0, math.MaxInt64, math.MaxInt64 - 1, 200 * 365 * 24 * time.Hour} {
			if _, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
				if deadline, ok := ctx.Deadline(); ok {
					t.Errorf("timeout %d: the deadline is %v", d, deadline)
				}
				ctx, cancel := context.WithTimeout(ctx, time.Second)
				defer cancel()
				<-ctx.Done()
				return 0, nil
			}, orchestrator.Timeout(d)); err != nil {
				t.Error(err)
			}
		}
	})
}

// TestSharedExecuteInATaskEndsWithItsContext: the wait for the slot that the task has lent ends with the context, too.
func TestSharedExecuteInATaskEndsWithItsContext(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		started := make(chan struct{})
		f := submit(t, t.Context(), o, func(ctx context.Context) (time.Duration, error) {
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			close(started)
			time.Sleep(time.Millisecond) // the other is in the queue then, and comes first
			begin := time.Now()
			_, err := orchestrator.Execute(ctx, o, sleeper(time.Minute, 1), orchestrator.Key("k"))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
			return time.Since(begin), nil
		})
		<-started
		submit(t, t.Context(), o, sleeper(time.Minute, 1)) // takes the slot that the task has lent
		if took, err := f.Await(t.Context()); took != time.Second-time.Millisecond || err != nil {
			t.Errorf("Execute returned after %v, %v", took, err)
		}
	})
}

// TestMaxWaitOfTheLimiterBoundsTasksWithoutADeadline.
func TestMaxWaitOfTheLimiterBoundsTasksWithoutADeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 1}}}, MaxWait: 3 * time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}
		long := submit(t, t.Context(), o, sleeper(time.Minute, 1)) // the time of execution is no wait
		synctest.Wait()
		begin := time.Now()
		_, err = orchestrator.Execute(t.Context(), o, value(1))
		if _, ok := errors.AsType[*limiter.DeadlineError](err); !ok || time.Since(begin) > 3*time.Second {
			t.Errorf("%v after %v", err, time.Since(begin))
		}
		if _, err := long.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestWrongRouteAndCostAreRefusedAtSubmit: a task that can never start is not queued.
func TestWrongRouteAndCostAreRefusedAtSubmit(t *testing.T) {
	inBubbleAtRate(t, 40, 8, 2, func(t *testing.T, o *orchestrator.Orchestrator) {
		route, cost := orchestrator.Route("golbal"), orchestrator.Tokens(9)
		for name, opt := range map[string]orchestrator.Option{"route": route, "cost": cost} {
			_, submitted := orchestrator.Submit(t.Context(), o, value(1), opt)
			_, enqueued := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{value(1)}, opt)
			b, err := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil }, orchestrator.BatcherConfig{Options: []orchestrator.Option{opt}})
			if err != nil {
				t.Fatal(err)
			}
			_, loaded := b.Load(t.Context(), 1)
			for call, err := range map[string]error{"Submit": submitted, "EnqueueBatch": enqueued, "Load": loaded} {
				_, wrong := errors.AsType[*limiter.RouteError](err)
				_, large := errors.AsType[*limiter.ExceedsBurstError](err)
				if !wrong && !large {
					t.Errorf("%s, %s: %v", name, call, err)
				}
			}
		}
		if n := o.Pending(); n != 0 {
			t.Errorf("%d tasks were queued", n)
		}
	})
}
