package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/orchestrator"
)

// squaringBatcher is a batcher of squares that notes the keys of each call. Key 13 fails, and negative keys have no
// result.
func squaringBatcher(t *testing.T, o *orchestrator.Orchestrator, cfg orchestrator.BatcherConfig) (b *orchestrator.Batcher[int, int], calls func() [][]int) {
	t.Helper()
	var mu sync.Mutex
	var asked [][]int
	b, err := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		mu.Lock()
		asked = append(asked, slices.Sorted(slices.Values(keys)))
		mu.Unlock()
		found, failed := map[int]int{}, orchestrator.KeyErrors[int]{}
		for _, k := range keys {
			switch {
			case k == 13:
				failed[k] = errors.New("unlucky")
			case k >= 0:
				found[k] = k * k
			}
		}
		if len(failed) > 0 {
			return found, failed
		}
		return found, nil
	}, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return b, func() [][]int { mu.Lock(); defer mu.Unlock(); return slices.Clone(asked) }
}

// loadSquares asks for keys at the same time and checks the answers.
func loadSquares(t *testing.T, b *orchestrator.Batcher[int, int], keys ...int) {
	t.Helper()
	var callers sync.WaitGroup
	for _, k := range keys {
		callers.Go(func() {
			v, err := b.Load(t.Context(), k)
			switch {
			case k == 13:
				if err == nil || err.Error() != "unlucky" {
					t.Errorf("key 13: %v", err)
				}
			case k < 0:
				if !errors.Is(err, orchestrator.ErrNoResult) {
					t.Errorf("key %d: %v", k, err)
				}
			case v != k*k || err != nil:
				t.Errorf("key %d: %d, %v", k, v, err)
			}
		})
	}
	callers.Wait()
}

// TestKeysGoTogether: a call begins after a delay, or at once when it is full. Each key has its own answer.
func TestKeysGoTogether(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, calls := squaringBatcher(t, o, orchestrator.BatcherConfig{Size: 3, Delay: 5 * time.Millisecond})
		begin := time.Now()
		loadSquares(t, b, 1, 2, 1, 2) // two keys: with the delay
		if took := time.Since(begin); took != 5*time.Millisecond {
			t.Errorf("took %v", took)
		}
		begin = time.Now()
		loadSquares(t, b, 1, 13, -1) // three: at once, and each with its own answer
		if took := time.Since(begin); took != 0 {
			t.Errorf("a full call took %v", took)
		}
		if diff := cmp.Diff([][]int{{1, 2}, {-1, 1, 13}}, calls()); diff != "" {
			t.Error(diff)
		}
		loadSquares(t, b, 21, 22, 23, 24, 25) // more than a call takes
		var sizes []int
		for _, keys := range calls()[2:] {
			sizes = append(sizes, len(keys))
		}
		if diff := cmp.Diff([]int{3, 2}, sizes); diff != "" {
			t.Error(diff)
		}
		if s := o.Snapshot(); s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestKeysGatherWhileTheirCallWaits: a call that waits for its token accepts more keys, so that calls get fuller under a
// limit.
func TestKeysGatherWhileTheirCallWaits(t *testing.T) {
	for size, want := range map[int][][]int{50: {{0}, {1, 2, 3, 4, 5, 6, 7, 8, 9}}, 4: {{0}, {1, 2, 3, 4}, {5, 6, 7, 8}, {9}}} {
		inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
			b, calls := squaringBatcher(t, o, orchestrator.BatcherConfig{Size: size, Delay: -1, Options: []orchestrator.Option{orchestrator.Route("slow")}})
			var callers sync.WaitGroup
			for i := range 10 {
				callers.Go(func() { loadSquares(t, b, i) })
				time.Sleep(10 * time.Millisecond)
			}
			callers.Wait()
			if diff := cmp.Diff(want, calls()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestEachWaiterForAKeyHasItsOwnContext: a waiter that gives up ends no other wait. When the last waiter gives up, the
// call is cancelled.
func TestEachWaiterForAKeyHasItsOwnContext(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var seen error
		b, err := orchestrator.NewBatcher(o, func(ctx context.Context, keys []int) (map[int]int, error) {
			select {
			case <-time.After(time.Second):
				return map[int]int{keys[0]: 1}, nil
			case <-ctx.Done():
				seen = context.Cause(ctx)
				return nil, seen
			}
		}, orchestrator.BatcherConfig{})
		if err != nil {
			t.Fatal(err)
		}
		short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		var callers sync.WaitGroup
		callers.Go(func() {
			if _, err := b.Load(short, 1); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("the waiter that gave up: %v", err)
			}
		})
		synctest.Wait()
		if v, err := b.Load(t.Context(), 1); v != 1 || err != nil { // the first caller's context has ended, not this one
			t.Errorf("the waiter that stayed: %d, %v", v, err)
		}
		callers.Wait()
		short, cancel = context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := b.Load(short, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the only waiter: %v", err)
		}
		synctest.Wait()
		if !errors.Is(seen, context.DeadlineExceeded) {
			t.Errorf("the call whose waiters had all given up saw %v", seen)
		}
	})
}

func TestLoadHeedsItsContextWhereThereIsNoRoom(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxWeight: 10}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, sleeper(10*time.Minute, 1))
		synctest.Wait()
		submit(t, forever, o, value(1), orchestrator.Weight(10))
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: -1, Options: []orchestrator.Option{orchestrator.Weight(5)}})
		begin := time.Now()
		_, err := b.Load(within(time.Second), 1)
		if took := time.Since(begin); took > 2*time.Second {
			t.Errorf("Load with 1 s took %v (%v)", took, err)
		}
	})
}

