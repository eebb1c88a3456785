package orchestrator

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Drain sets how an orchestrator ends.
type Drain struct {
	// HandBack ends tasks that have not started at once, with [ErrHandedBack], so that they may run elsewhere. Without
	// HandBack they run until the context of the drain ends.
	HandBack bool
	// Grace is how long tasks that execute have to return after their contexts were ended. Zero is 5 s; below 0 there
	// is no grace.
	Grace time.Duration
}

// DefaultGrace is the default of [Drain.Grace].
const DefaultGrace = 5 * time.Second

// Report counts how the tasks ended that an orchestrator had when it was drained.
type Report struct {
	Ended        int     // on their own, with a result or an error; or between two attempts, with their last error
	HandedBack   int     // had not started: with ErrHandedBack
	Refused      int     // waited for room when the drain began, or had not started when ctx ended: with ErrClosed
	Cancelled    int     // executed when ctx ended: their own contexts were ended, and they returned
	Stuck        []Stuck // functions that did not return: their tasks end with ErrStuck, or had timed out before
	Reservations int     // returned to the limiter
	Took         time.Duration
}

// Stuck is a function that still runs after its task has ended.
type Stuck struct {
	Route, Name string
	Ran         time.Duration // so far
	Stack       string        // of its goroutine; "" if it was not found
}

// String returns the report in one line, with the names of the stuck functions and without the stacks.
func (r Report) String() string {
	s := fmt.Sprintf("%d ended, %d handed back, %d refused, %d cancelled, %d stuck, %d reservations given back, in %v",
		r.Ended, r.HandedBack, r.Refused, r.Cancelled, len(r.Stuck), r.Reservations, r.Took.Round(time.Millisecond))
	for i, a := range r.Stuck {
		const shown = 3
		if i == shown {
			return s + fmt.Sprintf(", and %d more", len(r.Stuck)-shown)
		}
		s += fmt.Sprintf("; %s on %s after %v", a.Name, a.Route, a.Ran.Round(time.Millisecond))
	}
	return s
}

// drained is the state of a drain outside the core.
type drained struct {
	mu    sync.Mutex
	began time.Duration
	why   error // the cause of its context's end
	stuck []Stuck
}

// name adds stuck functions to the report, with their stacks.
func (d *drained) name(o *Orchestrator, tasks []*core.Task) {
	if len(tasks) == 0 {
		return
	}
	all, now := stacks(), o.now()
	for _, t := range tasks {
		t := base(t)
		s := Stuck{Route: t.opts.route, Name: t.opts.name}
		if r := t.run.Load(); r != nil {
			s.Ran, s.Stack = now-r.startedAt, all[r.label.id]
		}
		o.observe.stuck(t, s)
		d.mu.Lock()
		d.stuck = append(d.stuck, s)
		d.mu.Unlock()
	}
}

// Close is [Orchestrator.Drain] without HandBack. Its error names the tasks that did not end on their own.
func (o *Orchestrator) Close(ctx context.Context) error {
	_, err := o.Drain(ctx, Drain{})
	return err
}

// Drain ends the orchestrator in order. Call Drain before the limiter is closed, because Drain returns reservations. In
// a server, handlers that wait in [Execute] delay http.Server.Shutdown until their tasks end: to end quickly, drain
// first, with HandBack.
//
// Drain stops intake. It runs the tasks that have not started, or hands them back. Tasks that execute may still submit
// others, until a task is handed back. When ctx ends, tasks that have not started end with [ErrClosed] and the contexts
// of tasks that execute end. Functions that have not returned when the grace is over are stuck: the report names them,
// with their stacks. Unused reservations go back to the limiter. The error is nil if all tasks ended, or were handed
// back, before the context of this call and of each other call of Drain ended; else it contains the report. A task that
// drains its own orchestrator gets [ErrAwaitsItself].
//
// A second call, even at the same time, joins the drain that has begun and returns the report of the whole drain. The
// context that ends first counts.
func (o *Orchestrator) Drain(ctx context.Context, how Drain) (Report, error) {
	if o.running(ctx) != nil {
		return Report{}, ErrAwaitsItself
	}
	fill(&how.Grace, DefaultGrace)
	if o.closing.CompareAndSwap(false, true) {
		o.drained.mu.Lock()
		o.drained.began = o.now()
		o.drained.mu.Unlock()
	}
	stage := core.Closing
	if how.HandBack {
		stage = core.HandingBack
	}
	o.drainTo(stage)
	if !o.hasEnded(ctx) {
		o.drained.because(context.Cause(ctx))
		o.end() // before contexts of tasks end, so that attempts that begin now see it
		o.drainTo(core.Refusing)
		grace, stop := context.WithTimeout(context.WithoutCancel(ctx), max(0, how.Grace))
		if !o.hasEnded(grace) {
			o.drainTo(core.Abandoning)
			<-o.over.Done() // when the report has all stacks
		}
		stop()
	}
	o.end()
	o.alarm.stop()
	o.observe.meters.end()
	return o.reportOf()
}

func (o *Orchestrator) drainTo(stage core.Stage) {
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Drain(now, fx, stage) }))
}

// hasEnded waits until all tasks have ended, or another call has given up waiting, and returns true. It returns false
// if ctx ends first. If all tasks have ended already, it returns true even with an ended ctx.
func (o *Orchestrator) hasEnded(ctx context.Context) bool {
	select {
	case <-o.ended:
		return true
	case <-o.over.Done():
		return true
	default:
	}
	select {
	case <-o.ended:
		return true
	case <-o.over.Done():
		return true
	case <-ctx.Done():
		return false
	}
}

func (d *drained) because(why error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.why == nil {
		d.why = why
	}
}

// reportOf returns the report, and the error that follows from it.
func (o *Orchestrator) reportOf() (Report, error) {
	var r core.Report
	o.look(func(c *core.Core, _ core.Time) { r = c.Report() })
	d := &o.drained
	d.mu.Lock()
	defer d.mu.Unlock()
	report := Report{
		Ended: r.Ended, HandedBack: r.HandedBack, Refused: r.Refused, Cancelled: r.Cancelled, Reservations: r.Returned,
		Stuck: slices.Clone(d.stuck), Took: o.now() - d.began,
	}
	if d.why == nil {
		return report, nil
	}
	return report, fmt.Errorf("orchestrator: close: %v: %w", report, d.why)
}
