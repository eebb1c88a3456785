package orchestrator

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Task is a function that does one piece of work: usually one request to a provider. Its context is the submitter's
// context with the task's reservation. The context ends when the orchestrator gives up on the task, at the latest when
// the function returns.
type Task[T any] = func(context.Context) (T, error)

// client is the owner of a task: a future, a part of a batch, the shared run of a key, a call of a batcher.
type client interface {
	base() *task
	// do runs the function and keeps its result. It is user code.
	do(ctx context.Context) error
	// ended wakes the callers that wait for the outcome. It is called once, and drops what is no longer needed.
	ended()
	// outside records that the task waits for room. It is called in the input in which the task arrives, under the
	// lock.
	outside()
	// admitted is called when a task that had to wait for room no longer waits for it.
	admitted()
}

// task is one piece of work that has not ended. It is part of the typed value that its submitter holds, so a queued
// task needs no other memory. Its fields are fixed when it is made, except run and span.
type task struct {
	core.Task

	ctx  context.Context //nolint:containedctx // of the submitter: the task runs long after that call returned
	opts *options
	run  atomic.Pointer[run] // the attempt that began last
	rare *rare               // made before the task is queued, or in the input in which it arrives; nil for most
}

// rare holds the fields that few tasks need.
type rare struct {
	span       trace.Span    // nil if spans are not recorded
	entry      chan struct{} // closed when the task no longer waits for room; nil if it never did
	turnedAway error         // why it was refused after that wait; to be read when entry is closed
	limit      *time.Timer   // of its wait, if the limiter bounds it and its context does not
}

// extra returns the rare fields of a task, and makes them if needed.
func (t *task) extra() *rare {
	if t.rare == nil {
		t.rare = new(rare)
	}
	return t.rare
}

// waitsForRoom makes the channel that is closed when the task has room, or has ended.
func (t *task) waitsForRoom() { t.extra().entry = make(chan struct{}) }

// entry returns that channel, nil if the task never waited for room.
func (t *task) entry() chan struct{} {
	if t.rare == nil {
		return nil
	}
	return t.rare.entry
}

func (t *task) client() client { return t.Of.(client) } //nolint:forcetypeassert // every task has one

func base(t *core.Task) *task { return t.Of.(client).base() } //nolint:forcetypeassert // every task has one

// cancel ends the context of the attempt that executes.
func (t *task) cancel(why error) {
	if r := t.run.Load(); r != nil {
		r.cancel(why)
	}
}

// prepare sets up the task of a client.
func (o *Orchestrator) prepare(t *task, of client, ctx context.Context, opts *options) {
	t.fill(of, ctx, opts)
	t.Child = o.running(ctx) != nil
	if deadline, ok := ctx.Deadline(); ok {
		t.Deadline = max(1, deadline.Sub(o.began))
	} else {
		o.boundWait(t)
	}
}

// fill sets the fields of a task from its options. It calls no foreign code.
func (t *task) fill(of client, ctx context.Context, opts *options) {
	t.Of, t.ctx, t.opts = of, ctx, opts
	t.Kind, t.Rank = &opts.Kind, opts.class.rank()
}

// boundWait bounds how long a task without a deadline waits, if the limiter has such a bound for its own callers.
func (o *Orchestrator) boundWait(t *task) {
	if o.maxWait > 0 {
		late := &limiter.DeadlineError{Route: t.opts.route, Ready: o.maxWait}
		t.Deadline = o.now() + o.maxWait
		t.extra().limit = time.AfterFunc(o.maxWait, func() {
			o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) {
				if t.Waits() { // a task that executes does not wait
					c.Leave(now, fx, &t.Task, late)
				}
			}))
		})
	}
}

// check returns an error if tasks with these options can never start. Tasks without options are checked once: if their
// route is removed later, the limiter's answer ends the tasks.
func (o *Orchestrator) check(opts *options) error {
	if opts == o.plain && o.checked.Load() {
		return nil
	}
	if err := o.cfg.Limiter.Check(opts.route, opts.tokens, opts.costs); err != nil {
		return err //nolint:wrapcheck // as Wait of the limiter gives it
	}
	if opts.Weight > o.cfg.MaxWeight {
		return &WeightError{Weight: opts.Weight, Max: o.cfg.MaxWeight}
	}
	if opts == o.plain {
		o.checked.Store(true)
	}
	return nil
}

// arrive queues tasks of one route, or returns an error. The caller passes the effects to [Orchestrator.do].
func (o *Orchestrator) arrive(route string, g *core.Group, tasks []*core.Task, err *error) *core.Effects {
	return o.input(func(c *core.Core, now core.Time, fx *core.Effects) {
		if *err = c.Arrive(now, fx, route, g, tasks); *err != nil || o.cfg.Full != Wait {
			return
		}
		for _, t := range tasks {
			if t.Outside() {
				t.Of.(client).outside() //nolint:forcetypeassert // every task has one
			}
		}
	})
}

