//nolint:errcheck,containedctx,modernize,gosec // many small cases
package orchestrator_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

var saidCtx = context.Background()

var errSaid, errSaidCause = errors.New("boom"), errors.New("cause")

// What the documentation says, where it was once not so.

func saidMustEnd(t *testing.T, cfg orchestrator.Config, fn orchestrator.Task[int]) {
	saidRun(t, func(t *testing.T) {
		cfg.Slots = 1
		o := saidNew(t, cfg)
		ctx, cancel := context.WithTimeoutCause(saidCtx, time.Minute, errSaidCause)
		defer cancel()
		_, err := saidSubmit(t, o, saidCtx, fn).Await(ctx)
		if err == nil || errors.Is(err, errSaidCause) {
			t.Errorf("the task has not ended after a minute: %v", err)
		}
		_, err = orchestrator.Execute(ctx, o, saidVal(1))
		saidIs(t, "the slot is free", err, nil)
	})
}

func TestPromiseOnPanicGoexit(t *testing.T) {
	saidMustEnd(t, orchestrator.Config{OnPanic: func(*orchestrator.PanicError) { runtime.Goexit() }},
		func(context.Context) (int, error) { panic("task") })
}

func TestPromiseClassifyGoexit(t *testing.T) {
	saidMustEnd(t, orchestrator.Config{Retry: orchestrator.Retry{Classify: func(error) orchestrator.Verdict { runtime.Goexit(); return orchestrator.Verdict{} }}},
		func(context.Context) (int, error) { return 0, errSaid })
}

func TestPromiseKeysPanics(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{})
		func() {
			defer func() { recover() }()
			orchestrator.Map(saidCtx, o, "x", []int{1, 2}, saidIdent, orchestrator.Keys(func(i int) string { panic("keys") }))
		}()
		saidEq(t, "batches that have not finished", len(o.Snapshot().Batches), 0)
		ctx, cancel := context.WithTimeout(saidCtx, time.Minute)
		defer cancel()
		_, err := orchestrator.AwaitBatch[int](ctx, o, "x")
		saidIs(t, "AwaitBatch", err, orchestrator.ErrUnknownBatch)
		_, err = orchestrator.Map(ctx, o, "x", []int{1, 2}, saidIdent)
		saidIs(t, "the id is free", err, nil)
	})
}

func TestPromiseBatcherUnhashable(t *testing.T) { // real time: a mutex is not durably blocked
	o, err := orchestrator.New(orchestrator.Config{Limiter: saidUnlimited(t)})
	if err != nil {
		t.Fatal(err)
	}
	b, err := orchestrator.NewBatcher(o, func(ctx context.Context, k []any) (map[any]int, error) { return map[any]int{1: 1}, nil }, orchestrator.BatcherConfig{})
	if err != nil {
		t.Fatal(err)
	}
	func() {
		defer func() { recover() }() // runtime error: hash of unhashable type []int
		b.Load(saidCtx, []int{1})
	}()
	ctx, cancel := context.WithTimeout(saidCtx, time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { _, err := b.Load(ctx, 1); done <- err }()
	select {
	case err := <-done:
		saidIs(t, "", err, nil)
		saidIs(t, "", o.Close(saidCtx), nil)
	case <-time.After(3 * time.Second):
		t.Fatal("Load of another key hangs, past the end of its context: a lock is still held")
	}
}

func TestPromiseBatcherNaN(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		var panics atomic.Int32
		o := saidNew(t, orchestrator.Config{OnPanic: func(p *orchestrator.PanicError) { panics.Add(1) }})
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, k []float64) (map[float64]int, error) { return map[float64]int{1.5: 1}, nil }, orchestrator.BatcherConfig{})
		nan := 0.0
		nan /= nan
		res := make(chan error, 1)
		go func() { _, err := b.Load(saidCtx, 1.5); res <- err }()
		_, err := b.Load(saidCtx, nan)
		saidIs(t, "NaN", err, orchestrator.ErrNoResult)
		saidIs(t, "the other key of the call", <-res, nil)
		saidEq(t, "calls of OnPanic", panics.Load(), 0)
	})
}

func TestPromiseDrainErrorJoined(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		saidSubmit(t, o, saidCtx, saidSleep(time.Hour, 1))
		synctest.Wait()
		e1 := make(chan error, 1)
		go func() { e1 <- o.Close(saidCtx) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(saidCtx, time.Second)
		defer cancel()
		err2 := o.Close(ctx)
		if err1 := <-e1; err1 == nil {
			t.Errorf("a task was cancelled, but the first Close says nil (the second: %v)", err2)
		}
		if r, err := o.Drain(saidCtx, orchestrator.Drain{}); err == nil {
			t.Errorf("Drain afterwards reports %q, and nil", r)
		}
	})
}

