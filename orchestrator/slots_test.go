package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// zeroCounter counts how often the orchestrator asks a limiter for 0 reservations.
type zeroCounter struct {
	orchestrator.Limiter
	zero atomic.Int64
}

func (c *zeroCounter) ReserveBatch(ctx context.Context, route string, runs ...limiter.Run) ([]*limiter.Reservation, limiter.Turn, error) {
	for _, r := range runs {
		if r.N < 1 {
			c.zero.Add(1)
		}
	}
	return c.Limiter.ReserveBatch(ctx, route, runs...)
}

// TestWaitingForATokenHoldsNoSlot: 64 tasks of a throttled route on 8 slots do not delay a task of another route.
func TestWaitingForATokenHoldsNoSlot(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 8}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 64), orchestrator.Route("slow"))
		if err != nil {
			t.Fatal(err)
		}
		for range 20 {
			time.Sleep(237 * time.Millisecond)
			begin := time.Now()
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); took > 5*time.Millisecond {
				t.Errorf("a task of a free route waited %v", took)
			}
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestSlotsHeldForATokenAreYielded: every free slot is held for a token that is not due yet. A task whose token is due
// starts at once, and no token is lost.
func TestSlotsHeldForATokenAreYielded(t *testing.T) {
	inBubbleAtRate(t, 40, 1, 8, func(t *testing.T, o *orchestrator.Orchestrator) {
		begin := time.Now()
		long := submit(t, t.Context(), o, sleeper(200*time.Millisecond, 1))
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 80))
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
		if s := o.Snapshot(); s.InFlight != 1 || s.Lanes[0].Reserved != 7 {
			t.Fatalf("not every slot is held: %+v", s)
		}
		asked := time.Now()
		// "slow" has a token now.
		if _, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Route("slow")); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(asked); took > 5*time.Millisecond {
			t.Errorf("a task of a free route waited %v behind reservations", took)
		}
		if _, err := long.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if took := time.Since(begin).Round(time.Millisecond); took != 2*time.Second {
			t.Errorf("81 tasks at 40 a second, the first at once, took %v: a token was lost", took)
		}
	})
}

// TestTasksMayAwaitTasksOnOneSlot: three levels deep and by every method that waits. No two tasks execute at once.
func TestTasksMayAwaitTasksOnOneSlot(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var now, most atomic.Int64
		inside := func(by int64) { most.Store(max(most.Load(), now.Add(by))) }
		leaf := func(context.Context) (int, error) { //nolint:unparam // a task
			inside(1)
			time.Sleep(time.Millisecond)
			inside(-1)
			return 1, nil
		}
		middle := func(ctx context.Context) (int, error) {
			f, err := orchestrator.Submit(ctx, o, leaf)
			if err != nil {
				return 0, err
			}
			got, err := f.Await(ctx)
			inside(1)
			time.Sleep(time.Millisecond)
			inside(-1)
			return got + 1, err
		}
		got, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			one, err := orchestrator.Execute(ctx, o, middle)
			if err != nil {
				return 0, err
			}
			b, err := orchestrator.EnqueueBatch(ctx, o, "", slices.Repeat([]orchestrator.Task[int]{middle}, 5))
			if err != nil {
				return 0, err
			}
			for _, out := range b.Completed(ctx) {
				one += out.Value
			}
			_, err = b.Await(ctx)
			return one, err
		})
		if got != 12 || err != nil {
			t.Errorf("%d, %v", got, err)
		}
		if most.Load() != 1 {
			t.Errorf("%d executed at once on one slot", most.Load())
		}
	})
}

// TestTasksMayAwaitTasksOfAnotherOrchestrator: each has one slot, and the awaited task awaits a task of the first.
func TestTasksMayAwaitTasksOfAnotherOrchestrator(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o1 *orchestrator.Orchestrator) {
		l := unlimitedLimiter(t)
		o2, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
		if err != nil {
			t.Fatal(err)
		}
		_, err = orchestrator.Execute(within(time.Minute), o1, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o2, func(ctx context.Context) (int, error) {
				return orchestrator.Execute(ctx, o1, value(9))
			})
		})
		wantError(t, "waits in calls of this package with contexts that come from its own", err, nil)
		_, _ = o2.Close(forever), l.Close(forever)
	})
}

