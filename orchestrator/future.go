package orchestrator

import (
	"context"
	"sync/atomic"
	"time"
)

// Outcome is how a task ended.
type Outcome[T any] struct {
	Value    T
	Err      error
	Waited   time.Duration // from when it was queued until it first started, or ended without
	Ran      time.Duration // from then until it ended, waits for further attempts included; 0 where it never started itself
	Attempts int           // how often it started; 0 where it shared the run of another: see [Key]
}

// Future is the outcome of a task that may not have ended yet. Any number of callers may await it, any number of times.
type Future[T any] struct {
	task

	fn    Task[T]
	value T
	err   error
	done  atomic.Pointer[chan struct{}] // made when somebody waits
}

// always is closed: the channel of every outcome that is there.
var always = func() chan struct{} { //nolint:gochecknoglobals // a constant
	c := make(chan struct{})
	close(c)
	return c
}()

// Submit queues a task and returns the future of its outcome. Where there is no room it does what [Config.Full] says.
// Errors: [ErrClosed], [*FullError], [*CostError], [ErrKeyType], or the cause of ctx' end. When ctx ends later, a task
// that waits ends with its cause and one that executes sees it.
func Submit[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (*Future[T], error) {
	f, _, err := begin(ctx, o, fn, opts, ctx.Done())
	return f, err
}

// begin queues a task, or joins it to the run of its key, if it has one: then it is watched over anyway, else through a
// channel that may be nil.
func begin[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts []Option, done <-chan struct{}) (f *Future[T], shares bool, err error) {
	set, err := collect(opts)
	if err != nil {
		return nil, false, err
	}
	if ctx.Err() != nil {
		return nil, false, context.Cause(ctx)
	}
	f = &Future[T]{fn: fn}
	f.job, f.ctx, f.opts = f, ctx, set
	key := ""
	if set != nil && set.key != nil {
		key = set.key(0)
	}
	if key != "" {
		err = share(o, key, fn, f)
	} else {
		err = o.submit(&f.task, done)
	}
	if err != nil {
		return nil, false, err
	}
	return f, key != "", nil
}

// submit queues a task. It watches over its context through that one's channel, which may be nil.
func (o *Orchestrator) submit(t *task, done <-chan struct{}) error {
	at := o.now()
	o.trace(t, nil, at)
	ctx, set := t.ctx, t.declared()
	o.mu.Lock()
	err := o.enterLocked(ctx, t, set, done, at)
	o.unlock()
	if err != nil {
		o.traceRefused(t, err)
	}
	return err
}

// none is the options of tasks without, before they are in a lane.
var none options //nolint:gochecknoglobals // a constant

// declared is what was said of a task when it was submitted.
func (t *task) declared() *options {
	if t.opts == nil {
		return &none
	}
	return t.opts
}

// enqueueLocked puts a task for which there is room into its lane.
func (o *Orchestrator) enqueueLocked(t *task, done <-chan struct{}, at int64) {
	o.joinLaneLocked(t, at)
	if o.drain.given { // it waited for room until it was too late
		o.leaveRoomLocked(t)
		o.overLocked(t, ErrClosed, at)
		return
	}
	t.state = queued
	n := t.opts.lane
	n.queue.push(t)
	o.watchLocked(t, done, 1)
	n.movedLocked()
	o.wakeLocked()
}

// joinLaneLocked gives a task its lane and its age: it comes at a time, but not before those that are there.
func (o *Orchestrator) joinLaneLocked(t *task, at int64) {
	switch {
	case t.opts == nil:
		t.opts = o.laneLocked(o.cfg.Route).plain
	case t.opts.lane == nil || t.opts.lane.swept:
		if t.opts.route == "" {
			t.opts.route = o.cfg.Route
		}
		t.opts.lane = o.laneLocked(t.opts.route)
	}
	n := t.opts.lane
	n.latest = max(n.latest, at)
	t.rank, t.queuedAt = t.opts.class.rank(), n.latest
	n.tasks++
	o.active++
}

// Await returns the task's result or error when it has ended. When ctx ends first it returns its cause; the task goes on.
// A task that awaits another of its orchestrator lends its slot meanwhile; one that awaits itself gets [ErrAwaitsItself].
func (f *Future[T]) Await(ctx context.Context) (T, error) {
	var zero T
	if done := f.gate(); done != always {
		o := f.opts.lane.o
		if r := o.running(ctx); r != nil && (r.t == &f.task || f.more != nil && f.more.of == r.t) {
			return zero, ErrAwaitsItself
		}
		if err := o.await(ctx, done); err != nil {
			return zero, err
		}
	}
	return f.outcome()
}

func (f *Future[T]) outcome() (T, error) {
	if f.is(lost) || f.err != nil && f.attempt.t == nil { // the function has not returned, or never ran
		var zero T
		return zero, f.err
	}
	return f.value, f.err
}

// gate returns a channel that is closed when the outcome is there.
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

func (f *Future[T]) settle(err error, _ int64, _ bool) { f.err = err }
func (f *Future[T]) failure() error                    { return f.err }
func (f *Future[T]) base() *task                       { return &f.task }
func (f *Future[T]) receive(value T)                   { f.value = value }

func (f *Future[T]) tell() {
	if waited := f.done.Swap(&always); waited != nil {
		close(*waited)
	}
}

// await waits until done is closed or ctx ends. What is done already is done, whatever ctx says. A task lends its slot
// meanwhile.
func (o *Orchestrator) await(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	default:
	}
	if back := o.lend(ctx); back != nil {
		defer back(ctx)
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
func Execute[T any](ctx context.Context, o *Orchestrator, fn Task[T], opts ...Option) (T, error) {
	// Nobody but the caller needs to watch over its context.
	f, shares, err := begin(ctx, o, fn, opts, nil)
	if err != nil {
		var zero T
		return zero, err
	}
	if shares {
		return f.Await(context.WithoutCancel(ctx))
	}
	if done := f.gate(); done != always {
		back := o.lend(ctx)
		select {
		case <-done:
		case <-ctx.Done():
			o.withdraw(&f.task, context.Cause(ctx))
			<-done
		}
		if back != nil {
			back(ctx)
		}
	}
	return f.outcome()
}
