package orchestrator

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

var (
	// ErrClosed reports that the orchestrator takes no more tasks, or ended before the task could run.
	ErrClosed = errors.New("orchestrator: closed")
	// ErrGoexit reports that a task ended its goroutine with runtime.Goexit instead of returning.
	ErrGoexit = errors.New("orchestrator: task called runtime.Goexit")
	// ErrBatchExists reports an id whose batch is still kept.
	ErrBatchExists = errors.New("orchestrator: a batch of this id exists")
	// ErrUnknownBatch reports an id of which no batch is kept: it never was, or it was awaited before.
	ErrUnknownBatch = errors.New("orchestrator: unknown batch")
	// ErrBatchType reports a batch whose tasks have another result type.
	ErrBatchType = errors.New("orchestrator: the batch has another result type")
)

// PanicError is the error of a task that panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the task's goroutine
}

func (e *PanicError) Error() string { return fmt.Sprintf("orchestrator: task panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// BatchError says which tasks of a batch failed.
type BatchError struct {
	ID     string
	Failed map[int]error // by index
}

func (e *BatchError) Error() string {
	const shown = 3
	order := slices.Sorted(maps.Keys(e.Failed))
	var b strings.Builder
	fmt.Fprintf(&b, "orchestrator: batch %s: %d failed:", e.ID, len(order))
	for _, i := range order[:min(shown, len(order))] {
		fmt.Fprintf(&b, " [%d] %v;", i, e.Failed[i])
	}
	if len(order) > shown {
		fmt.Fprintf(&b, " and %d more", len(order)-shown)
	}
	return strings.TrimSuffix(b.String(), ";")
}

// Unwrap returns the errors in the order of their tasks.
func (e *BatchError) Unwrap() []error {
	out := make([]error, 0, len(e.Failed))
	for _, i := range slices.Sorted(maps.Keys(e.Failed)) {
		out = append(out, e.Failed[i])
	}
	return out
}
