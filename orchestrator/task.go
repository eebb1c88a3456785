package orchestrator

import (
	"context"
	"runtime/debug"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
)

// Task is a function that does one piece of work: usually one request to a provider. Its context is the submitter's,
// carries the task's reservation, and is cancelled when the orchestrator gives up on it.
type Task[T any] = func(context.Context) (T, error)

// Option says how one task, or each task of a batch, is treated.
type Option func(*options)

type options struct{ route, name string }

// Route names the route of the task. Without it the task takes [Config].Route.
func Route(name string) Option { return func(o *options) { o.route = name } }

// Name names the kind of task, in its span and in errors. It should have few values: ids belong into attributes.
func Name(kind string) Option { return func(o *options) { o.name = kind } }

// task is one piece of work on its way through a lane.
type task struct {
	o     *Orchestrator // fixed at construction, like those below
	lane  *lane
	ctx   context.Context //nolint:containedctx // of whoever submitted it: the task runs long after that call returned
	span  trace.Span
	do    func(context.Context) error                // runs the function and keeps its result
	ended func(err error, waited, ran time.Duration) // hands the outcome over; called once

	// guarded by the orchestrator's mu
	prev, next *task // in the queue
	queued     bool
	stop       func() bool // withdraws the watch over ctx

	// written by whoever took the task out of the queue, after asked
	queuedAt, askedAt, startedAt time.Time
}

// submit accepts a task and queues it in the lane of its route. Once it has returned nil, ended will be called.
func (o *Orchestrator) submit(ctx context.Context, opts options, do func(context.Context) error, ended func(error, time.Duration, time.Duration)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if opts.route == "" {
		opts.route = o.cfg.Route
	}
	t := &task{o: o, do: do, ended: ended, queuedAt: time.Now()}
	t.ctx, t.span = o.tracer.Start(ctx, "task "+opts.name, trace.WithTimestamp(t.queuedAt))

	o.mu.Lock()
	if o.closed {
		o.mu.Unlock()
		t.span.End()
		return ErrClosed
	}
	o.live.Add(1)
	if t.lane = o.lanes[opts.route]; t.lane == nil {
		t.lane = &lane{o: o, route: opts.route, wake: make(chan struct{}, 1)}
		o.lanes[opts.route] = t.lane
	}
	t.lane.queue.push(t)
	// The watch starts its own goroutine when ctx ends, so it may be set under the lock that it will want.
	t.stop = context.AfterFunc(ctx, t.cancel)
	t.lane.askLocked()
	o.mu.Unlock()
	return nil
}

// cancel ends a task that is still queued. One that executes sees the end of its context by itself.
func (t *task) cancel() {
	t.o.mu.Lock()
	queued := t.queued
	if queued {
		t.lane.queue.remove(t)
		t.lane.trimLocked()
	}
	t.o.mu.Unlock()
	if queued {
		t.end(context.Cause(t.ctx))
	}
}

// execute runs a task with the reservation that it starts on.
func (t *task) execute(r *limiter.Reservation) {
	var err error
	// Deferred, because a function may leave by Goexit: then nothing behind the call runs but this.
	defer func() { t.end(err) }()

	t.stop()
	t.startedAt = time.Now()
	ctx, cancel := context.WithCancelCause(limiter.NewContext(t.ctx, r))
	defer cancel(nil)
	defer context.AfterFunc(t.o.ctx, func() { cancel(ErrClosed) })()
	ctx, span := t.traceStart(ctx, r)
	defer func() { endSpan(span, err) }()

	returned := false
	defer func() {
		if returned {
			return
		}
		if v := recover(); v != nil {
			err = &PanicError{Value: v, Stack: debug.Stack()}
		} else {
			err = ErrGoexit
		}
	}()
	err = t.do(ctx)
	returned = true
}

// end hands over the outcome of a task that is in no queue any more.
func (t *task) end(err error) {
	now := time.Now()
	var ran time.Duration
	waited := now.Sub(t.queuedAt)
	if !t.startedAt.IsZero() {
		waited, ran = t.startedAt.Sub(t.queuedAt), now.Sub(t.startedAt)
	} else {
		t.stop()
		t.traceNeverStarted(now)
	}
	endSpan(t.span, err)

	t.o.mu.Lock()
	if !t.startedAt.IsZero() {
		t.o.count.InFlight--
	}
	if err == nil {
		t.o.count.Done++
	} else {
		t.o.count.Failed++
	}
	t.o.mu.Unlock()
	t.ended(err, waited, ran)
	t.o.live.Done()
}
