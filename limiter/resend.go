package limiter

import (
	"context"
	"errors"
	"io"
	"net"
	"time"
)

// resend defines when a call whose connection broke is sent again: at once, then after 2 ms, then after twice as long
// each time, up to 64 ms. Redis may have run the call, and answers a repeat with the same reply. A reservation is due
// within a horizon, so there is no time to lose.
type resend time.Duration

const (
	resendFirst   = resend(2 * time.Millisecond)
	resendLongest = resend(64 * time.Millisecond)
)

// again waits until the call is to be resent, and reports whether to resend it.
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

// broke reports whether a call failed because its connection broke, so that Redis may have run it. Three errors are
// different: an answer of Redis, a connection that could not be made, and a time-out.
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
