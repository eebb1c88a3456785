package sse_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

// checkClosed holds every method to ErrClosed.
func checkClosed(t *testing.T, w *sse.Writer) {
	t.Helper()
	for name, err := range map[string]error{
		"Write":      w.Write(t.Context(), event("late")),
		"WriteAsync": w.WriteAsync(event("late")),
		"Flush":      w.Flush(t.Context()),
		"Serve":      w.Serve(t.Context()),
	} {
		if !errors.Is(err, sse.ErrClosed) {
			t.Errorf("%s after the end: %v", name, err)
		}
	}
	w.Close()
}

// Close lets out what is queued, also to those who wait for it, and takes nothing more.
func TestCloseDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		must(t, w.WriteAsync(event("1")))
		waiting := make(chan error, 2)
		go func() { waiting <- w.Write(t.Context(), event("2")) }()
		synctest.Wait()
		go func() { waiting <- w.Flush(t.Context()) }()
		synctest.Wait()
		w.Close()
		if err := w.WriteAsync(event("late")); !errors.Is(err, sse.ErrClosed) {
			t.Errorf("queued after Close: %v", err)
		}
		must(t, w.Serve(t.Context()))
		must(t, <-waiting)
		must(t, <-waiting)
		if diff := cmp.Diff("data: 1\n\ndata: 2\n\n", m.seen()); diff != "" {
			t.Error(diff)
		}
		checkClosed(t, w)
	})
}

// The end of the request ends the stream, and nobody waits on for a client that is gone.
func TestDisconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		m.block = make(chan struct{})
		w := newWriter(t, sse.Config{}, m)
		gone := errors.New("client gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		result := serve(ctx, w)
		var waiting [3]chan error
		for i := range waiting {
			waiting[i] = make(chan error, 1)
			go func() { waiting[i] <- w.Write(t.Context(), event("x")) }()
			synctest.Wait()
		}
		cancel(gone)
		close(m.block)
		if err := <-result; !errors.Is(err, gone) {
			t.Errorf("Serve: %v, want %v", err, gone)
		}
		must(t, <-waiting[0]) // its bytes were on their way
		for _, c := range waiting[1:] {
			if err := <-c; !errors.Is(err, sse.ErrClosed) {
				t.Errorf("a waiting Write: %v", err)
			}
		}
		checkClosed(t, w)
	})
}

// A failed write is the end: memory fails the test should it be followed by a flush.
func TestFailedWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		m.fail = errors.New("broken pipe")
		result := serve(t.Context(), w)
		if err := w.Write(t.Context(), event("x")); !errors.Is(err, sse.ErrClosed) {
			t.Errorf("Write: %v, want ErrClosed", err)
		}
		if err := <-result; !errors.Is(err, m.fail) {
			t.Errorf("Serve: %v, want %v", err, m.fail)
		}
		checkClosed(t, w)
	})
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		result := serve(t.Context(), w)
		at := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if diff := cmp.Diff(want, m.seen()); diff != "" {
				t.Error(diff)
			}
			if m.hasDeadline() {
				t.Error("an idle stream has a deadline")
			}
		}
		at(15*time.Second-1, "")
		at(1, ":\n\n")
		at(15*time.Second, ":\n\n:\n\n")
		at(14*time.Second, ":\n\n:\n\n")
		must(t, w.Write(t.Context(), event("x"))) // breaks the silence
		at(15*time.Second-1, ":\n\n:\n\ndata: x\n\n")
		at(1, ":\n\n:\n\ndata: x\n\n:\n\n")
		w.Close()
		must(t, <-result)
		got, err := readAll(strings.NewReader(m.seen()))
		must(t, err)
		if len(got) != 1 {
			t.Errorf("a client took heartbeats for events: %v", got)
		}
	})
}

func TestHeartbeatFindsADeadClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{Heartbeat: time.Second}, m)
		m.fail = errors.New("connection reset")
		start := time.Now()
		if err := w.Serve(t.Context()); !errors.Is(err, m.fail) {
			t.Errorf("Serve: %v", err)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("found after %v", d)
		}
	})
}

// A long event goes out in parts, each with the whole write timeout; memory takes back the deadline after every write.
func TestLongEventHasADeadlinePerPart(t *testing.T) {
	m := newMemory(t)
	w := newWriter(t, sse.Config{}, m)
	must(t, w.WriteAsync(sse.Event{Data: bytes.Repeat([]byte("x"), 1<<20)}))
	w.Close()
	must(t, w.Serve(t.Context()))
	if m.longest > 64<<10 {
		t.Errorf("%d bytes under one deadline", m.longest)
	}
	if got := len(m.seen()); got != 1<<20+len("data: \n\n") {
		t.Errorf("%d bytes sent", got)
	}
}