func TestPromiseHandBackBetweenAttempts(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{})
		b, _ := orchestrator.EnqueueBatch(saidCtx, o, "x", []orchestrator.Task[int]{saidFailing(new(atomic.Int32), orchestrator.Again(errSaid, 10*time.Second))})
		synctest.Wait()
		r, _ := o.Drain(saidCtx, orchestrator.Drain{HandBack: true})
		out, _ := b.Await(saidCtx)
		if out[0].Attempts > 0 && (errors.Is(out[0].Err, orchestrator.ErrHandedBack) || r.HandedBack > 0) {
			t.Errorf("%q after %d attempts (its error, %q, is lost: %v); report %v", out[0].Err, out[0].Attempts, errSaid, !errors.Is(out[0].Err, errSaid), r)
		}
	})
}

func TestPromiseDrainNamesStuck(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		orchestrator.Execute(saidCtx, o, saidStubborn(time.Hour, 1), orchestrator.Timeout(time.Second), orchestrator.Name("stuck-one"))
		ctx, cancel := context.WithTimeout(saidCtx, time.Second)
		defer cancel()
		start := time.Now()
		r, err := o.Drain(ctx, orchestrator.Drain{})
		if err == nil || !strings.Contains(err.Error(), "stuck-one") {
			t.Errorf("waited %v for a function that does not return; the error does not say for which: %v; %+v", time.Since(start), err, r)
		}
		time.Sleep(time.Hour)
	})
}

func TestPromiseReportEndedJoined(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		saidSubmit(t, o, saidCtx, saidStubborn(time.Hour, 1), orchestrator.Key("k"))
		j := saidSubmit(t, o, saidCtx, saidVal(1), orchestrator.Key("k"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(saidCtx, time.Second)
		defer cancel()
		r, _ := o.Drain(ctx, orchestrator.Drain{})
		_, err := j.Await(saidCtx)
		saidIs(t, "", err, orchestrator.ErrAbandoned)
		saidEq(t, "ended by themselves", r.Ended, 0)
		time.Sleep(time.Hour)
	})
}

// "each call of its function is one task": it counts as one, in Snapshot and in Report.
func TestPromiseBatcherCounts(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, k []int) (map[int]int, error) {
			if k[0] == 1 {
				return map[int]int{1: 1}, nil
			}
			return nil, errSaid
		}, orchestrator.BatcherConfig{})
		_, err := b.Load(saidCtx, 1)
		saidIs(t, "", err, nil)
		saidEq(t, "done", o.Snapshot().Done, 1)
		_, err = b.Load(saidCtx, 2)
		saidIs(t, "", err, errSaid)
		saidEq(t, "failed", o.Snapshot().Failed, 1)
		saidSubmit(t, o, saidCtx, saidSleep(time.Hour, 1))
		go b.Load(saidCtx, 1)
		time.Sleep(time.Second)
		saidEq(t, "pending", o.Pending(), 1)
		r, _ := o.Drain(saidCtx, orchestrator.Drain{HandBack: true})
		saidEq(t, "handed back", r.HandedBack, 1)
	})
}

// A batcher that gathers while the orchestrator is drained.
func TestPromiseDrainBatcherGathering(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		var began, ended atomic.Bool
		b, _ := orchestrator.NewBatcher(o, func(ctx context.Context, k []int) (map[int]int, error) {
			began.Store(true)
			select {
			case <-time.After(10 * time.Second):
			case <-ctx.Done():
			}
			ended.Store(true)
			return map[int]int{1: 1}, context.Cause(ctx)
		}, orchestrator.BatcherConfig{Delay: time.Hour})
		load := make(chan error, 1)
		go func() { _, err := b.Load(saidCtx, 1); load <- err }()
		synctest.Wait()
		start := time.Now()
		r, err := o.Drain(saidCtx, orchestrator.Drain{})
		took := time.Since(start)
		e := ended.Load()
		synctest.Wait()
		if began.Load() && !e {
			t.Errorf("Drain returned %q, %v after %v while the call runs", r, err, took)
		}
		saidEq(t, "ended", r.Ended, 1)
		lerr := <-load
		t.Logf("Load: %v after %v; Done %d, Failed %d", lerr, time.Since(start), o.Snapshot().Done, o.Snapshot().Failed)
		_, err = orchestrator.Execute(saidCtx, o, saidVal(1))
		saidIs(t, "", err, orchestrator.ErrClosed)
		synctest.Wait()
	})
}

