package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

func TestDrainingFlushesABatcher(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, calls := squaringBatcher(t, o, orchestrator.BatcherConfig{Delay: time.Hour})
		busy := submit(t, t.Context(), o, sleeper(time.Second, 1))
		synctest.Wait()
		var callers sync.WaitGroup
		callers.Go(func() { loadSquares(t, b, 2, 3) })
		time.Sleep(10 * time.Millisecond)
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if _, err := busy.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([][]int{{2, 3}}, calls()); diff != "" {
			t.Error(diff)
		}
		if _, err := b.Load(t.Context(), 4); !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("after the end: %v", err)
		}
	})
}

// TestDrainingGoesInOrder: intake stops, queued tasks are handed back, executing tasks are cancelled and then abandoned,
// and the report names all of them.
func TestDrainingGoesInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 3)}}})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 5})
		if err != nil {
			t.Fatal(err)
		}
		deaf := make(chan struct{})
		ends := submit(t, t.Context(), o, sleeper(time.Second, 1))
		hears := submit(t, t.Context(), o, sleeper(time.Hour, 2))
		hangs := submit(t, t.Context(), o, func(context.Context) (int, error) { <-deaf; return 3, nil }, orchestrator.Name("hang"))
		time.Sleep(time.Millisecond) // the burst is spent: the next token is due in 24 ms
		waits := submit(t, t.Context(), o, value(4))
		synctest.Wait()
		if s := o.Snapshot(); s.InFlight != 3 || s.Lanes[0].Reserved != 1 {
			t.Fatalf("%+v", s)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		var second orchestrator.Report
		var again sync.WaitGroup
		again.Go(func() { // joins
			synctest.Wait()
			if _, err := orchestrator.Submit(ctx, o, value(5)); !errors.Is(err, orchestrator.ErrClosed) {
				t.Errorf("while it drains: %v", err)
			}
			if _, err := orchestrator.EnqueueBatch(ctx, o, "", []orchestrator.Task[int]{value(5)}); !errors.Is(err, orchestrator.ErrClosed) {
				t.Errorf("a batch while it drains: %v", err)
			}
			second, _ = o.Drain(ctx, orchestrator.Drain{Grace: time.Second})
		})
		report, err := o.Drain(ctx, orchestrator.Drain{HandBack: true, Grace: time.Second})
		again.Wait()
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		want := orchestrator.Report{
			Ended: 1, HandedBack: 1, Cancelled: 1, Reservations: 1, Took: 3 * time.Second,
			Stuck: []orchestrator.Stuck{{Route: "global", Name: "hang", Ran: 3*time.Second + time.Millisecond}},
		}
		if diff := cmp.Diff(want, report, cmpopts.IgnoreFields(orchestrator.Stuck{}, "Stack")); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(report, second); diff != "" {
			t.Error("the caller that joined got another report:", diff)
		}
		if len(report.Stuck) == 1 && !strings.Contains(report.Stuck[0].Stack, "TestDrainingGoesInOrder") {
			t.Errorf("the stack of the abandoned task:\n%s", report.Stuck[0].Stack)
		}
		if want := "1 ended, 1 handed back, 0 refused, 1 cancelled, 1 stuck, 1 reservations given back, in 3s; hang on global after 3.001s"; report.String() != want {
			t.Errorf("%q, want %q", report, want)
		}
		is := func(f *orchestrator.Future[int], want error) {
			t.Helper()
			if _, err := f.Await(t.Context()); !errors.Is(err, want) {
				t.Errorf("ended with %v, want %v", err, want)
			}
		}
		is(ends, nil)
		is(hears, orchestrator.ErrClosed)
		is(hangs, orchestrator.ErrStuck)
		is(waits, orchestrator.ErrHandedBack)
		close(deaf)
		synctest.Wait()
		if s := o.Snapshot(); s.Stuck != 0 || s.InFlight != 0 {
			t.Errorf("%+v", s)
		}
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestSubmittingDuringADrainLosesNoTask: each task gets an error or an outcome, and nothing panics.
func TestSubmittingDuringADrainLosesNoTask(t *testing.T) {
	l, err := limiter.NewUnlimited(oneBucket(1, 1))
	if err != nil {
		t.Fatal(err)
	}
	for range 50 {
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 2, MaxPending: 5})
		if err != nil {
			t.Fatal(err)
		}
		var callers sync.WaitGroup
		var taken, ended atomic.Int64
		for range 4 {
			callers.Go(func() {
				for {
					f, err := orchestrator.Submit(t.Context(), o, value(1))
					if errors.Is(err, orchestrator.ErrClosed) {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					taken.Add(1)
					if _, err := f.Await(t.Context()); err != nil && !errors.Is(err, orchestrator.ErrHandedBack) {
						t.Error(err)
					}
					ended.Add(1)
				}
			})
		}
		runtime.Gosched()
		if _, err := o.Drain(t.Context(), orchestrator.Drain{HandBack: true}); err != nil {
			t.Error(err)
		}
		callers.Wait()
		if taken.Load() != ended.Load() {
			t.Errorf("%d taken, %d ended", taken.Load(), ended.Load())
		}
	}
	if err := l.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADrainIsBoundedWhereABatcherWaitsForRoom(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, sleeper(10*time.Minute, 1)) // ends with its context; make it <-ctx.Done() alone and Drain never returns
		synctest.Wait()
		submit(t, forever, o, value(1))
		b, _ := orchestrator.NewBatcher(o, func(context.Context, []int) (map[int]int, error) { return nil, nil },
			orchestrator.BatcherConfig{Delay: time.Hour})
		go func() { _, _ = b.Load(forever, 1) }()
		synctest.Wait()
		begin := time.Now()
		_, err := o.Drain(within(time.Second), orchestrator.Drain{Grace: time.Second})
		if took := time.Since(begin); took > 3*time.Second {
			t.Errorf("a drain of 1 s and 1 s of grace took %v (%v)", took, err)
		}
	})
}

