package desk

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnknown reports an id that this desk never gave, or has forgotten.
	ErrUnknown = errors.New("desk: no such analysis: it never existed, or ended too long ago")
	// ErrKeyReused reports an idempotency key that another order had.
	ErrKeyReused = errors.New("desk: the idempotency key belongs to another order")
	// ErrTooHeavy reports an order whose weight alone is above [Config.Bytes].
	ErrTooHeavy = errors.New("desk: the order alone is larger than the bound on the bytes of all analyses")
	// ErrNotSeen reports a reader that begins after an event that does not exist.
	ErrNotSeen = errors.New("desk: the event to read after does not exist")
	// ErrClosed reports an order after [Desk.Close]. It is also the reason for which Close ends analyses.
	ErrClosed = errors.New("desk: this replica ends")
	// ErrLeft is the reason for which an analysis without readers ends.
	ErrLeft = errors.New("desk: nobody reads the analysis any more")
	// ErrLogFull reports an event that was not kept, because the log is full of events that no later event replaces. It
	// also reports last events that are longer than the half of the log that is kept for them.
	ErrLogFull = errors.New("desk: the log of the analysis is full")
	// ErrEnded reports an event of an analysis that has ended.
	ErrEnded = errors.New("desk: the analysis has ended")
)

// FullError reports an order or a reader above a bound.
type FullError struct {
	Of         string        // "analyses", "bytes" or "readers"
	RetryAfter time.Duration // about when there may be room, 1 s to 5 minutes
}

func (e *FullError) Error() string {
	return fmt.Sprintf("desk: the bound on %s is reached; try again in about %v", e.Of, e.RetryAfter)
}

// ElsewhereError reports the id of an analysis that another replica has.
type ElsewhereError struct {
	Replica string // its name
}

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("desk: replica %q has the analysis", e.Replica)
}

// PanicError is the reason for which an analysis that panicked has ended. Its Value is nil if the analysis called
// [runtime.Goexit].
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("desk: the analysis panicked: %v", e.Value) }
