package sse_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

// next is what [sse.Writer.Serve] asks for events.
type next func(context.Context) (sse.Frame, error)

// list returns a source of these events, which then ends.
func list(t *testing.T, events ...sse.Event) next {
	return func(context.Context) (sse.Frame, error) {
		if len(events) == 0 {
			return sse.Frame{}, io.EOF
		}
		f := frame(t, events[0])
		events = events[1:]
		return f, nil
	}
}

// from returns a source of the events that come over a channel. It ends when the channel is closed.
func from(frames <-chan sse.Frame) next {
	return func(ctx context.Context) (sse.Frame, error) {
		select {
		case f, ok := <-frames:
			if !ok {
				return sse.Frame{}, io.EOF
			}
			return f, nil
		case <-ctx.Done():
			return sse.Frame{}, context.Cause(ctx)
		}
	}
}

// nothing returns a source that never has an event.
func nothing() next { return from(nil) }

// TestServe: events are sent whole and in order, and the stream ends with its source.
func TestServe(t *testing.T) {
	m := newMemory(t)
	must(t, newWriter(t, sse.Config{}, m).Serve(t.Context(), list(t, event("1"), sse.Event{ID: "7", Name: "done"})))
	if diff := cmp.Diff("data: 1\n\nid: 7\nevent: done\ndata: \n\n", m.seen()); diff != "" {
		t.Errorf("the client received (-want +got):\n%s", diff)
	}
}

// TestServeEnds: Serve ends with its context, with an error of the source, and with a failed write. memory fails the test if a flush
// follows the failed write.
func TestServeEnds(t *testing.T) {
	broken := errors.New("broken")
	left, leave := context.WithCancelCause(t.Context())
	leave(broken)
	one := frame(t, event("1"))
	for name, c := range map[string]struct {
		ctx  context.Context //nolint:containedctx // a row of a table
		fail error           // of the client
		next error
	}{
		"context": {left, nil, nil}, "source": {t.Context(), nil, broken}, "client": {t.Context(), broken, nil},
	} {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		m.fail = c.fail
		if err := w.Serve(c.ctx, func(context.Context) (sse.Frame, error) { return one, c.next }); !errors.Is(err, broken) {
			t.Errorf("Serve with a failing %s returned %v, want %v", name, err, broken)
		}
	}
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		frames, result := make(chan sse.Frame), make(chan error, 1)
		go func() { result <- w.Serve(t.Context(), from(frames)) }()
		at := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if diff := cmp.Diff(want, m.seen()); diff != "" {
				t.Errorf("the client has received (-want +got):\n%s", diff)
			}
			if m.hasDeadline() {
				t.Error("an idle stream has a deadline")
			}
		}
		at(15*time.Second-1, "")
		at(1, ":\n\n")
		at(15*time.Second, ":\n\n:\n\n")
		at(14*time.Second, ":\n\n:\n\n")
		frames <- frame(t, event("x")) // ends the idle time
		at(15*time.Second-1, ":\n\n:\n\ndata: x\n\n")
		at(1, ":\n\n:\n\ndata: x\n\n:\n\n")
		close(frames)
		must(t, <-result)
		got, err := readAll(strings.NewReader(m.seen()))
		must(t, err)
		if len(got) != 1 {
			t.Errorf("a client reads %v, want one event and no heartbeats", got)
		}
	})
}

func TestHeartbeatFindsADeadClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{Heartbeat: time.Second}, m)
		m.fail = errors.New("connection reset")
		start := time.Now()
		if err := w.Serve(t.Context(), nothing()); !errors.Is(err, m.fail) {
			t.Errorf("Serve returned %v, want %v", err, m.fail)
		}
		if d := time.Since(start); d != time.Second {
			t.Errorf("Serve returned after %v, want it after the first heartbeat", d)
		}
	})
}

// A long event is sent in parts, each with the whole write timeout. memory removes the deadline after every write.
func TestLongEventHasADeadlinePerPart(t *testing.T) {
	m := newMemory(t)
	must(t, newWriter(t, sse.Config{}, m).Serve(t.Context(), list(t, sse.Event{Data: bytes.Repeat([]byte("x"), 1<<20)})))
	if m.longest > 64<<10 {
		t.Errorf("one write has %d bytes, want at most 64 KiB under one deadline", m.longest)
	}
	if got := len(m.seen()); got != 1<<20+len("data: \n\n") {
		t.Errorf("%d bytes were sent, want the whole event", got)
	}
}
