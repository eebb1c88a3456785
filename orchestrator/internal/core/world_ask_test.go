package core

import "slices"

// mayAsk reports whether a lane may ask now. The core decides when it asks again. The model knows when it must not.
func (w *world) mayAsk(l *mLane) bool {
	n := w.c.lanes[l.route]
	if n == nil || l.asking || w.m.uncovered(l) <= 0 || w.m.taken(l.route) >= w.m.most(l.route) || l.shut > w.now || w.m.stage >= Refusing {
		return false
	}
	return n.again[1] == 0 && w.m.uncoveredUrgent(l) > 0 || n.again[0] == 0 && n.gathersUntil(w.now) == 0
}

// due reports whether the core still has to look at a lane now.
func (w *world) due(l *mLane) bool {
	n := w.c.lanes[l.route]
	return n.wake > 0 && n.wake <= w.now
}

// job takes in what a worker does next.
func (w *world) job(e *expected, fx *Effects) {
	if !e.worker && !fx.Job.None() {
		w.fail("%s: a job for nobody", e.what)
	}
	switch {
	case fx.Job.Start.Task != nil:
		s := w.starts[0]
		w.starts = w.starts[1:]
		w.jobs = append(w.jobs, &job{t: w.tasks[s.Task], attempt: s.Attempt})
	case fx.Job.Ask.Lane != nil:
		w.asked(e, fx)
	}
	if len(w.starts) != w.c.ready.len() {
		w.fail("%s: %d attempts wait for a worker, want %d", e.what, w.c.ready.len(), len(w.starts))
	}
}

// asked compares a request. It must be for the lane whose first task is the first of all, and for as many tasks as there are free slots.
func (w *world) asked(e *expected, fx *Effects) {
	a := fx.Job.Ask
	l, free := w.m.lane(a.Lane.Route), w.cfg.Slots-w.m.taken("")
	hurried := a.Runs[0].Urgent
	if !w.mayAsk(l) || free <= 0 {
		w.fail("%s: %s asks, which must not", e.what, l.route)
	}
	for _, o := range w.m.lanes {
		if o != l && w.mayAsk(o) && !w.due(o) && w.m.earliest(o) < w.m.earliest(l) && (w.m.taken(l.route) > 0 || w.m.taken(o.route) == 0 || len(fx.Return) == 0) {
			w.fail("%s: %s asks before %s", e.what, l.route, o.route)
		}
	}
	r := &request{lane: a.Lane, runs: a.Runs, copy: slices.Clone(a.Runs)}
	calls := r.calls()
	want := w.m.uncovered(l)
	if hurried {
		want = w.m.uncoveredUrgent(l)
	}
	if want = min(want, free, w.m.most(l.route)-w.m.taken(l.route)); len(calls) != want {
		w.fail("%s: %s asks for %d calls, want %d", e.what, l.route, len(calls), want)
	}
	w.toAsk(e, l, calls, hurried)
	l.asking, l.n, l.hurried = true, len(calls), hurried
	for _, run := range a.Runs {
		if run.Urgent != hurried || run.Since > w.now || run.N < 1 {
			w.fail("%s: run %+v", e.what, run)
		}
	}
	w.asks = append(w.asks, r)
}

// toAsk takes the tasks for which a lane asks out of its queue: tasks in front first, and none for which a reservation exists.
func (w *world) toAsk(e *expected, l *mLane, calls []Cost, hurried bool) {
	left := slices.Clone(l.held)
	l.asked = nil
	take := func(t *mTask) {
		if i := slices.IndexFunc(left, func(g Grant) bool { return g.Cost == t.Cost }); i >= 0 {
			left = slices.Delete(left, i, i+1)
			return
		}
		if t.Cost != calls[len(l.asked)] {
			w.fail("%s: call %d of %s costs %v, want %v", e.what, len(l.asked), l.route, calls[len(l.asked)], t.Cost)
		}
		l.asked = append(l.asked, t)
	}
	for _, urgent := range []bool{true, false} {
		for _, t := range slices.Clone(l.front) {
			if len(l.asked) < len(calls) && (t.rank == Urgent) == urgent && (urgent || !hurried) {
				take(t)
			}
		}
	}
	for len(l.asked) < len(calls) {
		t := w.m.first(l.route, hurried)
		if t == nil {
			w.fail("%s: %s asks for more than it has", e.what, l.route)
		}
		w.m.toFront(l, t)
		take(t)
	}
}

