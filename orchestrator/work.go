package orchestrator

import (
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// work is the life of a goroutine of the orchestrator: it executes tasks that are ready and asks for lanes that want to
// ask, until there is nothing to do. Before it does what may take long it sees to it that another one has a look.
func (o *Orchestrator) work() {
	finished := false
	o.mu.Lock()
	defer func() {
		if !finished { // a task has ended this goroutine
			o.mu.Lock()
			o.wakeLocked()
		}
		o.active--
		o.quietLocked()
		o.unlock()
	}()
	o.waking = false
	at := o.now()
	for {
		if t := o.ready.pop(); t != nil {
			o.busy.push(t)
			t.state, t.current().startedAt = executes, max(at, t.queuedAt)
			o.wakeLocked()
			o.unlock()
			ending := o.execute(t)
			at = ending.at
			o.mu.Lock()
			o.finishLocked(t, ending)
		} else if n := o.takeSlotsLocked(); n != nil {
			at = o.callLocked(n)
		} else {
			finished = true
			return
		}
	}
}

// wakeLocked starts a goroutine if there is something for it to do and none is on its way. It looks first whether there
// is more than it can do itself, so that there are as many as are needed soon.
func (o *Orchestrator) wakeLocked() {
	if o.waking || o.ready.first == nil && !o.wantedLocked() {
		return
	}
	o.waking = true
	o.active++
	go o.worker()
}

// wantedLocked reports whether a lane could ask now.
func (o *Orchestrator) wantedLocked() bool {
	n, _ := o.nextLocked()
	return n != nil
}

// nextLocked chooses the lane that may ask next: that of the task which waits longest, its class allowed for. Where
// there is no free slot a lane that has none takes that of a reservation, of a lane that has more than one, so that a
// throttled route delays no other; the reservation goes back to the limiter, and to the same lane when there is a slot
// before it is due.
func (o *Orchestrator) nextLocked() (n, from *lane) {
	free := o.slots.free() > 0
	if !free {
		if from = o.holding.richest(1); from == nil {
			return nil, nil
		}
	}
	at := never
	for _, p := range o.wanting.places {
		if !free && p.n.holds() > 0 {
			continue
		}
		if t := p.n.queue.first(o.cfg.Ageing); t != nil {
			if v := t.virtual(o.cfg.Ageing); v < at {
				n, at = p.n, v
			}
		}
	}
	return n, from
}

// takeSlotsLocked takes slots for the lane that may ask next: as many as it has tasks for. It is nil if there is none.
func (o *Orchestrator) takeSlotsLocked() *lane {
	n, from := o.nextLocked()
	if n == nil {
		return nil
	}
	urgent, _ := n.ask()
	want := n.uncovered()
	if urgent {
		want = n.hurried()
	}
	want = min(want, n.most-n.holds())
	if from != nil {
		from.giveBackLocked()
		n.asked = 1
		from.movedLocked()
	} else {
		for n.asked < want && o.slots.take() {
			n.asked++
		}
	}
	n.asking, n.urgent = true, urgent
	n.movedLocked()
	return n
}

// callLocked asks the limiter for a lane, without mu.
func (o *Orchestrator) callLocked(n *lane) (at int64) {
	urgent, want, begun := n.urgent, n.asked, time.Now()
	if n.turns == 0 {
		n.since = int64(begun.Sub(o.began))
	}
	o.wakeLocked()
	o.unlock()
	rs, again, err := o.cfg.Limiter.ReserveBatch(o.life, n.route, limiter.Run{N: want, Urgent: urgent})
	if err != nil {
		err = fmt.Errorf("orchestrator: route %s: %w", n.route, err)
	}
	o.mu.Lock()
	const fade, of = 7, 8
	n.trip = max(time.Since(begun), n.trip*fade/of)
	return n.answeredLocked(rs, again, err)
}

// ending is how an attempt ended, and what one more would need to know of the task's context.
type ending struct {
	err      error
	at       int64
	verdict  Verdict
	gone     bool // nobody wants another
	done     <-chan struct{}
	deadline time.Time
}

// execute runs one attempt of a task, which has just started, and says whether it is worth another. It runs without mu.
func (o *Orchestrator) execute(t *task) ending {
	r := t.current()
	ctx := o.traceAttempt(t, r)
	var timer *time.Timer
	if limit := t.opts.timeout; limit > 0 {
		timer = time.AfterFunc(limit, func() { o.timedOut(t, r) })
	}
	e := ending{err: o.perform(ctx, t, t.mark())}
	if timer != nil {
		timer.Stop()
	}
	e.at = o.now()
	r.end()
	o.traceAttemptEnd(t, e.err)
	if e.err != nil {
		e.verdict = o.verdict(t, e.err)
	}
	if e.verdict.Again {
		e.gone, e.done = t.ctx.Err() != nil, t.ctx.Done()
		e.deadline, _ = t.ctx.Deadline()
	}
	return e
}

// timedOut ends a task whose attempt has taken too long. The slot is free when its function returns.
func (o *Orchestrator) timedOut(t *task, r *run) {
	o.mu.Lock()
	late := t.current() == r && t.state == executes
	err := &TimeoutError{Route: t.opts.lane.route, Name: t.opts.name, After: t.opts.timeout}
	if late {
		o.leaveBehindLocked(t, err)
	}
	o.unlock()
	if late {
		r.cancel(err)
	}
}

// leaveBehindLocked ends a task whose function still runs.
func (o *Orchestrator) leaveBehindLocked(t *task, err error) {
	o.busy.remove(t)
	o.lost[t] = struct{}{}
	t.state = left
	t.flags |= lost
	o.settleLocked(t, err, o.now(), true)
}

// finish is finishLocked for who is about to end its goroutine.
func (o *Orchestrator) finish(t *task, err error) {
	t.current().end()
	o.traceAttemptEnd(t, err)
	o.mu.Lock()
	o.finishLocked(t, ending{err: err, at: o.now()})
	o.unlock()
}

// finishLocked takes a task whose function has returned out of its slot, and ends it or lets it wait for its next attempt.
func (o *Orchestrator) finishLocked(t *task, e ending) {
	n := t.opts.lane
	if r := t.current(); r.slot {
		r.slot = false
		n.running--
		o.slots.leave()
	}
	switch {
	case t.state == left:
		delete(o.lost, t)
		t.state = over
		n.tasks--
		o.active--
		o.quietLocked()
	case e.verdict.Again && o.againLocked(t, &e):
	default:
		o.busy.remove(t)
		o.overLocked(t, e.err, e.at)
	}
	n.movedLocked()
}
