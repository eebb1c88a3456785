package orchestrator_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

func boom() { panic("boom") }

// nilError is an error whose Error panics if the pointer is nil.
type nilError struct{ text string }

func (e *nilError) Error() string { return e.text }

// errGivenUp is the cause of a context that a test ends because it has waited too long.
var errGivenUp = errors.New("given up")

// mustEnd checks that a task ends with an error other than errGivenUp, and that its slot is free then.
func mustEnd(t *testing.T, cfg orchestrator.Config, fn orchestrator.Task[int]) {
	t.Helper()
	cfg.Slots = 1
	inBubbleUnlimited(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx, cancel := context.WithTimeoutCause(forever, time.Minute, errGivenUp)
		defer cancel()
		_, err := submit(t, forever, o, fn).Await(ctx)
		if err == nil || errors.Is(err, errGivenUp) {
			t.Errorf("the task has not ended after a minute: %v", err)
		}
		_, err = orchestrator.Execute(ctx, o, value(1))
		wantError(t, "the slot is free", err, nil)
	})
}

// TestPanicsAreErrorsOfTheirTask: the hook is called for each panic, even if the hook itself panics. The stack is that of
// the task alone.
func TestPanicsAreErrorsOfTheirTask(t *testing.T) {
	var heard atomic.Int64
	cfg := orchestrator.Config{Slots: 2, OnPanic: func(p *orchestrator.PanicError) {
		heard.Add(1)
		panic("the hook, too")
	}}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 5 {
			_, err := orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { boom(); return 0, nil })
			p, ok := errors.AsType[*orchestrator.PanicError](err)
			if !ok || p.Value != "boom" {
				t.Fatalf("error %v", err)
			}
			if stack := string(p.Stack); !strings.Contains(stack, "orchestrator_test.boom") || strings.Contains(stack, "orchestrator.(*") {
				t.Errorf("the stack shows more or less than the task:\n%s", stack)
			}
		}
		if s := o.Snapshot(); heard.Load() != 5 || s.Panicked != 5 || s.Failed != 0 {
			t.Errorf("the hook was called %d times, snapshot %+v", heard.Load(), s)
		}
	})
}

// TestPanicsMayCrash runs itself again in a process that must crash.
func TestPanicsMayCrash(t *testing.T) {
	if os.Getenv("WEIR_TEST_CRASH") != "" {
		l, err := limiter.NewUnlimited(oneBucket(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, CrashOnPanic: true})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { boom(); return 0, nil })
		return
	}
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestPanicsMayCrash$") //nolint:gosec // itself
	cmd.Env = append(os.Environ(), "WEIR_TEST_CRASH=1")
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "panic: boom") || !strings.Contains(string(out), "orchestrator_test.boom") {
		t.Errorf("%v:\n%s", err, out)
	}
}

func TestGoexitEndsItsTaskAlone(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 1}, func(t *testing.T, o *orchestrator.Orchestrator) {
		exits := func(context.Context) (int, error) { runtime.Goexit(); return 0, nil }
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "", []orchestrator.Task[int]{exits, value(1), exits, exits, value(2)})
		if err != nil {
			t.Fatal(err)
		}
		out, _ := b.Await(t.Context())
		for i, want := range []error{orchestrator.ErrGoexit, nil, orchestrator.ErrGoexit, orchestrator.ErrGoexit, nil} {
			if !errors.Is(out[i].Err, want) {
				t.Errorf("task %d ended with %v, want %v", i, out[i].Err, want)
			}
		}
	})
}

func TestGoexitInOnPanicEndsTheTask(t *testing.T) {
	mustEnd(t, orchestrator.Config{OnPanic: func(*orchestrator.PanicError) { runtime.Goexit() }},
		func(context.Context) (int, error) { panic("task") })
}

func TestGoexitInClassifyEndsTheTask(t *testing.T) {
	mustEnd(t, orchestrator.Config{Retry: orchestrator.Retry{Classify: func(error) orchestrator.Verdict { runtime.Goexit(); return orchestrator.Verdict{} }}},
		func(context.Context) (int, error) { return 0, errFailed })
}

// TestAPanicInKeysLeavesNoBatch: the function for keys panics, and the id of the batch stays free.
func TestAPanicInKeysLeavesNoBatch(t *testing.T) {
	inBubbleUnlimited(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		func() {
			defer func() { _ = recover() }()
			_, _ = orchestrator.Map(forever, o, "x", []int{1, 2}, same, orchestrator.Keys(func(int) string { panic("keys") }))
		}()
		wantEqual(t, "batches that have not finished", len(o.Snapshot().Batches), 0)
		ctx, cancel := context.WithTimeout(forever, time.Minute)
		defer cancel()
		_, err := orchestrator.AwaitBatch[int](ctx, o, "x")
		wantError(t, "AwaitBatch", err, orchestrator.ErrUnknownBatch)
		_, err = orchestrator.Map(ctx, o, "x", []int{1, 2}, same)
		wantError(t, "the id is free", err, nil)
	})
}

// TestAnErrorThatPanicsWhenPrintedDoesNoHarm: a task returns a nil pointer as its error, and the log prints errors.
func TestAnErrorThatPanicsWhenPrintedDoesNoHarm(t *testing.T) {
	cfg := orchestrator.Config{Logger: slog.New(slog.NewTextHandler(io.Discard, &slog.HandlerOptions{Level: slog.LevelDebug}))} //nolint:sloglint // a handler that prints
	inBubbleUnlimited(t, cfg, func(_ *testing.T, o *orchestrator.Orchestrator) {
		_, _ = orchestrator.Execute(forever, o, func(context.Context) (int, error) { var e *nilError; return 0, e })
	})
}