// after checks what is true after every input.
func (w *world) after(e *expected, fx *Effects, before int) {
	if err := sound(w.c); err != nil {
		w.fail("%s: %v", e.what, err)
	}
	taken := w.m.taken("")
	if taken != w.c.taken {
		w.fail("%s: %d slots are taken, want %d", e.what, w.c.taken, taken)
	}
	if taken > max(before, w.cfg.Slots) {
		w.fail("%s: %d slots are taken of %d", e.what, taken, w.cfg.Slots)
	}
	for route, l := range w.m.lanes {
		n := w.c.lanes[route]
		if n == nil {
			continue
		}
		if len(n.held) != len(l.held) || n.asked != l.n || n.asking != l.asking || n.front.len != len(l.front) {
			w.fail("%s: %s holds %d, asks for %d of %d in front, want %d, %d, %d", e.what, route, len(n.held), n.asked, n.front.len, len(l.held), l.n, len(l.front))
		}
		if l.shut > w.now && len(l.held) > 0 {
			w.fail("%s: %s holds reservations while it is shut", e.what, route)
		}
	}
	for _, t := range w.m.all {
		if want := map[place]state{inQueue: waiting, inFront: asked, atRest: resting, runs: executing, runsOn: stuck}[t.at]; t.state != want {
			w.fail("%s: task %d is in state %d, want %d", e.what, t.number, t.state, want)
		}
	}
	w.awake(e)
	if r := w.c.Report(); w.m.stage > Open && (r.Returned != w.returned || r.Ended != w.m.report.Ended || r.HandedBack != w.m.report.HandedBack ||
		r.Refused+r.Cancelled != w.m.report.Cancelled) {
		w.fail("%s: report %+v, want %+v and %d reservations", e.what, r, w.m.report, w.returned)
	}
	quiet := w.m.stage >= Closing && len(w.m.all) == 0 && len(w.asks) == 0 && !w.quiet
	if fx.Quiet != quiet {
		w.fail("%s: quiet is %t, want %t", e.what, fx.Quiet, quiet)
	}
	w.quiet = w.quiet || quiet
	for route, n := range w.retries {
		if float64(n) > 1+float64(w.firsts[route])*budgetRatio+w.now.Seconds() {
			w.fail("%s: %d retries on %s after %d first attempts", e.what, n, route, w.firsts[route])
		}
	}
}

// awake checks that the core does not miss work: it has requested a worker, or it has set the time at which work is possible.
func (w *world) awake(e *expected) {
	if w.spawned > 0 {
		return
	}
	if len(w.starts) > 0 {
		w.fail("%s: %d attempts wait for a worker that nobody asks for", e.what, len(w.starts))
	}
	free := w.cfg.Slots - w.m.taken("")
	spare := slices.ContainsFunc(w.lanes(), func(l *mLane) bool { return len(l.held) > 0 && w.m.taken(l.route) > 1 })
	for _, l := range w.lanes() {
		n := w.c.lanes[l.route]
		if n == nil || w.m.uncovered(l) <= 0 {
			continue
		}
		can := free > 0 || free == 0 && spare && w.m.taken(l.route) == 0
		if w.mayAsk(l) && can && !w.due(l) {
			w.fail("%s: %s could ask, and no worker comes", e.what, l.route)
		}
		if !l.asking && !w.mayAsk(l) && w.m.taken(l.route) < w.m.most(l.route) && w.m.stage < Refusing && w.wake == 0 {
			w.fail("%s: %s waits for nothing", e.what, l.route)
		}
	}
	for _, l := range w.lanes() {
		if len(l.held) > 0 && (w.wake == 0 || w.wake > max(1, l.held[0].Due)) {
			w.fail("%s: nobody wakes for a reservation of %s", e.what, l.route)
		}
	}
	for _, t := range w.m.all {
		if t.at == atRest && (w.wake == 0 || w.wake > t.rest) {
			w.fail("%s: nobody wakes for task %d", e.what, t.number)
		}
	}
}

func (w *world) lanes() (all []*mLane) {
	for _, route := range routes {
		all = append(all, w.m.lane(route))
	}
	return all
}

var routes = []string{"a", "b", "c"}

// pass lets time pass to a moment and gives the core that time.
func (w *world) pass(to Time, worker bool) {
	w.now = max(w.now, to)
	if worker {
		w.spawned--
	}
	for _, l := range w.m.lanes {
		if l.shut <= w.now {
			l.shut = 0
		}
	}
	w.input(expected{what: "tick", worker: worker, starts: w.lanes(), enters: func() {
		for _, t := range w.m.all {
			if t.at == atRest && t.rest <= w.now {
				w.m.enter(t)
			}
		}
	}}, func(fx *Effects) { w.c.Tick(w.now, fx) })
	if w.wake == 0 || w.wake > w.now {
		w.idle = 0
	} else if w.idle++; w.idle > 2 { // a lane that had nothing to ask for may have to be looked at once more
		n := w.c.wakes.first()
		w.fail("tick: wake at once, again and again: %s again %v shut %v held %d, asking %t", n.Route, n.again, n.shut, len(n.held), n.asking)
	}
}