func TestPromiseShedInVain(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1, MaxCost: 10, Full: orchestrator.Shed})
		gate := saidBusy(t, o)
		bg := saidSubmit(t, o, saidCtx, saidVal(1), orchestrator.Priority(orchestrator.Background), orchestrator.Cost(4))
		saidSubmit(t, o, saidCtx, saidVal(1), orchestrator.Cost(6))
		_, err := orchestrator.Submit(saidCtx, o, saidVal(1), orchestrator.Cost(5)) // 10 - 4 + 5 is no room either
		var fe *orchestrator.FullError
		if !errors.As(err, &fe) {
			t.Error(err)
		}
		close(gate)
		_, err = bg.Await(saidCtx)
		saidIs(t, "shed for a task that was then refused", err, nil)
	})
}

func TestPromiseShedInVainBatch(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1, MaxPending: 2, Full: orchestrator.Shed})
		gate := saidBusy(t, o)
		bg := saidSubmit(t, o, saidCtx, saidVal(1), orchestrator.Priority(orchestrator.Background))
		saidSubmit(t, o, saidCtx, saidVal(1))
		_, err := orchestrator.Map(saidCtx, o, "z", []int{1, 2}, saidIdent)
		var fe *orchestrator.FullError
		if !errors.As(err, &fe) {
			t.Error(err)
		}
		close(gate)
		_, err = bg.Await(saidCtx)
		saidIs(t, "shed for a batch that was then refused", err, nil)
	})
}

func TestPromiseShedBetweenAttempts(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1, MaxPending: 1, Full: orchestrator.Shed})
		saidSubmit(t, o, saidCtx, saidFailing(new(atomic.Int32), orchestrator.Again(errSaid, 5*time.Second)), orchestrator.Priority(orchestrator.Background))
		synctest.Wait()
		saidEq(t, "tasks that wait", o.Pending(), 1)
		_, err := orchestrator.Execute(saidCtx, o, saidVal(2), orchestrator.Priority(orchestrator.Urgent))
		saidIs(t, "urgent task, with a background one that waits", err, nil)
	})
}

func TestPromiseKeySelf(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{})
		ctx, cancel := context.WithTimeoutCause(saidCtx, time.Minute, errSaidCause)
		defer cancel()
		_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o, saidVal(1), orchestrator.Key("k"))
		}, orchestrator.Key("k"))
		saidIs(t, "joins, and awaits, the run it is", err, orchestrator.ErrAwaitsItself)
	})
}

func TestPromisePingPong(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o1 := saidNew(t, orchestrator.Config{Slots: 1})
		o2 := saidNew(t, orchestrator.Config{Slots: 1})
		ctx, cancel := context.WithTimeout(saidCtx, time.Minute)
		defer cancel()
		_, err := orchestrator.Execute(ctx, o1, func(ctx context.Context) (int, error) {
			return orchestrator.Execute(ctx, o2, func(ctx context.Context) (int, error) {
				return orchestrator.Execute(ctx, o1, saidVal(9))
			})
		})
		saidIs(t, "waits in calls of this package with contexts that come from its own", err, nil)
	})
}

func TestPromiseOnProgressLost(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{Slots: 1})
		slow := func(context.Context, int) (int, error) { time.Sleep(time.Second); return 0, nil }
		for id, live := range map[string]orchestrator.Live{"join": orchestrator.LiveJoins, "append": orchestrator.LiveAppends} {
			var first []orchestrator.Option
			if id == "append" { // appended to a batch without OnProgress it is called
				first = append(first, orchestrator.OnProgress(func(orchestrator.Progress) {}))
			}
			var n atomic.Int32
			orchestrator.Map(saidCtx, o, id, []int{1}, slow, first...)
			b, _ := orchestrator.Map(saidCtx, o, id, []int{1}, slow, orchestrator.OnLive(live), orchestrator.OnProgress(func(orchestrator.Progress) { n.Add(1) }))
			b.Await(saidCtx)
			time.Sleep(time.Second)
			if n.Load() == 0 {
				t.Errorf("%s: OnProgress is never called", id)
			}
		}
	})
}

