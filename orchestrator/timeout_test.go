package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/orchestrator"
)

// TestATimeoutIsOfTheRunAlone: the time in the queue does not count, and Await returns as soon as the timeout is over.
func TestATimeoutIsOfTheRunAlone(t *testing.T) {
	var log bytes.Buffer
	cfg := orchestrator.Config{Slots: 1, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		blocker := submit(t, t.Context(), o, sleeper(2*time.Second, 1))
		// The task is queued for longer than its timeout, which does not count.
		waits := submit(t, t.Context(), o, func(ctx context.Context) (time.Time, error) {
			deadline, _ := ctx.Deadline()
			time.Sleep(900 * time.Millisecond)
			return deadline, ctx.Err()
		}, orchestrator.Timeout(time.Second))
		began := time.Now()
		if deadline, err := waits.Await(t.Context()); err != nil || deadline.Sub(began) != 3*time.Second {
			t.Errorf("deadline %v after it was queued, %v", deadline.Sub(began), err)
		}
		if _, err := blocker.Await(t.Context()); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		begin := time.Now()
		returned := make(chan error, 1)
		_, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			time.Sleep(time.Second) // the function returns late
			returned <- context.Cause(ctx)
			return 1, nil
		}, orchestrator.Timeout(time.Second), orchestrator.Name("search"))
		e, ok := errors.AsType[*orchestrator.TimeoutError](err)
		if !ok || e.Name != "search" || e.After != time.Second || !e.Timeout() || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if took := time.Since(begin); took != time.Second {
			t.Errorf("it ended after %v", took)
		}
		if cause := <-returned; !errors.Is(cause, e) {
			t.Errorf("the function saw %v", cause)
		}
		synctest.Wait()
		if s := o.Snapshot(); s.Done != 2 || s.TimedOut != 1 || s.Stuck != 0 {
			t.Errorf("%+v", s)
		}
	})
	if n := strings.Count(log.String(), "task ended"); n != 3 {
		t.Errorf("%d lines:\n%s", n, log.String())
	}
}
