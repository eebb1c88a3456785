package orchestrator

import (
	"context"
	"reflect"
	"runtime/debug"
	"time"

	"github.com/cenkalti/backoff/v5"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
)

// Task is a function that does one piece of work: usually one request to a provider. Its context is the submitter's,
// carries the task's reservation, and ends when the orchestrator gives up on it, at the latest when the function returns.
type Task[T any] = func(context.Context) (T, error)

// job is what an untyped task does for the typed one that it is part of.
type job interface {
	// do runs the function and keeps its result. It is user code.
	do(ctx context.Context) error
	// settle keeps how the task ended, under mu. The result does not count where the function was given up.
	settle(err error, at int64, givenUp bool)
	// tell passes that on to those who wait, without mu. It comes once, after settle.
	tell()
	// failure is the error that was settled.
	failure() error
}

// state is how far a task has come.
type state uint8

const (
	fresh    state = iota
	queued         // in the queue of its lane
	delayed        // waits before its next attempt
	joined         // waits for the run of another task
	bound          // has a reservation and a slot, and waits for a goroutine
	executes       // its function runs
	left           // its function still runs, but nobody waits for it any more
	over           // has its outcome
)

// task is one piece of work on its way through a lane. It is part of the typed value that its submitter holds: a task
// that is queued costs that and nothing else.
type task struct {
	job  job             // fixed while the task is on its way, like the three below
	ctx  context.Context //nolint:containedctx // of whoever submitted it: the task runs long after that call returned
	opts *options
	more *more

	// The rest is guarded by the orchestrator's mu. Times are in ns since it began.
	prev, next *task // in the one list that it is in
	watch      *watch
	queuedAt   int64
	attempt    run   // the first
	watched    int32 // its place in the watch
	state      state
	rank       uint8 // of its class; that of a more urgent one that has joined it
	tries      uint8
	flags      flags
}

// flags are what is true of few tasks.
type flags uint8

const (
	inner flags = 1 << iota // of the orchestrator's own: it counts for none of those that were submitted
	lost                    // its function was given up: what it may yet return counts for nothing
)

func (t *task) is(f flags) bool { return t.flags&f != 0 }

// more is what few tasks have.
type more struct {
	span      trace.Span
	attempt   trace.Span
	run       *run                        // the attempt, where it is not the first
	backoff   *backoff.ExponentialBackOff // between attempts
	timer     *time.Timer                 // until the next attempt
	last      error                       // of the attempt before
	of        *task                       // the run that it has joined
	asked     int64                       // when its lane first asked for the reservation of this attempt
	turns     int                         // times that its lane had come back with a ticket before this attempt
	resumedAt int64                       // when that was
	leave     func(why error)             // takes a task out of the run that it has joined, under mu
}

// extra returns what few tasks have, of this one.
func (t *task) extra() *more {
	if t.more == nil {
		t.more = new(more)
	}
	return t.more
}

// current is the attempt that executes.
func (t *task) current() *run {
	if t.more != nil && t.more.run != nil {
		return t.more.run
	}
	return &t.attempt
}

// bindLocked gives a task the reservation that its next attempt starts on.
func (t *task) bindLocked(r *limiter.Reservation) {
	this := &t.attempt
	if t.tries > 0 {
		this = new(run) // what is left of the last one must not come to life again
		t.extra().run = this
	}
	this.t, this.reservation, this.slot = t, r, true
	t.tries++
	t.state = bound
}

// mark is what tells the stack of a task from others. An array is passed on the stack, not in registers, so that a
// trace shows it as it is; and it costs nothing, unlike to ask for the number of the goroutine.
func (t *task) mark() [2]uintptr { return [2]uintptr{reflect.ValueOf(t).Pointer(), markOfTasks} }

// markOfTasks makes a mark that is nothing else.
const markOfTasks = 0x77656972

// perform runs the function of a task.
//
//go:noinline
func (o *Orchestrator) perform(ctx context.Context, t *task, _ [2]uintptr) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil {
			// Goexit: nothing runs in this goroutine any more but what is deferred.
			o.finish(t, ErrGoexit)
			return
		}
		if o.cfg.CrashOnPanic {
			panic(v)
		}
		p := &PanicError{Value: v, Stack: trimStack(debug.Stack())}
		heard := false
		defer func() {
			if !heard { // the hook has ended this goroutine
				o.finish(t, p)
			}
		}()
		o.panicked(p)
		heard, err = true, p
	}()
	err = t.job.do(ctx)
	returned = true
	return err
}

// verdict asks whether a task that ended with an error is worth another attempt.
func (o *Orchestrator) verdict(t *task, err error) Verdict {
	returned := false
	defer func() {
		if !returned { // who was asked has ended this goroutine
			o.finish(t, err)
		}
	}()
	v := o.cfg.Retry.classify(err)
	returned = true
	return v
}

// panicked counts a panic, and tells whoever wants to know of it.
func (o *Orchestrator) panicked(p *PanicError) {
	o.mu.Lock()
	o.count.Panicked++
	o.mu.Unlock()
	if o.cfg.OnPanic == nil {
		return
	}
	defer func() { _ = recover() }() // one that panics itself changes nothing
	o.cfg.OnPanic(p)
}
