package orchestrator

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

var (
	// ErrClosed reports that the orchestrator accepts no more tasks, or ended before the task could run.
	ErrClosed = core.ErrClosed
	// ErrHandedBack reports a task that had not started when the orchestrator was drained: it may run elsewhere.
	ErrHandedBack = core.ErrHandedBack
	// ErrStuck reports a task whose function did not return in time when the orchestrator was drained. The function may
	// still run, and its effects are unknown.
	ErrStuck = core.ErrStuck
	// ErrShed reports a task that made room for a more urgent one: see [Shed].
	ErrShed = core.ErrShed
	// ErrGoexit reports that a task ended its goroutine with runtime.Goexit instead of returning.
	ErrGoexit = errors.New("orchestrator: task called runtime.Goexit")
	// ErrAwaitsItself reports that a task awaits a result that exists only after the task has ended.
	ErrAwaitsItself = errors.New("orchestrator: task awaits itself")
	// ErrRetryBudget reports that a task did not run again only because the retry budget of its route is spent: see
	// [Retry].
	ErrRetryBudget = errors.New("orchestrator: the retry budget of the route is spent")
	// ErrKeyType reports a [Key] that a task with another result type uses.
	ErrKeyType = errors.New("orchestrator: a task with another result type uses the key")
	// ErrBatchExists reports an id whose batch has not finished.
	ErrBatchExists = errors.New("orchestrator: a batch of this id exists")
	// ErrUnknownBatch reports an id that no live, kept or remembered batch has.
	ErrUnknownBatch = errors.New("orchestrator: unknown batch")
	// ErrBatchExpired reports an id whose batch has finished and is no longer kept.
	ErrBatchExpired = errors.New("orchestrator: the batch is no longer kept")
	// ErrBatchType reports a batch whose tasks have another result type.
	ErrBatchType = errors.New("orchestrator: the batch has another result type")
	// ErrNoResult reports a key for which the function of a [Batcher] returned nothing.
	ErrNoResult = errors.New("orchestrator: no result for the key")
)

// FullError reports that new tasks had no room: see [Config.Full].
type FullError struct {
	Tasks   int           // tasks that arrived together
	Pending int           // tasks that wait to start
	Weight  int64         // the sum of the weights of pending tasks
	Oldest  time.Duration // how long the route's oldest task has waited
	Never   bool          // the tasks would not fit even if nothing waited
}

func (e *FullError) Error() string {
	if e.Never {
		return fmt.Sprintf("orchestrator: %d tasks together can never fit: raise MaxPending or MaxWeight, or enqueue fewer", e.Tasks)
	}
	return fmt.Sprintf("orchestrator: full: %d tasks of weight %d wait, the oldest of the route for %v", e.Pending, e.Weight, e.Oldest)
}

// WeightError reports a task that weighs more than [Config.MaxWeight]: it would never fit.
type WeightError struct{ Weight, Max int64 }

func (e *WeightError) Error() string {
	return fmt.Sprintf("orchestrator: a task of weight %d, with room for %d in all", e.Weight, e.Max)
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

// Timeout returns true, like the method of [net.Error].
func (e *TimeoutError) Timeout() bool { return true }

// PanicError is the error of a task that panicked.
type PanicError struct {
	Value any    // the value of the panic
	Stack []byte // of the task's goroutine, from the function that panicked to the task's function
}

func (e *PanicError) Error() string { return fmt.Sprintf("orchestrator: task panicked: %v", e.Value) }

// Unwrap returns the value if it is an error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// trimStack removes the frames of this package and of the panic from a stack of [runtime/debug.Stack].
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

// text returns the text of any error, even of one whose method panics: a task may return a nil pointer as an error.
func text(err error) (s string) {
	defer func() {
		if v := recover(); v != nil {
			s = fmt.Sprintf("%T without a text", err)
		}
	}()
	return err.Error()
}

// BatchError joins the failures of a batch.
type BatchError struct {
	ID      string
	Indexes []int   // indexes of the tasks that failed, in order
	Errors  []error // their errors
}

// failuresOf returns the error of a batch; nil if no task failed.
func failuresOf[T any](id string, outcomes []Outcome[T], failed int) *BatchError {
	if failed == 0 {
		return nil
	}
	e := &BatchError{ID: id, Indexes: make([]int, 0, failed), Errors: make([]error, 0, failed)}
	for i := range outcomes {
		if err := outcomes[i].Err; err != nil {
			e.Indexes, e.Errors = append(e.Indexes, i), append(e.Errors, err)
		}
	}
	return e
}

func (e *BatchError) Error() string {
	const shown = 3
	var b strings.Builder
	b.WriteString("orchestrator: batch")
	if e.ID != "" {
		b.WriteString(" " + e.ID)
	}
	fmt.Fprintf(&b, ": %d failed:", len(e.Indexes))
	for i, at := range e.Indexes[:min(shown, len(e.Indexes))] {
		fmt.Fprintf(&b, " [%d] %s;", at, text(e.Errors[i]))
	}
	if len(e.Indexes) > shown {
		fmt.Fprintf(&b, " and %d more", len(e.Indexes)-shown)
	}
	return strings.TrimSuffix(b.String(), ";")
}

// Unwrap returns the errors in the order of their tasks. Do not change the slice.
func (e *BatchError) Unwrap() []error { return e.Errors }