// TestLoadDuringADrainDoesNotWaitForTheDelay: a key that is asked for at the moment of the drain goes at once, or is
// refused.
func TestLoadDuringADrainDoesNotWaitForTheDelay(t *testing.T) {
	l := unlimitedLimiter(t)
	lost := 0
	for i := 0; i < 5000 && lost == 0; i++ {
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return map[int]int{1: 1}, nil },
			orchestrator.BatcherConfig{Delay: time.Hour})
		res := make(chan error, 1)
		go func() { _, err := b.Load(within(10*time.Second), 1); res <- err }()
		for range i % 7 {
			runtime.Gosched()
		}
		_ = o.Close(forever)
		if errors.Is(<-res, context.DeadlineExceeded) {
			lost++
		}
	}
	_ = l.Close(forever)
	if lost > 0 {
		t.Error("a key that was asked for as the orchestrator was drained waits for all of Delay")
	}
}

// TestABatcherIsNeverCalledWithoutKeys: not even if every waiter gives up as the call begins.
func TestABatcherIsNeverCalledWithoutKeys(t *testing.T) {
	l := unlimitedLimiter(t)
	o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 4})
	var empty atomic.Int64
	b, _ := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
		if len(keys) == 0 {
			empty.Add(1)
		}
		return nil, nil
	}, orchestrator.BatcherConfig{Delay: -1})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for i := range 3000 {
				_, _ = b.Load(within(time.Duration(i%40)*time.Microsecond), i)
			}
		})
	}
	wg.Wait()
	_ = o.Close(forever)
	_ = l.Close(forever)
	if n := empty.Load(); n > 0 {
		t.Errorf("%d calls of no keys", n)
	}
}

// TestALoadThatWasGivenUpLendsNoSlot: a task gives up a key that others still wait for. It keeps its slot.
func TestALoadThatWasGivenUpLendsNoSlot(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: time.Second})
		var n, most atomic.Int64
		busy := func(d time.Duration) {
			most.Store(max(most.Load(), n.Add(1)))
			time.Sleep(d)
			n.Add(-1)
		}
		submit(t, forever, o, func(ctx context.Context) (int, error) {
			c, cancel := context.WithTimeout(ctx, 10*time.Millisecond)
			defer cancel()
			_, _ = b.Load(c, 1)
			busy(time.Minute)
			return 0, nil
		})
		synctest.Wait()
		go func() { _, _ = b.Load(forever, 1) }()
		time.Sleep(500 * time.Millisecond)
		submit(t, forever, o, func(context.Context) (int, error) { busy(time.Second); return 0, nil })
		time.Sleep(10 * time.Minute)
		if most.Load() > 1 {
			t.Errorf("%d tasks executed at once on one slot", most.Load())
		}
	})
}

// TestAKeyThatCannotBeHashedHoldsNoLock: Load of the key panics, and other keys are answered. The test runs in real
// time, because a bubble's clock stands still while a goroutine waits for a lock.
func TestAKeyThatCannotBeHashedHoldsNoLock(t *testing.T) {
	o, err := orchestrator.New(orchestrator.Config{Limiter: unlimitedLimiter(t)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := orchestrator.NewBatcher(o, func(context.Context, []any) (map[any]int, error) { return map[any]int{1: 1}, nil }, orchestrator.BatcherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { _ = recover() }() // runtime error: hash of unhashable type []int
		_, _ = b.Load(forever, []int{1})
	}()
	ctx, cancel := context.WithTimeout(forever, time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := b.Load(ctx, 1); done <- err }()
	select {
	case err := <-done:
		wantError(t, "the other key", err, nil)
		wantError(t, "Close", o.Close(forever), nil)
	case <-time.After(3 * time.Second):
		t.Fatal("Load of another key has not returned although its context has ended: a lock is still held")
	}
}

// TestAKeyThatDoesNotEqualItselfHasNoResult: the other keys of its call have theirs.
func TestAKeyThatDoesNotEqualItselfHasNoResult(t *testing.T) {
	var panics atomic.Int32
	inBubbleUnlimited(t, orchestrator.Config{OnPanic: func(*orchestrator.PanicError) { panics.Add(1) }}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []float64) (map[float64]int, error) { return map[float64]int{1.5: 1}, nil }, orchestrator.BatcherConfig{})
		nan := 0.0
		nan /= nan
		res := make(chan error, 1)
		go func() { _, err := b.Load(forever, 1.5); res <- err }()
		_, err := b.Load(forever, nan)
		wantError(t, "NaN", err, orchestrator.ErrNoResult)
		wantError(t, "the other key of the call", <-res, nil)
		wantEqual(t, "calls of OnPanic", panics.Load(), 0)
	})
}

// TestACallOfABatcherCountsAsOneTask in Snapshot and in Report.
func TestACallOfABatcherCountsAsOneTask(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.NewBatcher(o, func(_ context.Context, k []int) (map[int]int, error) {
			if k[0] == 1 {
				return map[int]int{1: 1}, nil
			}
			return nil, errFailed
		}, orchestrator.BatcherConfig{})
		_, err := b.Load(forever, 1)
		wantError(t, "the first call", err, nil)
		wantEqual(t, "done", o.Snapshot().Done, 1)
		_, err = b.Load(forever, 2)
		wantError(t, "the second call", err, errFailed)
		wantEqual(t, "failed", o.Snapshot().Failed, 1)
		submit(t, forever, o, sleeper(time.Hour, 1))
		go func() { _, _ = b.Load(forever, 1) }()
		time.Sleep(time.Second)
		wantEqual(t, "pending", o.Pending(), 1)
		r, _ := o.Drain(forever, orchestrator.Drain{HandBack: true})
		wantEqual(t, "handed back", r.HandedBack, 1)
	})
}
