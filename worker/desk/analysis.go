package desk

import (
	"context"
	"runtime/debug"
	"time"

	"github.com/weir-go/weir/worker/sse"
)

// Work is what an analysis does. It reports events and returns its last ones, which always reach the log. It ends soon after its context has,
// whose cause is the reason. report never waits; its error is an event's that was not kept, and may be ignored. It is not called any more once
// Work has returned.
type Work func(ctx context.Context, report func(sse.Event) error) (last []sse.Event)

// Order is what [Desk.Start] is asked for.
type Order struct {
	// Work is done once, unless the key joins the order to an earlier one.
	Work Work
	// Weight is about how many bytes Work holds in memory until it has ended.
	Weight int64
	// Key is the idempotency key; empty is none. For as long as the desk knows the analysis of a key, further orders with the key and the same
	// Digest join it; those with another Digest are refused.
	Key string
	// Digest tells orders apart.
	Digest [32]byte
	// After is the event after which the reader begins where the key joins the order to an earlier one. Zero is all events.
	After uint64
}

// State is where an analysis is in its life.
type State string

// The states of an analysis, in their order.
const (
	Waiting State = "waiting"
	Running State = "running"
	Ended   State = "ended"
)

// Analysis is one analysis that a desk knows, or has known: who holds it may read it after the desk has forgotten it. Its methods are safe
// for concurrent use.
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
	bytes   int64 // that count against Config.Bytes
	readers int
	timer   *time.Timer // of what comes next: the end for want of readers, or to be forgotten
	turn    uint64      // which timer that is; one that fires late finds another number
	grace   *time.Timer // for work that ignores the end of its context; nil before the first End
}

// ID names the analysis in the fleet: the name of the replica, a point, and 26 letters and digits that nobody can guess.
func (a *Analysis) ID() string { return a.id }

// State is where the analysis is in its life.
func (a *Analysis) State() State {
	a.desk.mu.Lock()
	defer a.desk.mu.Unlock()
	return a.state
}

// End ends the context of an analysis with a reason, if it runs, and ends it at once, if it waits. What has ended stays as it is.
func (a *Analysis) End(reason error) {
	d := a.desk
	d.mu.Lock()
	waited := d.leaveQueueLocked(a)
	if a.state == Running && a.grace == nil {
		// Work that ignores its context keeps nobody waiting.
		a.grace = time.AfterFunc(d.cfg.Grace, func() { a.finish(d.cfg.Last(reason)) })
	}
	d.mu.Unlock()
	a.cancel(reason)
	if waited {
		a.finish(d.cfg.Last(reason))
	}
}

// run does the work, whatever becomes of it.
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

// keptOverhead is about what the desk holds of an analysis beside its log, in bytes.
const keptOverhead = 1 << 10

// laterLocked has a function called after a time, unless something else is set before.
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

// stopLocked takes back what laterLocked has set. A timer that fires at this moment finds another turn.
func (a *Analysis) stopLocked() {
	a.turn++
	if a.timer != nil {
		a.timer.Stop()
	}
}
