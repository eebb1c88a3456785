package limiter

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// resend says when a call is sent once more whose connection broke: at once, then after 2 ms, then after twice as long each time, up to 64 ms. Redis
// may have run the call, and answers a repeat as it answered the first time. A reservation is due within a horizon, so there is no time to lose.
type resend time.Duration

const (
	resendFirst   = resend(2 * time.Millisecond)
	resendLongest = resend(64 * time.Millisecond)
)

// again waits until the call is to be sent once more, and reports whether it is.
func (r *resend) again(ctx context.Context, err error) bool {
	if !broke(err) || *r > resendLongest {
		return false
	}
	pause := time.NewTimer(time.Duration(*r))
	defer pause.Stop()
	*r = max(resendFirst, 2**r)
	select {
	case <-pause.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// broke reports whether a call failed because its connection broke, so that Redis may have run it. What Redis answers is no such error, nor is a
// connection that could not be made, nor a time that is over.
func broke(err error) bool {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	if op, ok := errors.AsType[*net.OpError](err); ok && op.Op == "dial" {
		return false
	}
	if late, ok := errors.AsType[net.Error](err); ok && late.Timeout() {
		return false
	}
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF)
}