func TestASharedRunSubmittedAsADrainGivesUpEnds(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1, MaxPending: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var inner *orchestrator.Future[int]
		other := func() {
			submit(t, forever, o, func(ctx context.Context) (int, error) { // takes the slot when the first lends it
				<-ctx.Done()
				time.Sleep(time.Second)
				return 0, nil
			})
		}
		got := make(chan error, 1)
		submit(t, forever, o, func(ctx context.Context) (int, error) {
			other()
			f, err := orchestrator.Submit(context.WithoutCancel(ctx), o, value(1), orchestrator.Key("k"))
			inner = f
			got <- err
			return 0, nil
		})
		synctest.Wait()
		_, _ = o.Drain(within(time.Second), orchestrator.Drain{})
		if <-got != nil {
			return // refused, which is right, too
		}
		if _, err := inner.Await(within(time.Hour)); !errors.Is(err, orchestrator.ErrClosed) {
			t.Errorf("a task that was taken in never ends: %v; pending %d", err, o.Pending())
		}
	})
}

// TestADrainMayAbandonTasksAsTheyStart: the race detector finds the fault, if any.
func TestADrainMayAbandonTasksAsTheyStart(t *testing.T) {
	l := unlimitedLimiter(t)
	for range 3000 {
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 8})
		for range 40 {
			_, _ = orchestrator.Submit(forever, o, value(1))
		}
		_, _ = o.Drain(within(0), orchestrator.Drain{Grace: -1})
	}
	time.Sleep(10 * time.Millisecond)
	_ = l.Close(forever)
}

// TestADrainThatWasJoinedEndsWithTheOther: a drain without a bound ends once another has abandoned everything.
func TestADrainThatWasJoinedEndsWithTheOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := unlimitedLimiter(t)
		o, _ := orchestrator.New(orchestrator.Config{Limiter: l})
		submit(t, forever, o, func(context.Context) (int, error) { time.Sleep(time.Hour); return 0, nil })
		synctest.Wait()
		closed := make(chan error, 1)
		go func() { closed <- o.Close(forever) }()
		_, _ = o.Drain(within(time.Second), orchestrator.Drain{Grace: time.Second})
		time.Sleep(time.Minute)
		select {
		case err := <-closed:
			t.Log("it ended with", err)
		default:
			t.Error("a drain still waits although the drain that it joined has abandoned everything; an hour later it returns", <-closed)
		}
		time.Sleep(time.Hour) // until the function returns
		_ = l.Close(forever)
	})
}

// TestAllDrainsReturnTheErrorOfTheOneThatCancelled: also drains that began before, and drains that begin afterwards.
func TestAllDrainsReturnTheErrorOfTheOneThatCancelled(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		submit(t, forever, o, sleeper(time.Hour, 1))
		synctest.Wait()
		e1 := make(chan error, 1)
		go func() { e1 <- o.Close(forever) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(forever, time.Second)
		defer cancel()
		err2 := o.Close(ctx)
		if err1 := <-e1; err1 == nil {
			t.Errorf("a task was cancelled, but the first Close returned nil (the second: %v)", err2)
		}
		if r, err := o.Drain(forever, orchestrator.Drain{}); err == nil {
			t.Errorf("Drain afterwards reports %q, and nil", r)
		}
	})
}

// TestATaskBetweenAttemptsIsNotHandedBack: it has been attempted, so it ends with its error.
func TestATaskBetweenAttemptsIsNotHandedBack(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, _ := orchestrator.EnqueueBatch(forever, o, "x", []orchestrator.Task[int]{failing(orchestrator.Again(errFailed, 10*time.Second))})
		synctest.Wait()
		r, _ := o.Drain(forever, orchestrator.Drain{HandBack: true})
		out, _ := b.Await(forever)
		if out[0].Attempts > 0 && (errors.Is(out[0].Err, orchestrator.ErrHandedBack) || r.HandedBack > 0) {
			t.Errorf("%q after %d attempts (its error, %q, is lost: %v); report %v", out[0].Err, out[0].Attempts, errFailed, !errors.Is(out[0].Err, errFailed), r)
		}
	})
}

func TestADrainWaitsForTheCallThatItFlushes(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		var began, ended atomic.Bool
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, _ []int) (map[int]int, error) {
			began.Store(true)
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
			}
			ended.Store(true)
			return map[int]int{1: 1}, context.Cause(ctx)
		}, orchestrator.BatcherConfig{Delay: time.Hour})
		load := make(chan error, 1)
		go func() { _, err := b.Load(forever, 1); load <- err }()
		synctest.Wait()
		start := time.Now()
		r, err := o.Drain(forever, orchestrator.Drain{})
		took := time.Since(start)
		e := ended.Load()
		synctest.Wait()
		if began.Load() && !e {
			t.Errorf("Drain returned %q, %v after %v while the call runs", r, err, took)
		}
		wantEqual(t, "ended", r.Ended, 1)
		lerr := <-load
		t.Logf("Load: %v after %v; Done %d, Failed %d", lerr, time.Since(start), o.Snapshot().Done, o.Snapshot().Failed)
		_, err = orchestrator.Execute(forever, o, value(1))
		wantError(t, "after the drain", err, orchestrator.ErrClosed)
		synctest.Wait()
	})
}
