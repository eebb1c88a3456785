package sse

import (
	"context"
	"slices"
	"time"
)

// chunk is the most that is written under one deadline, in bytes, so that the write timeout tells a client that has
// stopped taking bytes from one that is taking a long event over a slow line.
const chunk = 64 << 10

// heartbeat is a comment, and the blank line of an event without data.
const heartbeat = ":\n\n"

// Serve sends what is queued until the stream ends, and is the only code that touches the ResponseWriter: call it once,
// on the handler's goroutine, and return from the handler after it. It returns nil after Close, with everything sent;
// the cause of ctx's end; or the error of the write that failed, which is [os.ErrDeadlineExceeded] for a client that took
// nothing for the write timeout. A second call returns [ErrClosed].
func (w *Writer) Serve(ctx context.Context) error {
	if !w.begin() {
		return ErrClosed
	}
	defer w.end()
	silence := time.NewTimer(w.heartbeat)
	defer silence.Stop()
	for {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		wire, more := w.next()
		switch {
		case wire != nil:
			if err := w.send(wire); err != nil {
				return err
			}
			w.sent()
			silence.Reset(w.heartbeat)
			continue
		case !more:
			return nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
		case <-silence.C:
			if err := w.send([]byte(heartbeat)); err != nil {
				return err
			}
			silence.Reset(w.heartbeat)
		}
	}
}

func (w *Writer) begin() (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	first, w.served = !w.served, true
	return first
}

// next takes the oldest event out of the queue; more is false when there is none and none will come.
func (w *Writer) next() (wire []byte, more bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	it, ok := w.queue.pop()
	if !ok {
		return nil, !w.closed
	}
	w.sending = it.seq
	return it.frame.wire, true
}

// sent tells those who wait that the event taken by next is flushed.
func (w *Writer) sent() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sending = 0
	w.movedLocked()
}

// send writes and flushes, each under a deadline of its own. A writer that failed is not flushed: some of them panic.
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

// end makes every other call return ErrClosed. The deadline is for what net/http itself still writes when the handler
// returns, which would otherwise wait for ever on a client that has stopped reading.
func (w *Writer) end() {
	w.mu.Lock()
	w.closed, w.ended = true, true
	for i := range w.queue.items {
		w.queue.items[i].frame.wire = nil // that they were not sent still counts, their bytes do not
	}
	w.movedLocked()
	w.mu.Unlock()
	_ = w.deadline(w.writeTimeout)
}
