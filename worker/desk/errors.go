package desk

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnknown is for an id that this desk never gave, or has forgotten.
	ErrUnknown = errors.New("desk: no such analysis: it never was, or ended too long ago")
	// ErrKeyReused is for an idempotency key that another order had.
	ErrKeyReused = errors.New("desk: the idempotency key belongs to another order")
	// ErrTooHeavy is for an order whose weight alone is above [Config.Bytes].
	ErrTooHeavy = errors.New("desk: the order is larger than all that the desk may hold")
	// ErrNotSeen is for a reader that claims to have seen an event that never was.
	ErrNotSeen = errors.New("desk: the analysis has no event as late as the one to read after")
	// ErrClosed is for orders after [Desk.Close], and the reason for which Close ends what runs.
	ErrClosed = errors.New("desk: this replica ends")
	// ErrLeft is the reason for which an analysis ends that nobody reads.
	ErrLeft = errors.New("desk: nobody reads the analysis any more")
	// ErrLogFull is for an event that was not kept, because the log is full of events that no later one replaces, and for last events that are
	// longer than the half of the log that is kept for them.
	ErrLogFull = errors.New("desk: the log of the analysis is full")
	// ErrEnded is for an event of an analysis that has ended.
	ErrEnded = errors.New("desk: the analysis has ended")
)

// FullError refuses what is above a bound.
type FullError struct {
	Of         string        // "analyses", "bytes" or "readers"
	RetryAfter time.Duration // about when there may be room, 1 s to 5 minutes
}

func (e *FullError) Error() string {
	return fmt.Sprintf("desk: the bound on %s is reached; try again in about %v", e.Of, e.RetryAfter)
}

// ElsewhereError is for the id of an analysis that another replica has.
type ElsewhereError struct {
	Replica string // its name
}

func (e *ElsewhereError) Error() string {
	return fmt.Sprintf("desk: replica %q has the analysis", e.Replica)
}

// PanicError is the reason for which an analysis ended that panicked. Its Value is nil where the analysis called [runtime.Goexit].
type PanicError struct {
	Value any
	Stack []byte
}

func (e *PanicError) Error() string { return fmt.Sprintf("desk: the analysis panicked: %v", e.Value) }
