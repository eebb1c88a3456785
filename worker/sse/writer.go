package sse

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"
)

var (
	// ErrClosed is what every call gets after Close, and after the stream broke.
	ErrClosed = errors.New("sse: stream closed")
	// ErrLagging is what WriteAsync gets while the client takes events more slowly than they come.
	ErrLagging = errors.New("sse: client lags, queue full")
)

// Config makes Writers; the zero Config is ready to use.
type Config struct {
	// WriteTimeout is how long the client may take nothing before the stream is broken off. 0 means 10 s.
	WriteTimeout time.Duration
	// Heartbeat is the silence after which a comment is sent, which keeps proxies from closing the stream and finds out
	// that a client is gone. 0 means 15 s.
	Heartbeat time.Duration
	// QueueBytes is how many bytes WriteAsync lets wait, 64 beside the keys and the wire form of each event included. An event that is
	// longer waits alone. 0 means 256 KiB.
	QueueBytes int
}

// Writer streams events to the client of one request. Write is for what must arrive, WriteAsync for what may be late or
// left out, Flush for making sure before going on. All methods but Serve may be called from any goroutine, at any time,
// also long after the handler returned. Write and Flush wait for Serve, so the handler itself must not call them first.
type Writer struct {
	out          http.ResponseWriter // these two belong to Serve's goroutine
	rc           *http.ResponseController
	writeTimeout time.Duration
	heartbeat    time.Duration

	wake chan struct{} // capacity 1: there is something for Serve to do

	mu      sync.Mutex
	queue   queue
	sending uint64        // sequence number of the event that Serve is sending; 0 while it sends none
	moved   chan struct{} // closed, and replaced, whenever that or what is queued has got less
	served  bool          // Serve was called
	closed  bool          // nothing more may be queued
	ended   bool          // nothing more will be sent
}

// NewWriter is [Config.NewWriter] of the zero Config.
func NewWriter(w http.ResponseWriter) (*Writer, error) { return Config{}.NewWriter(w) }

// NewWriter starts the stream: it sends status 200 and the headers at once, so that the client knows that it is
// connected before there is anything to say. Register with the source of the events first if none may be missed.
//
// The error is [http.ErrNotSupported] when w, or middleware around it without an Unwrap method, cannot be flushed or
// given a write deadline. Nothing has been sent then, and the handler can still answer with an error status.
func (c Config) NewWriter(w http.ResponseWriter) (*Writer, error) {
	if c.WriteTimeout < 0 || c.Heartbeat < 0 || c.QueueBytes < 0 {
		return nil, fmt.Errorf("sse: new writer: negative value in %+v", c)
	}
	sw := &Writer{
		out:          w,
		rc:           http.NewResponseController(w),
		writeTimeout: cmp.Or(c.WriteTimeout, 10*time.Second),
		heartbeat:    cmp.Or(c.Heartbeat, 15*time.Second),
		wake:         make(chan struct{}, 1),
		moved:        make(chan struct{}),
		queue:        queue{limit: cmp.Or(c.QueueBytes, 256<<10)},
	}
	headers := [...][2]string{
		{"Content-Type", "text/event-stream"},
		{"Cache-Control", "no-cache, no-transform"},
		{"X-Accel-Buffering", "no"}, // nginx would hold events back until its buffer is full
	}
	for _, h := range headers {
		w.Header().Set(h[0], h[1])
	}
	if err := sw.send(nil); err != nil {
		for _, h := range headers {
			w.Header().Del(h[0]) // they would describe the error page
		}
		return nil, fmt.Errorf("sse: new writer: %w", err)
	}
	return sw, nil
}

// Write queues ev and returns when it, and everything queued before it, has been flushed. When ctx ends first, ev is
// taken back unless its bytes are on their way already. The error is ctx's, a [*FieldError], [ErrTooLong] or [ErrClosed].
func (w *Writer) Write(ctx context.Context, ev Event) error {
	frame, err := ev.Frame()
	if err != nil {
		return err
	}
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	// Beyond the limit too: the caller waits with the event in its hands, so the bound on what piles up still holds.
	seq := w.queue.push(frame)
	w.queue.hold(seq)
	w.mu.Unlock()
	w.wakeServe()
	if err := w.await(ctx, seq); err != nil {
		w.mu.Lock()
		w.queue.withdraw(seq)
		w.movedLocked()
		w.mu.Unlock()
		return err
	}
	return nil
}

// WriteAsync queues ev and returns at once. When the queue is full, events that have a newer one of the same Key behind
// them (ev itself counts) are left out, unless a Write or Flush waits for them; if that makes no room, ev is not queued
// and the error is [ErrLagging]. It may also be a [*FieldError], [ErrTooLong] or [ErrClosed].
func (w *Writer) WriteAsync(ev Event) error {
	frame, err := ev.Frame()
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return ErrClosed
	}
	if !w.queue.room(frame) {
		return ErrLagging
	}
	w.queue.push(frame)
	w.wakeServe()
	return nil
}

// Flush returns when everything that was queued before it has been flushed; what others queue meanwhile it does not
// wait for. The error is ctx's or [ErrClosed].
func (w *Writer) Flush(ctx context.Context) error {
	w.mu.Lock()
	if w.closed {
		w.mu.Unlock()
		return ErrClosed
	}
	seq := w.queue.last
	w.queue.hold(seq)
	w.mu.Unlock()
	return w.await(ctx, seq)
}

// Close ends the stream: Serve sends what is queued, then returns. Close does not wait for it. A Write or Flush that was
// waiting gets its result, later ones get [ErrClosed]. Closing twice is harmless.
func (w *Writer) Close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.wakeServe()
}

// await returns when nothing up to seq is left to send.
func (w *Writer) await(ctx context.Context, seq uint64) error {
	for {
		w.mu.Lock()
		sent := (w.sending == 0 || w.sending > seq) && w.queue.gone(seq)
		ended, moved := w.ended, w.moved
		w.mu.Unlock()
		switch {
		case sent:
			return nil
		case ended:
			return ErrClosed
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return fmt.Errorf("sse: wait for the client: %w", context.Cause(ctx))
		}
	}
}

func (w *Writer) wakeServe() {
	select {
	case w.wake <- struct{}{}:
	default: // a wake-up is on its way already, and Serve looks at the queue after taking it
	}
}

func (w *Writer) movedLocked() {
	close(w.moved)
	w.moved = make(chan struct{})
}
