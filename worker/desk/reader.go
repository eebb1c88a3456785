package desk

import (
	"context"
	"io"

	"github.com/weir-go/weir/worker/sse"
)

// Reader follows the events of one analysis, in one goroutine. While an analysis has a reader, [Config.Linger] does not
// end it.
type Reader struct {
	of     *Analysis
	seen   uint64
	closed bool
}

// Read returns a reader of the events after a given event, 0 for all. The caller closes the reader. The errors are
// [ErrNotSeen] and a [*FullError].
func (a *Analysis) Read(after uint64) (*Reader, error) {
	a.desk.mu.Lock()
	defer a.desk.mu.Unlock()
	return a.readLocked(after)
}

func (a *Analysis) readLocked(after uint64) (*Reader, error) {
	if after > a.log.newest() {
		return nil, ErrNotSeen
	}
	d := a.desk
	if d.readers == d.cfg.Readers {
		return nil, d.fullLocked("readers")
	}
	d.readers++
	if a.readers++; a.state != Ended {
		a.stopLocked()
	}
	return &Reader{of: a, seen: after}, nil
}

// Analysis returns the analysis of the reader.
func (r *Reader) Analysis() *Analysis { return r.of }

// Next waits for the next event and returns it in wire form, with its id. The error is [io.EOF] after the last event of
// an ended analysis, or the cause of the context's end.
func (r *Reader) Next(ctx context.Context) (sse.Frame, error) {
	for {
		e, ok, ended, moved := r.of.log.after(r.seen)
		switch {
		case ok:
			r.seen = e.seq
			return e.frame, nil
		case ended:
			return sse.Frame{}, io.EOF
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return sse.Frame{}, context.Cause(ctx)
		}
	}
}

// AtEnd reports whether the analysis has ended and the reader has seen its last event.
func (r *Reader) AtEnd() bool {
	_, more, ended, _ := r.of.log.after(r.seen)
	return ended && !more
}

// Close ends the reading. Closing twice is harmless.
func (r *Reader) Close() {
	if r.closed {
		return
	}
	r.closed = true
	a, d := r.of, r.of.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.readers--
	if a.readers--; a.readers == 0 && a.state != Ended {
		d.lingerLocked(a)
	}
	d.changeLocked()
}
