package sse

import (
	"context"
	"errors"
	"io"
)

// ServeFrom sends the frames that next returns until next returns [io.EOF], for which ServeFrom returns nil. It takes the place of
// [Writer.Serve] where the events are kept elsewhere, such as in a log that several clients read: nothing is queued here, so that a client
// that stalls holds back its own next frame and no memory.
//
// next is called on the goroutine of the handler, with a context that ends with ctx and whenever a heartbeat is due; then next returns the
// error of its context, has taken nothing, and is called again. Any other error of next ends the stream and is returned, as are the errors of
// Serve. Like Serve it is called once.
func (w *Writer) ServeFrom(ctx context.Context, next func(context.Context) (Frame, error)) error {
	if !w.begin() {
		return ErrClosed
	}
	defer w.end()
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

// errSilent is the cause for which the wait for a frame ends when a heartbeat is due.
var errSilent = errors.New("sse: a heartbeat is due")

// within asks for a frame, for as long as the stream may be silent.
func (w *Writer) within(ctx context.Context, next func(context.Context) (Frame, error)) (Frame, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, w.heartbeat, errSilent)
	defer cancel()
	frame, err := next(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errSilent) && errors.Is(err, ctx.Err()) {
		err = errSilent
	}
	return frame, err
}
