package limiter

import (
	"context"
	"errors"
	"fmt"
	"time"
)

var (
	// ErrClosed reports that the limiter was closed.
	ErrClosed = errors.New("limiter: closed")
	// ErrUnavailable reports that Redis could not be asked. The cause is wrapped beside it. No call may start.
	ErrUnavailable = errors.New("limiter: redis unavailable")
)

// ExceedsBurstError reports a call that can never start: it costs more tokens than a bucket of its route can hold.
type ExceedsBurstError struct {
	Route, Bucket string
	Cost, Burst   int64
}

func (e *ExceedsBurstError) Error() string {
	return fmt.Sprintf("limiter: route %s: a call of %d tokens exceeds the burst of bucket %s, %d", e.Route, e.Cost, e.Bucket, e.Burst)
}

// DeadlineError reports that a call could not start before its context ends. Nothing was taken. It matches
// context.DeadlineExceeded, for callers that only know contexts.
type DeadlineError struct {
	Route string
	Ready time.Duration // how long after asking the call could have started
}

func (e *DeadlineError) Error() string {
	return fmt.Sprintf("limiter: route %s: could start in %v, after the deadline", e.Route, e.Ready)
}

// Timeout is true: net/url and others use this method to ask whether an error is a timeout.
func (e *DeadlineError) Timeout() bool { return true }

// Is reports whether target is context.DeadlineExceeded.
func (e *DeadlineError) Is(target error) bool { return target == context.DeadlineExceeded }

// RouteError reports a route that the configuration does not name.
type RouteError struct{ Route string }

func (e *RouteError) Error() string {
	return fmt.Sprintf("limiter: no route and no bucket named %q is configured", e.Route)
}
