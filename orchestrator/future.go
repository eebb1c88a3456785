package orchestrator

import (
	"context"
	"sync/atomic"
)

// Future is the outcome of a task that may not have ended yet. Any number of callers may await it, any number of times.
type Future[T any] struct {
	task

	fn    Task[T]
	value T
	seat  *seat[T]                      // in the run that it shares; nil for a run of its own
	done  atomic.Pointer[chan struct{}] // made when a caller waits
}

// always is a closed channel: the channel of every outcome that exists.
var always = func() chan struct{} { //nolint:gochecknoglobals // a constant
	c := make(chan struct{})
	close(c)
	return c
}()

// Submit queues a task and returns the future of its outcome. If there is no room, [Config.Full] decides. When ctx ends
// later, a task that waits ends with its cause, and a task that executes sees that its context has ended.
//
// Errors: [ErrClosed], [*FullError], [*WeightError], [ErrKeyType], a [limiter.RouteError] for a route that does not
// exist, a [limiter.ExceedsBurstError], or the cause of ctx' end.
func Submit[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (*Future[T], error) {
	return begin(ctx, o, fn, opts, true)
}

// begin queues a task, or joins it to the run of its key. If watched is false, the caller watches the context.
func begin[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts []Option, watched bool) (*Future[T], error) {
	set, err := o.collect(opts)
	if err != nil {
		return nil, err
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if err := o.check(set); err != nil {
		return nil, err
	}
	f := &Future[T]{fn: fn}
	o.prepare(&f.task, f, ctx, set)
	if set.key != nil {
		if key := set.key(0); key != "" {
			if err := f.join(key, watched); err != nil { //nolint:contextcheck // it has the context
				return nil, err
			}
			return f, nil
		}
	}
	if err := o.submit(&f.task, watched); err != nil {
		return nil, err
	}
	return f, nil
}

// join shares the run of a key.
func (f *Future[T]) join(key string, watched bool) error {
	o := f.opts.o
	o.observe.submitted(&f.task, nil)
	after, err := share(o, []member[T]{f}, []string{key}, watched)
	if err != nil {
		return o.refused(&f.task, err)
	}
	after()
	if of := f.seat.of; of != nil && of.entry() != nil {
		if err := o.await(f.ctx, of.entry()); err != nil {
			f.seat.leave(err)
			return err
		}
		return of.rare.turnedAway
	}
	return nil
}

// Await returns the task's result or error when the task has ended. If ctx ends first, Await returns its cause and the
// task continues. A task that awaits another task of its orchestrator lends its slot meanwhile. A task that awaits
// itself gets [ErrAwaitsItself].
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	if done := f.gate(); done != always {
		err := ErrAwaitsItself
		if o := f.opts.o; !f.isRun(o.running(ctx)) {
			err = o.await(ctx, done)
		}
		if err != nil {
			var zero T
			return zero, err
		}
	}
	return f.outcome()
}

// isRun reports whether the future waits for an attempt.
func (f *Future[T]) isRun(r *run) bool {
	return r != nil && (r.t == &f.task || f.seat != nil && f.seat.of != nil && r.t == &f.seat.of.task)
}

func (f *Future[T]) outcome() (T, error) {
	if f.GivenUp() || f.Err() != nil && !f.Started() && f.seat == nil { // the function has not returned, or never ran
		var zero T
		return zero, f.Err()
	}
	return f.value, f.Err()
}

// gate returns a channel that is closed when the outcome exists.
func (f *Future[T]) gate() chan struct{} {
	if c := f.done.Load(); c != nil {
		return *c
	}
	c := make(chan struct{})
	if f.done.CompareAndSwap(nil, &c) {
		return c
	}
	return *f.done.Load()
}

func (f *Future[T]) do(ctx context.Context) (err error) {
	value, err := f.fn(ctx)
	f.value = value
	return err
}

func (f *Future[T]) base() *task       { return &f.task }
func (f *Future[T]) function() Task[T] { return f.fn }
func (f *Future[T]) outside()          { f.waitsForRoom() }
func (f *Future[T]) admitted()         { close(f.entry()) }
func (f *Future[T]) sits(s *seat[T])   { f.seat = s }
func (f *Future[T]) batch() any        { return nil }

func (f *Future[T]) ended() {
	if waited := f.done.Swap(&always); waited != nil {
		close(*waited)
	}
}

// receive ends a future that shares a run.
func (f *Future[T]) receive(value T, err error) {
	o := f.opts.o
	f.value = value
	f.Conclude(f.seat.at, o.now(), err)
	o.observe.shared(&f.task)
	f.ended()
}

// Execute runs one task and returns its result or error: [Submit] and [Future.Await] with the same context. It returns
// when the task has ended, even if ctx ends while the task executes, so that no part of the task continues after the
// return. With a [Key] it returns as soon as ctx ends, because the run may belong to other callers, too.
func Execute[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (T, error) {
	// Only the caller needs to watch its context.
	f, err := begin(ctx, o, fn, opts, false)
	if err != nil {
		var zero T
		return zero, err
	}
	done := f.gate()
	if done == always {
		return f.outcome()
	}
	back := o.lend(ctx)
	select {
	case <-done:
	case <-ctx.Done():
		if f.seat != nil {
			f.seat.leave(context.Cause(ctx))
		} else {
			o.leave(&f.task, context.Cause(ctx))
		}
		<-done
	}
	if back != nil {
		back(ctx)
	}
	return f.outcome()
}
