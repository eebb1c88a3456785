package sse_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

// TestServeFrom: frames leave as they come, heartbeats break the silence, and the end of the source is the end of the stream.
func TestServeFrom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(t)
		w := newWriter(t, sse.Config{}, m)
		frames := make(chan sse.Frame)
		result := make(chan error, 1)
		go func() {
			result <- w.ServeFrom(t.Context(), func(ctx context.Context) (sse.Frame, error) {
				select {
				case f, ok := <-frames:
					if !ok {
						return sse.Frame{}, io.EOF
					}
					return f, nil
				case <-ctx.Done():
					return sse.Frame{}, context.Cause(ctx)
				}
			})
		}()
		one, err := event("1").Frame()
		must(t, err)
		frames <- one
		time.Sleep(15*time.Second - 1)
		frames <- one
		time.Sleep(15 * time.Second)
		synctest.Wait()
		close(frames)
		must(t, <-result)
		if diff := cmp.Diff("data: 1\n\ndata: 1\n\n:\n\n", m.seen()); diff != "" {
			t.Error(diff)
		}
		checkClosed(t, w)
	})
}

// TestServeFromEnds: with its context, with an error of the source, with a client that is gone.
func TestServeFromEnds(t *testing.T) {
	broken := errors.New("broken")
	left, leave := context.WithCancelCause(t.Context())
	leave(broken)
	one, err := event("1").Frame()
	must(t, err)
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
		if err := w.ServeFrom(c.ctx, func(context.Context) (sse.Frame, error) { return one, c.next }); !errors.Is(err, broken) {
			t.Errorf("%s: %v", name, err)
		}
		if err := w.ServeFrom(t.Context(), nil); !errors.Is(err, sse.ErrClosed) {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}