// TestAwaitingTwoTasksAtOnceEnds: the first wait has its result and waits for the slot that the task has lent. Meanwhile
// the second wait begins.
func TestAwaitingTwoTasksAtOnceEnds(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		another := func(d time.Duration) *orchestrator.Future[int] { return submit(t, forever, o, sleeper(d, 1)) }
		parent := submit(t, forever, o, func(ctx context.Context) (int, error) {
			fa := another(time.Second)      // 0 s to 1 s
			another(10 * time.Second)       // 1 s to 11 s
			fb := another(10 * time.Second) // after that
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = fa.Await(ctx) }) // has the result at 1 s, and its turn for the slot at 11 s
			wg.Go(func() { time.Sleep(5 * time.Second); _, _ = fb.Await(ctx) })
			wg.Wait()
			return 0, nil
		})
		if _, err := parent.Await(within(time.Hour)); err != nil {
			t.Errorf("a task that awaits others: %v; %+v", err, o.Snapshot().Lanes)
		}
	})
}

// TestAwaitingTwoTasksAtOnceKeepsTheCountOfSlots: a task awaits two tasks at once. After it has ended, no lane counts a
// slot.
func TestAwaitingTwoTasksAtOnceKeepsTheCountOfSlots(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 2}, func(t *testing.T, o *orchestrator.Orchestrator) {
		another := func(d time.Duration) *orchestrator.Future[int] { return submit(t, forever, o, sleeper(d, 1)) }
		parent := submit(t, forever, o, func(ctx context.Context) (int, error) {
			fa := another(time.Second)
			another(10 * time.Second)
			another(10 * time.Second)
			long := another(12 * time.Second)
			var wg sync.WaitGroup
			wg.Go(func() { _, _ = fa.Await(ctx) })
			wg.Go(func() { time.Sleep(5 * time.Second); _, _ = long.Await(ctx) })
			wg.Wait()
			return 0, nil
		})
		_, _ = parent.Await(forever)
		time.Sleep(time.Minute)
		for _, l := range o.Snapshot().Lanes {
			if l.InFlight != 0 {
				t.Errorf("nothing executes: %+v", l)
			}
		}
	})
}

// TestStuckTasksShowAndHoldTheirSlots: a task that has timed out counts as stuck, and holds its slot, until its
// function returns.
func TestStuckTasksShowAndHoldTheirSlots(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		deaf := make(chan struct{})
		_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { <-deaf; return 1, nil }, orchestrator.Timeout(time.Second))
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		next := submit(t, t.Context(), o, value(2))
		time.Sleep(time.Second)
		if s := o.Snapshot(); s.Stuck != 1 || s.Pending != 1 {
			t.Errorf("%+v", s)
		}
		close(deaf)
		if _, err := next.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if s := o.Snapshot(); s.Stuck != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestTheLimiterIsNeverAskedForNothing: no request for 0 reservations, while tasks of one route lend their slots to tasks
// of another.
func TestTheLimiterIsNeverAskedForNothing(t *testing.T) {
	l := unlimitedLimiter(t)
	c := &zeroCounter{Limiter: l}
	o, _ := orchestrator.New(orchestrator.Config{Limiter: c, Slots: 4, RouteSlots: map[string]int{"a": 1}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				_, _ = orchestrator.Execute(forever, o, func(ctx context.Context) (int, error) {
					return orchestrator.Execute(ctx, o, value(1), orchestrator.Route("b"))
				}, orchestrator.Route("a"))
			}
		})
	}
	wg.Wait()
	_ = o.Close(forever)
	_ = l.Close(forever)
	if n := c.zero.Load(); n > 0 {
		t.Errorf("asked %d times for 0 reservations", n)
	}
}

func TestRouteSlotsOfZeroAreAllSlots(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{RouteSlots: map[string]int{"global": 0}}, func(*testing.T, *orchestrator.Orchestrator) {})
}
