package orchestrator_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/weir-go/weir/orchestrator"
)

// looker is user code of every kind: a context, a log handler, a hook. It reads the state of the orchestrator, which takes
// the lock. If the orchestrator calls user code with the lock held, the test hangs.
type looker struct {
	o     atomic.Pointer[orchestrator.Orchestrator]
	times atomic.Int64
}

func (l *looker) look() {
	if o := l.o.Load(); o != nil {
		o.Snapshot()
		l.times.Add(1)
	}
}

// As a context.
type lookingContext struct {
	context.Context //nolint:containedctx // a looker is a context

	l *looker
}

func (c lookingContext) Deadline() (time.Time, bool) { c.l.look(); return c.Context.Deadline() }
func (c lookingContext) Done() <-chan struct{}       { c.l.look(); return c.Context.Done() }
func (c lookingContext) Err() error                  { c.l.look(); return c.Context.Err() }
func (c lookingContext) Value(key any) any           { c.l.look(); return c.Context.Value(key) }

// As a log handler, and its level.
func (l *looker) Enabled(context.Context, slog.Level) bool        { l.look(); return true }
func (l *looker) Handle(context.Context, slog.Record) error       { l.look(); return nil }
func (l *looker) WithAttrs([]slog.Attr) slog.Handler              { return l }
func (l *looker) WithGroup(string) slog.Handler                   { return l }
func (l *looker) Level() slog.Level                               { l.look(); return slog.LevelInfo }
func (l *looker) OnStart(context.Context, sdktrace.ReadWriteSpan) { l.look() }
func (l *looker) OnEnd(sdktrace.ReadOnlySpan)                     { l.look() }
func (l *looker) Shutdown(context.Context) error                  { return nil }
func (l *looker) ForceFlush(context.Context) error                { return nil }

func TestNoLockIsHeldWhileUserCodeRuns(t *testing.T) {
	l := &looker{}
	cfg := orchestrator.Config{
		Slots: 1, MaxPending: 2, WarnPending: 1, Logger: slog.New(l), Level: l,
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(l)),
		OnPanic:        func(*orchestrator.PanicError) { l.look() },
		Retry: orchestrator.Retry{First: time.Millisecond, Classify: func(error) orchestrator.Verdict {
			l.look()
			return orchestrator.Verdict{Again: true}
		}},
	}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		l.o.Store(o)
		plain, cancel := context.WithCancelCause(t.Context())
		ctx := lookingContext{plain, l}
		task := func(ctx context.Context) (int, error) { //nolint:unparam // a task
			l.look()
			select {
			case <-ctx.Done():
			case <-time.After(time.Millisecond):
			}
			return 0, nil
		}
		looks := func(string) orchestrator.Option {
			return orchestrator.Keys(func(int) string { l.look(); return "k" })
		}
		for range 3 {
			for _, opts := range [][]orchestrator.Option{
				nil, {looks("k")}, {looks("k"), orchestrator.Keep(time.Second)}, {orchestrator.Timeout(time.Hour)}, {orchestrator.Priority(orchestrator.Urgent)},
			} {
				if _, err := orchestrator.Execute(ctx, o, task, opts...); err != nil {
					t.Error(err)
				}
				_, _ = orchestrator.Execute(ctx, o, failing(errors.New("busy")), append(opts, orchestrator.Attempts(2))...)
			}
			_, _ = orchestrator.Execute(ctx, o, func(context.Context) (int, error) { panic("x") })
			b, err := orchestrator.EnqueueBatch(ctx, o, "named", []orchestrator.Task[int]{task, task, task, task})
			if err != nil {
				t.Fatal(err)
			}
			for range b.Progress(ctx) {
				l.look()
			}
			for range b.Completed(ctx) {
				l.look()
			}
			if _, err := b.Await(ctx); err != nil {
				t.Error(err)
			}
		}
		batches, err := orchestrator.NewBatcher(o, func(_ context.Context, keys []int) (map[int]int, error) {
			l.look()
			return map[int]int{keys[0]: 1}, nil
		}, orchestrator.BatcherConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := batches.Load(ctx, 1); err != nil {
			t.Error(err)
		}
		// Tasks that wait, in every way, end with their contexts.
		submit(t, ctx, o, sleeper(time.Second, 1))
		synctest.Wait()
		for range 4 {
			go func() { _, _ = orchestrator.Submit(ctx, o, task) }()
			go func() { _, _ = orchestrator.Execute(ctx, o, task, looks("w")) }()
		}
		synctest.Wait()
		cancel(errors.New("gone"))
		synctest.Wait()
		if n := l.times.Load(); n < 100 {
			t.Errorf("the looker read the state only %d times", n)
		}
	})
}

// slowHandler is a log handler that needs time for each line.
type slowHandler struct {
	slog.Handler

	lines *atomic.Int64
}

func (h slowHandler) Enabled(context.Context, slog.Level) bool { return true }

func (h slowHandler) Handle(context.Context, slog.Record) error {
	time.Sleep(time.Second)
	h.lines.Add(1)
	return nil
}

// TestCloseWaitsForTheLastWord: when Close returns, no task goes on, and all lines about tasks are logged.
func TestCloseWaitsForTheLastWord(t *testing.T) {
	var lines atomic.Int64
	inBubble(t, orchestrator.Config{Logger: slog.New(slowHandler{slog.DiscardHandler, &lines})}, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithCancel(t.Context())
		submit(t, ctx, o, value(1))
		waits := submit(t, ctx, o, sleeper(time.Hour, 1), orchestrator.Route("slow"))
		submit(t, ctx, o, sleeper(time.Hour, 1), orchestrator.Route("slow")) // is cancelled while it is queued
		time.Sleep(time.Millisecond)
		cancel()
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if n := lines.Load(); n != 3 {
			t.Errorf("%d of 3 lines were written when it was closed", n)
		}
		if _, err := waits.Await(t.Context()); err == nil {
			t.Error("no error")
		}
	})
}

// cancelWhatLooks cancels a task whose context reads the state of the orchestrator, while every slot is taken. It runs in
// real time, because a bubble's clock stands still while a goroutine waits for a lock.
func cancelWhatLooks(t *testing.T, opts ...orchestrator.Option) {
	t.Helper()
	o, err := orchestrator.New(orchestrator.Config{Limiter: unlimitedLimiter(t), Slots: 1})
	if err != nil {
		t.Fatal(err)
	}
	l := &looker{}
	l.o.Store(o)
	done := make(chan bool)
	go func() {
		gate := make(chan struct{})
		submit(t, forever, o, gated(gate))
		base, cancel := context.WithCancel(forever)
		f := submit(t, lookingContext{base, l}, o, value(1), opts...)
		cancel()
		_, _ = f.Await(forever)
		close(gate)
		_ = o.Close(forever)
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(3 * time.Second):
		t.Fatal("hangs")
	}
}

func TestErrOfAContextIsCalledWithoutALock(t *testing.T) { cancelWhatLooks(t) }

func TestErrOfAContextOfASharedRunIsCalledWithoutALock(t *testing.T) {
	cancelWhatLooks(t, orchestrator.Key("k"))
}
