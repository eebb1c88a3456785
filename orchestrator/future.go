package orchestrator

import (
	"context"
	"time"
)

// Outcome is how a task ended.
type Outcome[T any] struct {
	Value  T
	Err    error
	Waited time.Duration // from submitting until it started, or until it ended without
	Ran    time.Duration // 0 where it never started
}

// Future is the outcome of a task that may not have ended yet. Any number of callers may await it, any number of times.
type Future[T any] struct {
	done    chan struct{}
	outcome Outcome[T] // written before done is closed
}

// Submit queues a task and returns the future of its outcome. Errors: [ErrClosed], or the cause of ctx' end. When ctx
// ends later, a queued task ends with its cause and an executing one sees it.
func Submit[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (*Future[T], error) {
	f := &Future[T]{done: make(chan struct{})}
	err := submit(ctx, o, collect(opts), fn, func(out Outcome[T]) {
		f.outcome = out
		close(f.done)
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

// Await returns the task's result or error when it has ended. When ctx ends first it returns its cause; the task goes on.
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if err := await(ctx, f.done); err != nil {
		var zero T
		return zero, err
	}
	return f.outcome.Value, f.outcome.Err
}

// await waits until done is closed or ctx ends. What is done already is done, whatever ctx says.
func await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Execute runs one task and returns its result or error: [Submit] and [Future.Await] with the same context. It returns
// when the task has ended, also when ctx ends while it executes, so that nothing of it goes on behind the caller's back.
// Within a task, beware: where every slot is taken by tasks that execute others, nobody comes to an end before their
// contexts do.
func Execute[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (T, error) {
	f, err := Submit(ctx, o, fn, opts...)
	if err != nil {
		var zero T
		return zero, err
	}
	<-f.done
	return f.outcome.Value, f.outcome.Err
}

// submit puts a typed task behind the untyped queue.
func submit[T any](ctx context.Context, o *Orchestrator, opts options, fn Task[T], ended func(Outcome[T])) error {
	var value T
	do := func(ctx context.Context) (err error) {
		value, err = fn(ctx)
		return err
	}
	return o.submit(ctx, opts, do, func(err error, waited, ran time.Duration) {
		ended(Outcome[T]{Value: value, Err: err, Waited: waited, Ran: ran})
	})
}

func collect(opts []Option) options {
	set := options{name: "call"}
	for _, opt := range opts {
		opt(&set)
	}
	return set
}