// submit queues a task. If there is no room it waits, with the policy [Wait].
func (o *Orchestrator) submit(t *task, watched bool) error {
	o.observe.submitted(t, nil)
	ctx, tasks := t.ctx, [...]*core.Task{&t.Task}
	var group *core.Group
	if watched {
		group = watchOver(ctx)
	}
	var err error
	fx := o.arrive(t.opts.route, group, tasks[:], &err)
	entry := t.entry() // nil, unless this input has made it
	keepSpare(group, fx.Watch)
	o.do(fx)
	if err != nil {
		return o.refused(t, err)
	}
	if entry == nil {
		return nil
	}
	if err := o.await(ctx, entry); err != nil {
		o.leave(t, err)
		<-entry
	}
	return t.rare.turnedAway
}

// dropped ends the traces of a task that was never queued.
func (o *Orchestrator) dropped(t *task) {
	if t.rare != nil && t.rare.limit != nil {
		t.rare.limit.Stop()
	}
	endSpan(t.anySpan(), nil)
}

// refused records that a task was not accepted, and returns the error for its submitter.
func (o *Orchestrator) refused(t *task, err error) error {
	if t.rare != nil && t.rare.limit != nil {
		t.rare.limit.Stop()
	}
	if full, ok := err.(*core.FullError); ok { //nolint:errorlint // as the core gives it
		err = &FullError{Tasks: full.Tasks, Pending: full.Pending, Weight: full.Weight, Oldest: full.Oldest, Never: full.Never}
	}
	o.observe.refused(t, err)
	return err
}

// doLater carries out the effects of an input, in a goroutine of its own because the caller holds locks.
func (o *Orchestrator) doLater(fx *core.Effects) { go o.do(fx) }

// leave ends a task that has not started.
func (o *Orchestrator) leave(t *task, why error) {
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Leave(now, fx, &t.Task, why) }))
}

// deliver passes the outcome of a task to its client.
func (o *Orchestrator) deliver(ended *core.Task) {
	t := base(ended)
	switch late := t.Err().(type) { //nolint:errorlint // as the core gives it
	case *core.LateError:
		t.Amend(&limiter.DeadlineError{Route: t.opts.route, Ready: late.Ready})
	default:
		if t.BudgetSpent() {
			t.Amend(&budgetError{late})
		}
	}
	if r := t.rare; r != nil {
		if r.limit != nil {
			r.limit.Stop()
		}
		// The caller that waits for room reads turnedAway when entry is closed, which these effects do next: the task
		// stopped waiting in the same input.
		if _, late := t.Err().(*limiter.DeadlineError); r.entry != nil && !t.Started() && !t.HadRoom() && !late { //nolint:errorlint // as the core gives it: nobody calls the methods of a cause here
			r.turnedAway = t.Err()
		}
	}
	o.observe.ended(t)
	t.client().ended()
}

// budgetError is the error of a task that did not run again because the retry budget was spent. It calls no method of
// the task's error until its own methods are called.
type budgetError struct{ err error }

func (e *budgetError) Error() string   { return ErrRetryBudget.Error() + ": " + text(e.err) }
func (e *budgetError) Unwrap() []error { return []error{ErrRetryBudget, e.err} }

// turn is the permission of a goroutine to continue after it has waited for other tasks.
type turn struct {
	ch   chan struct{}
	slot bool
}

func (w *turn) come(slot bool) {
	w.slot = slot
	close(w.ch)
}

// lend frees the slot of a task that waits for others of its orchestrator, because the others may need the slot. It
// returns a function that takes a slot again, before all tasks that have not begun. If the context of that function
// ends first, the task continues without a slot. lend returns nil if ctx belongs to no task that executes.
func (o *Orchestrator) lend(ctx context.Context) (back func(context.Context)) {
	r := o.running(ctx)
	if r == nil || r.t.run.Load() != r {
		return nil
	}
	var lent, ok bool
	fx := o.input(func(c *core.Core, now core.Time, fx *core.Effects) { lent, ok = c.Lend(now, fx, &r.t.Task) })
	if lent {
		r.leaveSlot()
	}
	o.do(fx)
	if !ok {
		return nil // a goroutine that outlived its task
	}
	return func(ctx context.Context) {
		w := &turn{ch: make(chan struct{})}
		o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Resume(now, fx, &r.t.Task, w) }))
		select {
		case <-w.ch:
		case <-ctx.Done():
			o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.ResumeAnyway(now, fx, &r.t.Task) }))
			<-w.ch
		}
		if w.slot {
			r.takeSlot() //nolint:contextcheck // the task must have a slot
		}
	}
}

// await waits until done is closed or ctx ends. If done is already closed, an ended ctx is no error. A task lends its
// slot while it waits.
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
