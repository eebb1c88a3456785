package orchestrator

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator/internal/core"
)

// worker is a goroutine of the orchestrator. It does one job after the other, as long as the core has a job for it.
// Later workers use its memory again.
type worker struct {
	o     *Orchestrator
	label *label
	fx    core.Effects // of its last input

	runs   []limiter.Run // memory of requests and answers
	grants []core.Grant
}

func (o *Orchestrator) work() {
	defer o.acted()              // even if a task ends the goroutine
	w := workers.Get().(*worker) //nolint:forcetypeassert // nothing else is put there
	w.o = o
	w.label.mark()
	w.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Tick(now, fx) })
	for !w.fx.Job.None() {
		if w.fx.Job.Ask.Lane != nil {
			w.ask(w.fx.Job.Ask)
		} else {
			w.attempt(w.fx.Job.Start)
		}
	}
	w.o = nil
	w.fx.Reset()
	workers.Put(w)
}

var workers = sync.Pool{New: func() any { return &worker{label: newLabel()} }} //nolint:gochecknoglobals // memory that is used again

// input gives the core an input of a worker: the effects may hold the next job.
func (w *worker) input(in func(c *core.Core, now core.Time, fx *core.Effects)) {
	w.fx.Reset()
	w.fx.Worker = true
	w.o.inputTo(&w.fx, in)
	w.o.perform(&w.fx)
}

// ask asks the limiter for a lane.
func (w *worker) ask(a core.Ask) {
	o := w.o
	w.runs, w.grants = w.runs[:0], w.grants[:0]
	for _, r := range a.Runs {
		tokens, costs := limiterCost(r.Cost)
		w.runs = append(w.runs, limiter.Run{N: r.N, Cost: tokens, Costs: costs, Since: o.at(r.Since), Urgent: r.Urgent})
	}
	rs, turn, err := o.cfg.Limiter.ReserveBatch(o.life, a.Lane.Route, w.runs...)
	answer := core.Answer{Err: err, Every: turn.Every}
	for _, r := range rs {
		w.grants = append(w.grants, core.Grant{Due: r.Due().Sub(o.began), Cost: costOf(r.Cost(), r.Costs()), Reservation: r})
	}
	answer.Grants = w.grants
	if !turn.Again.IsZero() {
		answer.Again = turn.Again.Sub(o.began)
	}
	if !turn.Last.IsZero() {
		answer.Last = turn.Last.Sub(o.began)
	}
	if err != nil {
		o.limiterFailed(a.Lane.Route, &answer)
	}
	w.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Answer(now, fx, a.Lane, &answer) })
	clear(w.grants)
}

// limiterFailed completes an answer with an error: whether the error is fatal, and its text.
//
//go:noinline
func (o *Orchestrator) limiterFailed(route string, a *core.Answer) {
	a.Fatal, a.Spread = o.life.Err() == nil && fatal(a.Err), rand.Float64() //nolint:gosec // no secret
	a.Err = fmt.Errorf("orchestrator: route %s: %w", route, a.Err)
	o.observe.limiterFailed(route, a.Err, a.Fatal)
}

// fatal reports whether the limiter will always give this error.
func fatal(err error) bool {
	_, burst := errors.AsType[*limiter.ExceedsBurstError](err)
	_, route := errors.AsType[*limiter.RouteError](err)
	return burst || route || errors.Is(err, limiter.ErrClosed) || errors.Is(err, limiter.ErrRefused) && !errors.Is(err, limiter.ErrUnavailable)
}

