package desk

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/weir-go/weir/worker/sse"
)

// Work is the function of an analysis. It reports events and returns its last events, which always reach the log. It
// must end soon after its context has ended; the cause of the context is the reason. report never waits. It returns an
// error if the event was not kept, which Work may ignore. Work must not call report after it has returned.
type Work func(ctx context.Context, report func(sse.Event) error) (last []sse.Event)

// Order is the argument of [Desk.Start].
type Order struct {
	// Work is called once, unless the key joins the order to an earlier order.
	Work Work
	// Weight is about how many bytes of memory Work uses until it has ended.
	Weight int64
	// Key is the idempotency key; empty is none. While the desk knows the analysis of a key, further orders with the
	// key and the same Digest join it. Orders with another Digest are refused.
	Key string
	// Digest distinguishes orders.
	Digest [32]byte
	// After is the event after which the reader begins if the key joins the order to an earlier order. Zero is all
	// events.
	After uint64
}

// State is the state of an analysis.
type State string

// The states of an analysis, in their order.
const (
	Waiting State = "waiting"
	Running State = "running"
	Ended   State = "ended"
)

// Analysis is one analysis of a desk. It can be read even after the desk has forgotten it. Its methods are safe for
// concurrent use.
type Analysis struct {
	desk   *Desk // fixed, like those down to cancel
	id     string
	key    string
	digest [32]byte
	log    log
	ctx    context.Context //nolint:containedctx // of the work, which waits for its turn
	cancel context.CancelCauseFunc

	// Guarded by desk.mu.
	work    Work
	state   State
	bytes   int64 // bytes that count against Config.Bytes
	readers int
	timer   *time.Timer // of the next step: the end without readers, or to be forgotten
	turn    uint64      // the number of that timer; a timer that fires late finds another number
	grace   *time.Timer // for work that ignores the end of its context; nil before the first End
}

// ID returns the id of the analysis in the fleet: the name of the replica, a point, and 26 random letters and digits
// that cannot be guessed.
func (a *Analysis) ID() string { return a.id }

// State returns the state of the analysis.
func (a *Analysis) State() State {
	a.desk.mu.Lock()
	defer a.desk.mu.Unlock()
	return a.state
}

// End ends an analysis for a reason. If the analysis runs, End ends its context; if it waits, End ends it at once. An
// analysis that has ended does not change.
func (a *Analysis) End(reason error) {
	d := a.desk
	d.mu.Lock()
	waited := d.leaveQueueLocked(a)
	if a.state == Running && a.grace == nil {
		// Readers do not wait for work that ignores its context.
		a.grace = time.AfterFunc(d.cfg.Grace, func() { a.finish(d.cfg.Last(reason)) })
	}
	d.mu.Unlock()
	a.cancel(reason)
	if waited {
		a.finish(d.cfg.Last(reason))
	}
}

// run calls the work. A panic becomes the reason of the last events.
func (a *Analysis) run(work Work) (last []sse.Event) {
	defer func() {
		if v := recover(); v != nil {
			last = a.desk.cfg.Last(&PanicError{Value: v, Stack: debug.Stack()})
		}
	}()
	return work(a.ctx, a.log.add)
}

// finish ends the log with the last events. The second and later calls do nothing.
func (a *Analysis) finish(last []sse.Event) {
	first, bytes := a.log.end(last, a.desk.cfg.Last)
	if !first {
		return
	}
	d := a.desk
	d.mu.Lock()
	defer d.mu.Unlock()
	d.bytes += int64(bytes) + keptOverhead - a.bytes
	a.bytes = int64(bytes) + keptOverhead
	a.state, a.work = Ended, nil
	if a.grace != nil {
		a.grace.Stop()
	}
	a.laterLocked(d.cfg.Keep, func() { d.forget(a) })
	d.changeLocked()
}

// keptOverhead is about how many bytes the desk keeps of an analysis in addition to its log.
const keptOverhead = 1 << 10

// laterLocked sets a function to be called after a time, unless another one is set before.
func (a *Analysis) laterLocked(after time.Duration, do func()) {
	a.stopLocked()
	turn := a.turn
	a.timer = time.AfterFunc(after, func() {
		a.desk.mu.Lock()
		due := a.turn == turn
		a.desk.mu.Unlock()
		if due {
			do()
		}
	})
}

// stopLocked cancels the function that laterLocked has set. A timer that fires at this moment finds another turn.
func (a *Analysis) stopLocked() {
	a.turn++
	if a.timer != nil {
		a.timer.Stop()
	}
}
