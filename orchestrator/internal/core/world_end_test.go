package core

import "slices"

// pendingOf returns how many goroutines of a task want a slot back.
func (w *world) pendingOf(t *mTask) (n int) {
	for _, p := range w.turns {
		if p.t == t {
			n++
		}
	}
	return n
}

func (w *world) lend(j *job) {
	t := j.t
	e := expected{what: "lend", anyway: w.pendingOf(t)}
	was := t.slot
	t.slot = false
	j.lent++
	t.lent++
	w.input(e, func(fx *Effects) {
		if lent, ok := w.c.Lend(w.now, fx, t.Task); !ok || lent != was {
			w.fail("lend: %t, %t, want %t", lent, ok, was)
		}
	})
}

// resume has a goroutine of a task go on, which may not run any more.
func (w *world) resume(t *mTask) {
	t.lent--
	w.number++
	p := &pendingTurn{t, w.number}
	w.turns = append(w.turns, p)
	e := expected{what: "resume"}
	if t.at != runs && t.at != runsOn || t.lent > 0 || t.slot {
		e.anyway = 1
	}
	w.input(e, func(fx *Effects) { w.c.Resume(w.now, fx, t.Task, p.id) })
}

func (w *world) resumeAnyway(p *pendingTurn) {
	p.t.slot = true
	w.input(expected{what: "resume anyway", anyway: 1}, func(fx *Effects) { w.c.ResumeAnyway(w.now, fx, p.t.Task) })
}

// drain goes on to a stage, as the shell does: the first two in one step or in two.
func (w *world) drain(to Stage) {
	if w.m.stage == Open {
		w.m.report, w.returned = Report{}, 0
	}
	e := expected{what: "drain", ends: map[*mTask]error{}}
	var held []*mTask // by their callers
	if w.m.stage < Closing && to >= Closing {
		for _, t := range w.m.all {
			switch {
			case t.waits() && t.outside && !t.Child:
				e.ends[t] = ErrClosed
			case t.at == atRest && t.tries == 0:
				held = append(held, t)
			}
		}
	}
	e.enters = func() { // after the others have left, so that a share which comes counts as served what they left behind
		for _, t := range held {
			if t.at == atRest {
				w.m.enter(t)
			}
		}
	}
	from := w.m.stage
	if to >= HandingBack && to > from && to < Abandoning {
		why := map[Stage]error{HandingBack: ErrHandedBack, Refusing: ErrClosed}[to]
		for _, t := range w.m.all {
			if !t.waits() || e.ends[t] != nil {
				continue
			}
			if e.ends[t] = why; t.tries > 0 && t.at == atRest {
				e.ends[t] = t.err
			}
		}
	}
	stuck := 0
	if to == Abandoning && from < to {
		stuck = len(w.m.all)
		for _, t := range w.m.all {
			if t.at == runs {
				t.at, e.ends[t] = runsOn, ErrStuck
			}
		}
	}
	w.m.stage = max(from, to)
	fx := w.input(e, func(fx *Effects) { w.c.Drain(w.now, fx, to) })
	if len(fx.Stuck) != stuck || fx.GivenUp != (to == Abandoning && from < to) {
		w.fail("drain: %d are stuck, want %d", len(fx.Stuck), stuck)
	}
	if cancel := len(w.m.all); to == Refusing && from < to && len(fx.Cancel) != cancel {
		w.fail("drain: %d contexts end, want %d", len(fx.Cancel), cancel)
	}
}

// toTheEnd finishes all that is in progress. Then the core must be empty.
func (w *world) toTheEnd() {
	most := 1000 + 100*len(w.tasks)
	for range most {
		switch {
		case w.spawned > 0:
			w.pass(w.now, true)
		case len(w.asks) > 0:
			a := &Answer{}
			for _, c := range w.asks[0].calls() {
				a.Grants = append(a.Grants, w.grant(w.now, c))
			}
			w.answer(0, a)
		case len(w.turns) > 0 && len(w.jobs) == 0:
			w.resumeAnyway(w.turns[0])
		case len(w.jobs) > 0:
			if t := w.jobs[0].t; t.lent > 0 {
				w.resume(t)
			} else {
				w.finish(0, Result{}, true)
			}
		case w.wake > 0 && w.wake < never/2:
			w.pass(w.wake, false)
		default:
			i := slices.IndexFunc(w.m.all, func(t *mTask) bool { return t.at == atRest && t.tries == 0 })
			if i < 0 {
				w.over()
				return
			}
			w.again(w.m.all[i], Background) // its caller held it back
		}
	}
	w.fail("the end does not come: %d tasks are left", len(w.m.all))
}

// over checks that nothing is left.
func (w *world) over() {
	if len(w.m.all) > 0 || len(w.inside) > 0 || w.c.taken != 0 || w.c.live != 0 || len(w.turns) > 0 || len(w.watched) > 0 {
		w.fail("left over: %d tasks, %d reservations, %d slots, %d turns, %d groups", len(w.m.all), len(w.inside), w.c.taken, len(w.turns), len(w.watched))
	}
	for t, m := range w.tasks {
		if m.ends != 1 {
			w.fail("task %d ended %d times", t.number, m.ends)
		}
	}
}

func (w *world) grant(due Time, cost Cost) Grant {
	w.number++
	return Grant{Due: due, Cost: cost, Reservation: w.number}
}