func TestPromiseNilOption(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o := saidNew(t, orchestrator.Config{})
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panics: %v", p)
			}
		}()
		orchestrator.Execute(saidCtx, o, saidVal(1), nil)
	})
}

func TestPromiseRouteSlotsZero(t *testing.T) {
	saidRun(t, func(t *testing.T) {
		o, err := orchestrator.New(orchestrator.Config{Limiter: saidUnlimited(t), RouteSlots: map[string]int{"global": 0}})
		saidIs(t, "zero is all of them", err, nil)
		if err == nil {
			o.Close(saidCtx)
		}
	})
}

type saidErrCtx struct {
	context.Context
	err func()
}

func (c saidErrCtx) Err() error { c.err(); return c.Context.Err() }

// Real time. "No lock is held while user code runs": the Err of a context is user code.
func saidErrUnderLock(t *testing.T, opts ...orchestrator.Option) {
	o, err := orchestrator.New(orchestrator.Config{Limiter: saidUnlimited(t), Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan bool)
	go func() {
		gate := make(chan struct{})
		saidSubmit(t, o, saidCtx, saidGate(gate))
		base, cancel := context.WithCancel(saidCtx)
		f := saidSubmit(t, o, saidErrCtx{base, func() { o.Snapshot() }}, saidVal(1), opts...)
		cancel()
		f.Await(saidCtx)
		close(gate)
		o.Close(saidCtx)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("hangs")
	}
}
func TestPromiseErrUnderLockPlain(t *testing.T) { saidErrUnderLock(t) }
func TestPromiseErrUnderLockKey(t *testing.T)   { saidErrUnderLock(t, orchestrator.Key("k")) }

func saidRun(t *testing.T, fn func(t *testing.T)) { t.Helper(); synctest.Test(t, fn) }

func saidNew(t *testing.T, cfg orchestrator.Config) *orchestrator.Orchestrator {
	t.Helper()
	if cfg.Limiter == nil {
		cfg.Limiter = saidUnlimited(t, "a", "b")
	}
	o, err := orchestrator.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(saidCtx, time.Hour)
		defer cancel()
		o.Drain(ctx, orchestrator.Drain{Grace: time.Minute})
	})
	return o
}

func saidUnlimited(t *testing.T, routes ...string) *limiter.Limiter {
	t.Helper()
	b := map[string][]limiter.Limit{"global": {limiter.PerSecond(1_000_000, 0)}}
	for _, r := range routes {
		b[r] = []limiter.Limit{limiter.PerSecond(1_000_000, 0)}
	}
	l, err := limiter.NewUnlimited(limiter.Config{Buckets: b})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close(saidCtx) })
	return l
}

func saidVal[T any](v T) orchestrator.Task[T] {
	return func(context.Context) (T, error) { return v, nil }
}

func saidSleep[T any](d time.Duration, v T) orchestrator.Task[T] {
	return func(ctx context.Context) (T, error) {
		select {
		case <-time.After(d):
			return v, nil
		case <-ctx.Done():
			var z T
			return z, context.Cause(ctx)
		}
	}
}

func saidStubborn[T any](d time.Duration, v T) orchestrator.Task[T] {
	return func(ctx context.Context) (T, error) { time.Sleep(d); return v, nil }
}

func saidGate(ch <-chan struct{}) orchestrator.Task[int] {
	return func(ctx context.Context) (int, error) {
		select {
		case <-ch:
			return 1, nil
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		}
	}
}

func saidSubmit[T any](t *testing.T, o *orchestrator.Orchestrator, ctx context.Context, fn orchestrator.Task[T], opts ...orchestrator.Option) *orchestrator.Future[T] {
	t.Helper()
	f, err := orchestrator.Submit(ctx, o, fn, opts...)
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return f
}

func saidIs(t *testing.T, what string, got, want error) {
	t.Helper()
	if want == nil && got != nil || want != nil && !errors.Is(got, want) {
		t.Errorf("%s: got error %v, want %v", what, got, want)
	}
}

func saidEq[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func saidBusy(t *testing.T, o *orchestrator.Orchestrator) chan struct{} {
	gate := make(chan struct{})
	for range o.Snapshot().Slots {
		saidSubmit(t, o, saidCtx, saidGate(gate))
	}
	synctest.Wait()
	return gate
}

func saidFailing(n *atomic.Int32, err error) orchestrator.Task[int] {
	return func(context.Context) (int, error) { n.Add(1); return 0, err }
}

func saidIdent(_ context.Context, i int) (int, error) { return i, nil }
