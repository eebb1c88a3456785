package orchestrator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

var (
	// ErrClosed reports that the orchestrator takes no more tasks, or ended before the task could run.
	ErrClosed = errors.New("orchestrator: closed")
	// ErrHandedBack reports a task that had not started when the orchestrator was drained: it may run elsewhere.
	ErrHandedBack = errors.New("orchestrator: handed back")
	// ErrAbandoned reports a task whose function did not return in time when the orchestrator was drained: it may still
	// run, and nobody knows what it has done.
	ErrAbandoned = errors.New("orchestrator: abandoned while it executed")
	// ErrShed reports a task that made room for a more urgent one: see [Shed].
	ErrShed = errors.New("orchestrator: made room for a more urgent task")
	// ErrGoexit reports that a task ended its goroutine with runtime.Goexit instead of returning.
	ErrGoexit = errors.New("orchestrator: task called runtime.Goexit")
	// ErrAwaitsItself reports that a task awaits what can only be there when it has ended.
	ErrAwaitsItself = errors.New("orchestrator: task awaits itself")
	// ErrRetryBudget reports that a task would have run again but for the budget of its route: see [Retry].
	ErrRetryBudget = errors.New("orchestrator: the retry budget of the route is spent")
	// ErrKeyType reports a task whose [Key] is that of one with another result type.
	ErrKeyType = errors.New("orchestrator: the key is that of a task with another result type")
	// ErrBatchExists reports an id whose batch is still kept.
	ErrBatchExists = errors.New("orchestrator: a batch of this id exists")
	// ErrUnknownBatch reports an id of which there was no batch as far as anybody remembers.
	ErrUnknownBatch = errors.New("orchestrator: unknown batch")
	// ErrBatchExpired reports an id whose batch finished and is kept no longer.
	ErrBatchExpired = errors.New("orchestrator: the batch is kept no longer")
	// ErrBatchType reports a batch whose tasks have another result type.
	ErrBatchType = errors.New("orchestrator: the batch has another result type")
	// ErrNoResult reports a key for which the function of a [Batcher] returned nothing.
	ErrNoResult = errors.New("orchestrator: no result for the key")
)

// FullError reports that there was no room for a task: see [Config.Full].
type FullError struct {
	Pending int           // tasks that wait to start
	Cost    int64         // the sum of theirs
	Oldest  time.Duration // how long the first of them has waited
}

func (e *FullError) Error() string {
	return fmt.Sprintf("orchestrator: full: %d tasks of cost %d wait, the oldest for %v", e.Pending, e.Cost, e.Oldest)
}

// CostError reports a task that costs more than all that may wait: it would never fit.
type CostError struct{ Cost, Max int64 }

func (e *CostError) Error() string {
	return fmt.Sprintf("orchestrator: a task of cost %d, with room for %d in all", e.Cost, e.Max)
}

// TimeoutError reports an attempt that took longer than its [Timeout]. It is a [context.DeadlineExceeded].
type TimeoutError struct {
	Route, Name string
	After       time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("orchestrator: route %s: %s took longer than %v", e.Route, e.Name, e.After)
}

// Is reports whether the target is [context.DeadlineExceeded].
func (e *TimeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// Timeout is true, for those who ask any error.
func (e *TimeoutError) Timeout() bool { return true }

// PanicError is the error of a task that panicked.
type PanicError struct {
	Value any    // what it panicked with
	Stack []byte // of the task's goroutine, from the function that panicked to the task's
}

func (e *PanicError) Error() string { return fmt.Sprintf("orchestrator: task panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// trimStack leaves of a stack, as [runtime/debug.Stack] prints it, what is not of this package or of panicking.
func trimStack(stack []byte) []byte {
	lines := bytes.SplitAfter(stack, []byte("\n"))
	if len(lines) == 0 {
		return stack
	}
	out := slices.Clone(lines[0]) // goroutine 1 [running]:
	for i := 1; i+1 < len(lines); i += 2 {
		f := lines[i]
		if bytes.HasPrefix(f, []byte("runtime/debug.Stack(")) || bytes.HasPrefix(f, []byte("panic(")) ||
			bytes.Contains(f, []byte(scope+".")) {
			continue
		}
		out = append(append(out, f...), lines[i+1]...)
	}
	return out
}

// text is that of an error, whatever that is: a task may return a nil pointer for one.
func text(err error) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("%T without a text", err)
		}
	}()
	return err.Error()
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
		fmt.Fprintf(&b, " [%d] %s;", i, text(e.Failed[i]))
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