// attempt runs the function of a task once, and reports how the run ended.
func (w *worker) attempt(s core.Start) {
	o, t := w.o, base(s.Task)
	now := o.now() // the effects of the last input may have taken long
	r := o.newRun(t, s, w.label, now)
	if r.reservation.Late() {
		r.reservation.Cancel()
		w.report(r, core.Result{Late: true})
		return
	}
	if wait := r.early(now); wait > 0 {
		r.reservation.Cancel()
		w.report(r, core.Result{Late: true, After: wait, Err: r.refused.err})
		return
	}
	r.takeSlot()
	ctx := o.observe.starts(t, r, s)
	var timer *time.Timer
	if limit := t.opts.timeout; limit > 0 {
		timer = time.AfterFunc(limit, func() { o.overruns(t, r) })
	}
	result := core.Result{Err: o.run(ctx, t, r)}
	if timer != nil {
		timer.Stop()
	}
	if result.Err != nil {
		o.classify(t, r, &result)
	}
	w.report(r, result)
}

// report tells the core how an attempt ended.
func (w *worker) report(r *run, result core.Result) {
	r.end()
	if !result.Late { // else the attempt did not begin
		w.o.observe.attemptEnds(r, result.Err)
	}
	r.leaveSlot()
	w.input(func(c *core.Core, now core.Time, fx *core.Effects) { c.Finish(now, fx, &r.t.Task, result) })
}

// overruns ends a task whose attempt has taken too long. The slot is free when its function returns.
func (o *Orchestrator) overruns(t *task, r *run) {
	err := &TimeoutError{Route: t.opts.route, Name: t.opts.name, After: t.opts.timeout}
	var late bool
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) {
		late = c.GiveUp(now, fx, &t.Task, int(r.number), err)
	}))
	if late {
		r.cancel(err)
		o.observe.overran(t, r)
	}
}

// run runs the function of a task. A function that ends its goroutine is reported to the core before the goroutine
// ends.
func (o *Orchestrator) run(ctx context.Context, t *task, r *run) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		v := recover()
		if v == nil { // Goexit: only deferred calls still run in this goroutine
			o.reportLast(r, ErrGoexit)
			return
		}
		if o.cfg.CrashOnPanic {
			panic(v)
		}
		p := &PanicError{Value: v, Stack: trimStack(debug.Stack())}
		o.observe.panicked(t, p)
		heard := false
		defer func() {
			if !heard { // the hook has ended this goroutine
				o.reportLast(r, p)
			}
		}()
		o.onPanic(p)
		heard, err = true, p
	}()
	err = t.client().do(ctx)
	returned = true
	return err
}

// reportLast is report in a goroutine that is about to end.
func (o *Orchestrator) reportLast(r *run, err error) {
	r.end()
	o.observe.attemptEnds(r, err)
	r.leaveSlot()
	o.do(o.input(func(c *core.Core, now core.Time, fx *core.Effects) {
		c.Finish(now, fx, &r.t.Task, core.Result{Err: err})
	}))
}

func (o *Orchestrator) onPanic(p *PanicError) {
	if o.cfg.OnPanic == nil {
		return
	}
	defer func() { _ = recover() }() // a panic of the hook changes nothing
	o.cfg.OnPanic(p)
}

// classify decides whether a task that ended with an error gets another attempt, and reports the error's verdict about
// the provider.
func (o *Orchestrator) classify(t *task, r *run, result *core.Result) {
	returned := false
	defer func() {
		if !returned { // Classify, or a method of the error, has ended this goroutine
			o.reportLast(r, result.Err)
		}
	}()
	v := o.cfg.Retry.classify(result.Err)
	returned = true
	reported := o.reportVerdict(r, v)
	if !v.Again || t.ctx.Err() != nil || max(v.After, v.Patience) > o.cfg.Retry.MostAfter {
		return
	}
	pause := o.cfg.Retry.pause(int(r.number))
	result.Again, result.Throttled, result.After = true, v.Throttled || v.Patience > 0, max(v.After, v.Patience)+pause
	until := o.now() + v.After
	if reported && (t.Deadline == 0 || t.Deadline > until+pause) { // else the task ends now, with its error
		r.refused = &refusal{until: until, asked: v.After, err: result.Err}
		result.After = max(pause, v.Patience) // then the task waits in line, as all others do
	}
}
