package sse

import (
	"context"
	"errors"
	"io"
	"slices"
	"time"
)

// chunk is the most that is written under one deadline, in bytes. So the write timeout ends a client that takes no
// bytes, but not a client that takes a long event over a slow line.
const chunk = 64 << 10

// heartbeat is a comment, and the blank line of an event without data.
const heartbeat = ":\n\n"

// Serve sends the frames that next returns, until next returns [io.EOF], for which Serve returns nil. Call it once, on
// the goroutine of the handler, and return from the handler after it.
//
// If the source ignores contexts, as a range over a sequence does, run it in a goroutine of its own that sends to a
// channel, and let next read the channel.
//
// Serve calls next on the same goroutine, with a context that ends with ctx and whenever a heartbeat is due. When that
// context ends, next must take no frame and return the context's error; Serve then calls next again. Any other error of
// next ends the stream, and Serve returns it. Serve also returns the cause of ctx's end, and the error of a failed
// write: [os.ErrDeadlineExceeded] if the client took no bytes for the write timeout.
func (w *Writer) Serve(ctx context.Context, next func(context.Context) (Frame, error)) error {
	// This deadline is for the bytes that net/http itself writes when the handler returns. Without it, net/http would
	// wait indefinitely for a client that has stopped reading.
	defer func() { _ = w.deadline(w.writeTimeout) }()
	for {
		frame, err := w.within(ctx, next)
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, errSilent):
			frame = Frame{wire: []byte(heartbeat)}
		case err != nil:
			return err
		}
		if err := w.send(frame.wire); err != nil {
			return err
		}
	}
}

// errSilent is the cause that ends the wait for a frame when a heartbeat is due.
var errSilent = errors.New("sse: a heartbeat is due")

// within waits for a frame, for as long as the stream may be silent.
func (w *Writer) within(ctx context.Context, next func(context.Context) (Frame, error)) (Frame, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.heartbeat, errSilent)
	defer cancel()
	frame, err := next(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errSilent) && errors.Is(err, ctx.Err()) {
		err = errSilent
	}
	return frame, err
}

// send writes and flushes, each under a deadline of its own. It does not flush a writer that failed, because some
// writers then panic.
func (w *Writer) send(wire []byte) error {
	for part := range slices.Chunk(wire, chunk) {
		if err := w.deadline(w.writeTimeout); err != nil {
			return err
		}
		if _, err := w.out.Write(part); err != nil {
			return err
		}
	}
	if err := w.deadline(w.writeTimeout); err != nil {
		return err
	}
	if err := w.rc.Flush(); err != nil {
		return err
	}
	// An idle stream has no deadline: HTTP/2 resets a stream whose deadline passes, even with nothing to write.
	return w.rc.SetWriteDeadline(time.Time{})
}

func (w *Writer) deadline(d time.Duration) error { return w.rc.SetWriteDeadline(time.Now().Add(d)) }
