package orchestrator_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// withTheSlotTaken runs a test with an orchestrator of one slot and of room for two tasks. The slot and the room are taken.
func withTheSlotTaken(t *testing.T, full orchestrator.Full, test func(t *testing.T, o *orchestrator.Orchestrator, waiting []*orchestrator.Future[int], free func())) {
	inBubble(t, orchestrator.Config{Slots: 1, MaxPending: 2, MaxWeight: 100, Full: full}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		running := submit(t, t.Context(), o, func(context.Context) (int, error) { <-gate; return 0, nil })
		synctest.Wait()
		waiting := []*orchestrator.Future[int]{
			submit(t, t.Context(), o, value(1), orchestrator.Priority(orchestrator.Background), orchestrator.Weight(10)),
			submit(t, t.Context(), o, value(2), orchestrator.Weight(20)),
		}
		var once sync.Once
		free := func() { once.Do(func() { close(gate) }) }
		test(t, o, waiting, free)
		free()
		if _, err := running.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestAFullQueueRefuses: the error has the number of pending tasks, and a refused batch does not exist.
func TestAFullQueueRefuses(t *testing.T) {
	withTheSlotTaken(t, orchestrator.Refuse, func(t *testing.T, o *orchestrator.Orchestrator, _ []*orchestrator.Future[int], _ func()) {
		time.Sleep(time.Second)
		_, err := orchestrator.Submit(t.Context(), o, value(3))
		full, ok := errors.AsType[*orchestrator.FullError](err)
		if !ok || full.Pending != 2 || full.Weight != 30 || full.Oldest != time.Second {
			t.Errorf("%v", err)
		}
		if _, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{value(1)}); !errors.As(err, &full) {
			t.Errorf("a batch: %v", err)
		}
		if _, err := orchestrator.AwaitBatch[int](t.Context(), o, "b"); !errors.Is(err, orchestrator.ErrUnknownBatch) {
			t.Errorf("a batch that was refused: %v", err)
		}
		if s := o.Snapshot(); s.Refused != 2 || s.Pending != 2 || s.Weight != 30 {
			t.Errorf("%+v", s)
		}
	})
}

func TestAFullQueueMakesCallersWaitInOrder(t *testing.T) {
	withTheSlotTaken(t, orchestrator.Wait, func(t *testing.T, o *orchestrator.Orchestrator, _ []*orchestrator.Future[int], free func()) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := orchestrator.Submit(ctx, o, value(3)); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		var order []int
		var callers sync.WaitGroup
		for i := range 3 {
			callers.Go(func() {
				f, err := orchestrator.Submit(t.Context(), o, func(context.Context) (int, error) { order = append(order, i); return i, nil })
				if err != nil {
					t.Error(err)
				} else if v, err := f.Await(t.Context()); v != i || err != nil {
					t.Errorf("%d, %v", v, err)
				}
			})
			synctest.Wait()
		}
		if s := o.Snapshot(); s.Waiting != 3 || s.Pending != 2 {
			t.Errorf("%+v", s)
		}
		free()
		callers.Wait()
		if diff := cmp.Diff([]int{0, 1, 2}, order); diff != "" {
			t.Error("the tasks entered in the order", order)
		}
		// A batch that is larger than the free room enters as tasks end.
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 50))
		if err != nil {
			t.Fatal(err)
		}
		if out, err := b.Await(t.Context()); len(out) != 50 || err != nil {
			t.Errorf("%d outcomes, %v", len(out), err)
		}
	})
}

