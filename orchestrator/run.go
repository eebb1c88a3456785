package orchestrator

import (
	"context"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// run is one attempt of a task, and its context: the submitter's, with the reservation that the attempt starts on. A
// context of the library is made only if the function asks for the end of this context, so that other functions cost
// nothing.
type run struct {
	t           *task // fixed when the attempt begins, like those down to label
	reservation *limiter.Reservation
	number      int32         // the number of the attempt, from 1
	startedAt   time.Duration // since the orchestrator began
	label       *label        // of its goroutine
	refused     *refusal      // the latest refusal of the task, including this attempt; nil for none

	slot atomic.Bool // it holds a slot of the semaphore
	real atomic.Pointer[realContext]
	span trace.Span // of the execution; nil if it is not recorded
}

// realContext is a context that can end.
type realContext struct {
	context.Context //nolint:containedctx // it is one

	cancel context.CancelCauseFunc
}

// runKey is the key under which the context of an attempt holds the attempt.
type runKey struct{}

func (o *Orchestrator) newRun(t *task, s core.Start, on *label, now time.Duration) *run {
	r := &run{
		t: t, reservation: s.Reservation.(*limiter.Reservation), //nolint:forcetypeassert // as given
		number: int32(s.Attempt), startedAt: now, label: on, //nolint:gosec // at most maxAttempts
	}
	if before := t.run.Load(); before != nil {
		r.refused = before.refused
	}
	t.run.Store(r)
	if o.life.Err() != nil { // a drain ends contexts, and may not have seen this one
		r.cancel(ErrClosed)
	}
	return r
}

// takeSlot checks a second time that no more tasks execute than there are slots: the core has counted them. It waits at
// most for another attempt whose end the core already knows.
func (r *run) takeSlot() {
	_ = r.t.opts.o.slots.Acquire(context.Background(), 1)
	r.slot.Store(true)
}

// leaveSlot is called just before or just after the core gets the end of the attempt.
func (r *run) leaveSlot() {
	if r.slot.CompareAndSwap(true, false) {
		r.t.opts.o.slots.Release(1)
	}
}

func (r *run) Deadline() (time.Time, bool) {
	deadline, ok := r.t.ctx.Deadline()
	if limit := r.t.opts.timeout; limit > 0 {
		if mine := r.t.opts.o.at(r.startedAt + limit); !ok || mine.Before(deadline) {
			return mine, true
		}
	}
	return deadline, ok
}

func (r *run) Done() <-chan struct{} { return r.ensure().Done() }

func (r *run) Err() error {
	if c := r.real.Load(); c != nil {
		return c.Err()
	}
	return r.t.ctx.Err()
}

func (r *run) Value(key any) any {
	switch key {
	case limiter.ReservationKey:
		return r.reservation
	case runKey{}:
		return r
	}
	// The library finds the end of a context, and its cause, through a value of its own.
	if c := r.real.Load(); c != nil && c != ended {
		return c.Value(key)
	}
	return r.t.ctx.Value(key)
}

// ensure makes the context that can end.
func (r *run) ensure() *realContext {
	if c := r.real.Load(); c != nil {
		return c
	}
	c := new(realContext)
	c.Context, c.cancel = context.WithCancelCause(r.t.ctx)
	if !r.real.CompareAndSwap(nil, c) {
		c.cancel(nil)
		return r.real.Load()
	}
	return c
}

// cancel ends the context for a reason.
func (r *run) cancel(why error) { r.ensure().cancel(why) }

// end ends the context of an attempt that is over. Goroutines that the attempt left behind see that end.
func (r *run) end() {
	if !r.real.CompareAndSwap(nil, ended) {
		r.real.Load().cancel(nil)
	}
}

// ended is the context of each attempt that ended before its function asked for the end of its context.
var ended = func() *realContext { //nolint:gochecknoglobals // a constant
	c := new(realContext)
	c.Context, c.cancel = context.WithCancelCause(context.Background())
	c.cancel(nil)
	return c
}()

// outside is the context of work for many callers. It belongs to no caller's attempt.
type outside struct{ context.Context } //nolint:containedctx // it is one

func (c outside) Value(key any) any {
	if key == (runKey{}) || key == limiter.ReservationKey {
		return nil
	}
	return c.Context.Value(key)
}

// running returns the attempt that a context belongs to, nil if it belongs to no attempt of this orchestrator.
func (o *Orchestrator) running(ctx context.Context) *run { //nolint:contextcheck // it goes outwards
	for {
		r, ok := ctx.Value(runKey{}).(*run)
		if !ok {
			return nil
		}
		if r.t.opts.o == o {
			return r
		}
		ctx = r.t.ctx // an attempt of another orchestrator, which may be within an attempt of this one
	}
}

// Attempt returns which attempt of its task a context belongs to, 1 for the first. It returns 0 for a context of no
// task. A client that sends a request can report with it how often the call was sent before.
func Attempt(ctx context.Context) int {
	if r, ok := ctx.Value(runKey{}).(*run); ok {
		return int(r.number)
	}
	return 0
}
