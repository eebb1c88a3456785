package orchestrator

import (
	"bytes"
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// Drain says how an orchestrator ends.
type Drain struct {
	// HandBack ends tasks that have not started with [ErrHandedBack] at once, so that they may run elsewhere. Without it
	// they run while the context of the drain lives.
	HandBack bool
	// Grace is how long tasks that execute have to return after their contexts were ended. Zero is 5 s; below 0 it is none.
	Grace time.Duration
}

// DefaultGrace is the default of [Drain.Grace].
const DefaultGrace = 5 * time.Second

// Report is what became of the tasks that were on their way when an orchestrator was drained.
type Report struct {
	Ended        int         // by themselves, with a result or an error; those between two attempts, where they are not waited for, with the last
	HandedBack   int         // that had not started: with ErrHandedBack
	Refused      int         // that had not started when the context of the drain ended: with ErrClosed
	Cancelled    int         // that executed then: their contexts were ended, and they returned, whatever
	Abandoned    []Abandoned // functions that did not return: their tasks end with ErrAbandoned, or had timed out before
	Reservations int         // that were given back to the limiter
	Took         time.Duration
}

// Abandoned is a task that did not return when it was told to.
type Abandoned struct {
	Route, Name string
	Ran         time.Duration // so far
	Stack       string        // of its goroutine; "" where it could not be found
}

// String is the report in one line, with the names of what was abandoned and without their stacks.
func (r Report) String() string {
	s := fmt.Sprintf("%d ended, %d handed back, %d refused, %d cancelled, %d abandoned, %d reservations given back, in %v",
		r.Ended, r.HandedBack, r.Refused, r.Cancelled, len(r.Abandoned), r.Reservations, r.Took.Round(time.Millisecond))
	for i, a := range r.Abandoned {
		const shown = 3
		if i == shown {
			return s + fmt.Sprintf(", and %d more", len(r.Abandoned)-shown)
		}
		s += fmt.Sprintf("; %s on %s after %v", a.Name, a.Route, a.Ran.Round(time.Millisecond))
	}
	return s
}

// drain is how far the end of an orchestrator has come. It is guarded by its mu.
type drain struct {
	closed   bool // takes nothing in
	given    bool // given up: nothing starts any more
	refusing bool // what has not started is being ended
	began    int64
	why      error // it was given up
	quiet    chan struct{}
	over     chan struct{} // closed when a call has given up waiting
	ended    bool          // quiet is closed
	gone     bool          // over is
	report   Report
	named    map[*task]struct{} // that are in the report as abandoned
	batches  []flusher
}

// flusher is a batcher, which may hold keys that are in no task yet.
type flusher interface{ flush() }

func newDrain() drain {
	return drain{quiet: make(chan struct{}), over: make(chan struct{}), named: map[*task]struct{}{}}
}

// quietLocked notes the moment at which a closed orchestrator has nothing left to do.
func (o *Orchestrator) quietLocked() {
	if d := &o.drain; d.closed && !d.ended && o.active == 0 && o.tellers.Load() == 0 && o.overs.first == nil {
		d.ended = true
		close(d.quiet)
	}
}

// Close is [Orchestrator.Drain] without handing anything back. Its error says what did not end by itself.
func (o *Orchestrator) Close(ctx context.Context) error {
	_, err := o.Drain(ctx, Drain{})
	return err
}

// Drain ends the orchestrator in order. It stops intake, and runs or hands back what has not started. When ctx ends, what
// has not started ends with [ErrClosed] and the contexts of tasks that execute end; those that have not returned when
// the grace is over are abandoned, and named in the report with their stacks. Reservations that nobody uses go back to
// the limiter. The error says what did not end by itself when ctx, or that of another call, had ended; it is nil where
// that was not needed. What was handed back was asked for.
//
// Draining again, also at the same time, joins what is under way, with the report of all of it; whichever context ends
// first counts.
func (o *Orchestrator) Drain(ctx context.Context, how Drain) (Report, error) {
	fill(&how.Grace, DefaultGrace)
	o.mu.Lock()
	d := &o.drain
	if !d.closed {
		d.closed, d.began = true, o.now()
		o.closing.Store(true)
		o.shutDoorLocked()
		for _, f := range o.flights {
			f.drop() // what is kept is not needed any more; who has joined a run stays with it
		}
	}
	flush := d.batches
	d.batches = nil
	o.active++ // not quiet before what was asked for has come
	o.unlock()
	for _, b := range flush {
		b.flush()
	}
	o.mu.Lock()
	o.active--
	if how.HandBack {
		o.refuseLocked(ErrHandedBack)
	}
	o.quietLocked()
	o.unlock()

	if why := d.await(ctx); why != nil {
		o.giveUp(why)
		grace, stop := context.WithTimeout(context.WithoutCancel(ctx), max(0, how.Grace))
		if d.await(grace) != nil {
			o.abandon()
		}
		stop()
	}
	o.end()
	return o.drained()
}

// await waits until there is nothing left to do, or another call has given up on what is, or ctx ends. What is done
// already is done, whatever ctx says.
func (d *drain) await(ctx context.Context) error {
	select {
	case <-d.quiet:
		return nil
	case <-d.over:
		return nil
	default:
	}
	select {
	case <-d.quiet:
		return nil
	case <-d.over:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// count notes how a task ended while the orchestrator was drained.
func (d *drain) count(err error) {
	r := &d.report
	switch { // compared as they are: errors of tasks are code of others
	case err == ErrHandedBack: //nolint:errorlint // see above
		r.HandedBack++
	case err == ErrAbandoned: //nolint:errorlint // see above
	case d.refusing:
		r.Refused++
	case d.given:
		r.Cancelled++
	default:
		r.Ended++
	}
}

// refuseLocked ends all tasks that wait: those between two attempts with the error of the last.
func (o *Orchestrator) refuseLocked(why error) {
	for _, l := range o.lanes {
		for t := l.queue.first(o.cfg.Ageing); t != nil; t = l.queue.first(o.cfg.Ageing) {
			o.withdrawLocked(t, why)
		}
		l.movedLocked()
	}
	for o.resting.first != nil {
		o.withdrawLocked(o.resting.first, o.resting.first.more.last)
	}
}

// giveUp ends what has not started, and the contexts of what executes.
func (o *Orchestrator) giveUp(why error) {
	o.mu.Lock()
	d := &o.drain
	var runs []*run
	if !d.given {
		d.given, d.why, d.refusing = true, why, true
		o.refuseLocked(ErrClosed)
		d.refusing = false
		for t := o.busy.first; t != nil; t = t.next {
			runs = append(runs, t.current())
		}
		for t := range o.lost {
			runs = append(runs, t.current())
		}
		for t := o.ready.first; t != nil; t = t.next {
			runs = append(runs, t.current())
		}
	}
	o.unlock()
	for _, r := range runs {
		r.cancel(ErrClosed)
	}
	o.end()
}

// abandon ends the tasks that still execute. Their functions run on.
func (o *Orchestrator) abandon() {
	all := stacks()
	o.mu.Lock()
	abandon := func(t *task) {
		if _, ok := o.drain.named[t]; ok {
			return
		}
		o.drain.named[t] = struct{}{}
		o.drain.report.Abandoned = append(o.drain.report.Abandoned, Abandoned{
			Route: t.opts.lane.route, Name: t.opts.name, Ran: time.Duration(o.now() - t.current().startedAt), Stack: t.stack(all),
		})
	}
	for t := range o.lost { // those that had timed out are waited for, too
		abandon(t)
	}
	for o.ready.first != nil { // nobody starts them any more
		t := o.ready.pop()
		n := t.opts.lane
		t.current().slot = false
		n.running--
		o.slots.leave()
		o.overLocked(t, ErrClosed, o.now())
		n.movedLocked()
	}
	for o.busy.first != nil {
		t := o.busy.first
		abandon(t)
		o.leaveBehindLocked(t, ErrAbandoned)
	}
	if !o.drain.gone {
		o.drain.gone = true
		close(o.drain.over)
	}
	o.unlock()
}

// drained is the report, and what it amounts to.
func (o *Orchestrator) drained() (Report, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if t := o.batches.timer; t != nil {
		t.Stop()
	}
	r := o.drain.report
	r.Abandoned = slices.Clone(r.Abandoned)
	r.Took = time.Duration(o.now() - o.drain.began)
	if !o.drain.given {
		return r, nil
	}
	return r, fmt.Errorf("orchestrator: close: %v: %w", r, o.drain.why)
}

// stacks are those of all goroutines.
func stacks() [][]byte {
	const first, most = 1 << 16, 1 << 26
	text := make([]byte, first)
	for {
		n := runtime.Stack(text, true)
		if n < len(text) || len(text) >= most {
			return bytes.Split(text[:n], []byte("\n\n"))
		}
		text = make([]byte, 2*len(text))
	}
}

// stack is the one that is a task's: see [task.mark].
func (t *task) stack(of [][]byte) string {
	mark := t.mark()
	text := fmt.Appendf(nil, "{%#x, %#x}", mark[0], mark[1])
	for _, s := range of {
		if bytes.Contains(s, text) {
			return string(s)
		}
	}
	return ""
}