// TestAFullQueueShedsTheLeastUrgent task for a task that is more urgent, and for no other.
func TestAFullQueueShedsTheLeastUrgent(t *testing.T) {
	withTheSlotTaken(t, orchestrator.Shed, func(t *testing.T, o *orchestrator.Orchestrator, waiting []*orchestrator.Future[int], free func()) {
		urgent := submit(t, t.Context(), o, value(3), orchestrator.Priority(orchestrator.Urgent))
		if _, err := waiting[0].Await(t.Context()); !errors.Is(err, orchestrator.ErrShed) {
			t.Errorf("the background task ended with %v", err)
		}
		if _, err := orchestrator.Submit(t.Context(), o, value(4)); err == nil {
			t.Error("a normal task displaced another")
		}
		free()
		for _, f := range []*orchestrator.Future[int]{urgent, waiting[1]} {
			if _, err := f.Await(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if s := o.Snapshot(); s.Shed != 1 || s.Refused != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// TestATaskThatNeverFitsIsRefused, under every policy for a full queue.
func TestATaskThatNeverFitsIsRefused(t *testing.T) {
	for _, full := range []orchestrator.Full{orchestrator.Wait, orchestrator.Refuse, orchestrator.Shed} {
		inBubble(t, orchestrator.Config{MaxWeight: 100, Full: full}, func(t *testing.T, o *orchestrator.Orchestrator) {
			_, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Weight(101))
			if e, ok := errors.AsType[*orchestrator.WeightError](err); !ok || e.Weight != 101 || e.Max != 100 {
				t.Errorf("%v", err)
			}
			if _, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[int]{value(1)}, orchestrator.Weight(101)); err == nil {
				t.Error("a batch of such tasks was taken")
			}
			if _, err := orchestrator.Execute(t.Context(), o, value(1), orchestrator.Weight(100)); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestATaskThatWantsMuchRoomIsNotPassed: a task that waits for much room is not passed by a task that wants little.
func TestATaskThatWantsMuchRoomIsNotPassed(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1, MaxWeight: 100}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := make(chan struct{})
		submit(t, t.Context(), o, func(context.Context) (int, error) { <-gate; return 0, nil })
		synctest.Wait()
		submit(t, t.Context(), o, value(1), orchestrator.Weight(60))
		var mu sync.Mutex
		var order []int64
		var callers sync.WaitGroup
		for _, cost := range []int64{50, 5} {
			callers.Go(func() {
				if _, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) {
					mu.Lock()
					order = append(order, cost)
					mu.Unlock()
					return 0, nil
				}, orchestrator.Weight(cost)); err != nil {
					t.Error(err)
				}
			})
			synctest.Wait()
		}
		if s := o.Snapshot(); s.Waiting != 2 || s.Weight != 60 {
			t.Errorf("%+v", s)
		}
		close(gate)
		callers.Wait()
		if diff := cmp.Diff([]int64{50, 5}, order); diff != "" {
			t.Error(diff)
		}
	})
}

// TestLeavingTheLineForRoomLetsTheNextIn: the room is too small for the first task in line. It gives up, and the second,
// which fits, enters.
func TestLeavingTheLineForRoomLetsTheNextIn(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxWeight: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, sleeper(10*time.Minute, 1))
		synctest.Wait()
		submit(t, forever, o, value(1), orchestrator.Weight(6))
		ctx, cancel := context.WithCancel(forever)
		go func() { _, _ = orchestrator.Submit(ctx, o, value(1), orchestrator.Weight(10)) }()
		synctest.Wait()
		go func() { _, _ = orchestrator.Submit(forever, o, value(1), orchestrator.Weight(1)) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if s := o.Snapshot(); s.Waiting != 0 {
			t.Errorf("a task of cost 1 waits although it fits: %d of 10 taken", s.Weight)
		}
	})
}

// TestSheddingFreesTheSlot: the only slot was held for the task that is shed. Another task that may start gets it.
func TestSheddingFreesTheSlot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, _ := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{
			"free": {limiter.PerSecond(1000, 1000)}, "slow": {limiter.PerSecond(1, 1)},
		}, Horizon: time.Hour, Routes: map[string][]string{"slow": {"slow"}, "free": {"free"}}})
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1, MaxPending: 2, Full: orchestrator.Shed})
		_, _ = orchestrator.Execute(forever, o, value(1), orchestrator.Route("slow"))
		// The only slot is held for the token that is due in 1 s.
		submit(t, forever, o, value(1), orchestrator.Route("slow"), orchestrator.Priority(orchestrator.Background))
		synctest.Wait()
		waits := submit(t, forever, o, value(1), orchestrator.Route("free"))
		synctest.Wait()
		_, err := orchestrator.EnqueueBatch(forever, o, "", []orchestrator.Task[int]{value(1), value(1)}, orchestrator.Route("free"))
		t.Log("refused, and one was shed:", err)
		if _, err := waits.Await(within(time.Hour)); err != nil {
			t.Errorf("a task with a free slot and a token does not start: %v; %+v", err, o.Snapshot())
		}
		_ = o.Close(within(time.Second))
		_ = l.Close(forever)
	})
}

// TestNoTaskIsShedForATaskThatIsRefused: shedding would not make room enough.
func TestNoTaskIsShedForATaskThatIsRefused(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxWeight: 10, Full: orchestrator.Shed}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := fillSlots(t, o)
		idle := submit(t, forever, o, value(1), orchestrator.Priority(orchestrator.Background), orchestrator.Weight(4))
		submit(t, forever, o, value(1), orchestrator.Weight(6))
		_, err := orchestrator.Submit(forever, o, value(1), orchestrator.Weight(5)) // 10 - 4 + 5 is no room either
		if _, ok := errors.AsType[*orchestrator.FullError](err); !ok {
			t.Error(err)
		}
		close(gate)
		_, err = idle.Await(forever)
		wantError(t, "shed for a task that was then refused", err, nil)
	})
}

func TestNoTaskIsShedForABatchThatIsRefused(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxPending: 2, Full: orchestrator.Shed}, func(t *testing.T, o *orchestrator.Orchestrator) {
		gate := fillSlots(t, o)
		idle := submit(t, forever, o, value(1), orchestrator.Priority(orchestrator.Background))
		submit(t, forever, o, value(1))
		_, err := orchestrator.Map(forever, o, "z", []int{1, 2}, same)
		if _, ok := errors.AsType[*orchestrator.FullError](err); !ok {
			t.Error(err)
		}
		close(gate)
		_, err = idle.Await(forever)
		wantError(t, "shed for a batch that was then refused", err, nil)
	})
}

// TestATaskBetweenAttemptsIsShed: an urgent task gets the room of a background task that waits for its next attempt.
func TestATaskBetweenAttemptsIsShed(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxPending: 1, Full: orchestrator.Shed}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, failing(orchestrator.Again(errFailed, 5*time.Second)), orchestrator.Priority(orchestrator.Background))
		synctest.Wait()
		wantEqual(t, "tasks that wait", o.Pending(), 1)
		_, err := orchestrator.Execute(forever, o, value(2), orchestrator.Priority(orchestrator.Urgent))
		wantError(t, "urgent task, with a background one that waits", err, nil)
	})
}
