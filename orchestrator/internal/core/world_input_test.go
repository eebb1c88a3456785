package core

import (
	"errors"
	"slices"
)

var errLate = errors.New("too late")

// arrive submits tasks, and compares which of them are accepted.
func (w *world) arrive(route string, g *Group, tasks []*Task) {
	l := w.m.lane(route)
	if w.m.stage >= HandingBack || w.m.stage == Closing && !tasks[0].Child {
		w.input(expected{what: "arrive, closed"}, func(fx *Effects) {
			if err := w.c.Arrive(w.now, fx, route, g, tasks); !errors.Is(err, ErrClosed) {
				w.fail("tasks arrive after the end: %v", err)
			}
		})
		return
	}
	out, ok := w.m.shed(tasks)
	if !ok {
		w.refuse(l, g, tasks)
		return
	}
	e := expected{what: "arrive", ends: map[*mTask]error{}, late: w.late}
	for _, t := range out {
		w.m.withdraw(t)
		t.at, e.ends[t] = gone, ErrShed
	}
	var fresh []*mTask
	for _, task := range tasks {
		w.m.numbers++
		t := &mTask{Task: task, route: route, rank: task.Rank, since: w.now, number: w.m.numbers, group: g, at: atRest}
		first := w.m.outsider()
		t.outside = first != nil && w.m.order(t, first) > 0 || !w.m.fits(1, t.Weight)
		if t.rest = task.NotBefore; t.rest <= w.now {
			w.m.enter(t)
		}
		w.m.all, fresh = append(w.m.all, t), append(fresh, t)
		w.tasks[task], w.came = t, append(w.came, t)
	}
	if g != nil {
		for other := range w.watched { // one of the same key takes its place
			if other.Key == g.Key && slices.ContainsFunc(w.m.all, func(t *mTask) bool { return t.group == other && !slices.Contains(out, t) }) {
				for _, t := range fresh {
					t.group = other
				}
			}
		}
	}
	w.input(e, func(fx *Effects) {
		if err := w.c.Arrive(w.now, fx, route, g, tasks); err != nil {
			w.fail("tasks are not let in: %v", err)
		}
	})
	for _, t := range fresh {
		t.waited = t.at != gone && t.outside
	}
}

// refuse submits tasks for which there is no room.
func (w *world) refuse(l *mLane, g *Group, tasks []*Task) {
	n, weight := w.m.pending()
	want := FullError{Tasks: len(tasks), Pending: n, Weight: weight, Never: len(tasks) > w.cfg.MaxPending}
	sum := int64(0)
	for _, t := range tasks {
		sum += t.Weight
	}
	want.Never = want.Never || sum > w.cfg.MaxWeight
	if t := w.m.first(l.route, false); t != nil {
		want.Oldest = w.now - t.since
	}
	w.input(expected{what: "arrive, full"}, func(fx *Effects) {
		err := w.c.Arrive(w.now, fx, l.route, g, tasks)
		full, ok := errors.AsType[*FullError](err)
		if !ok || *full != want {
			w.fail("tasks arrive without room: %+v, want %+v", err, want)
		}
	})
}

// late reports whether a task may end because it cannot start before its deadline.
func (w *world) late(t *mTask) bool {
	l := w.m.lane(t.route)
	if t.Deadline == 0 {
		return false
	}
	if l.shut > t.Deadline {
		return true
	}
	for _, o := range w.m.all { // a task of other costs does not count for the time
		if o.route == t.route && (o.at == inQueue || o.at == inFront) && o.Cost.Of != "" {
			return false
		}
	}
	tokens := w.m.behind(t)
	for _, g := range l.held {
		tokens -= g.Cost.Tokens
	}
	tokens = max(0, tokens) + t.Cost.Tokens - l.tokens
	return l.line && t.Deadline < l.last+Time(tokens)*l.every
}

// again submits a task once more, for a more urgent caller.
func (w *world) again(t *mTask, rank uint8) {
	switch {
	case t.at == atRest && t.tries == 0:
		t.rank = min(t.rank, rank)
		w.m.enter(t)
	case rank < t.rank && (t.at == inQueue || t.at == inFront):
		w.m.withdraw(t)
		t.rank, t.at = rank, atRest
		w.m.enter(t)
	case rank < t.rank && t.at == atRest:
		t.rank = rank
	}
	w.input(expected{what: "arrive again"}, func(fx *Effects) { w.c.ArriveAgain(w.now, fx, t.Task, rank) })
}

// answer answers a request.
func (w *world) answer(i int, a *Answer) {
	r := w.asks[i]
	w.asks = slices.Delete(w.asks, i, i+1)
	if !slices.Equal(r.runs, r.copy) {
		w.fail("a request has changed while it was under way")
	}
	l := w.m.lane(r.lane.Route)
	e := expected{what: "answer", worker: true, starts: []*mLane{l}, puts: l, ends: map[*mTask]error{}, late: w.late}
	for _, g := range a.Grants {
		w.inside[g.Reservation] = g
		l.held = append(l.held, g)
	}
	slices.SortStableFunc(l.held, func(a, b Grant) int { return int(a.Due - b.Due) })
	l.asking, l.n = false, 0
	if a.Fatal {
		for _, t := range l.asked {
			if t.at == inFront {
				e.ends[t] = a.Err
			}
		}
	}
	if a.Err == nil {
		l.line, l.last, l.every, l.tokens = a.Last > 0, a.Last, a.Every, 0
		for _, c := range r.calls() {
			l.tokens += c.Tokens
		}
		for _, g := range a.Grants {
			l.tokens -= g.Cost.Tokens
		}
	}
	w.input(e, func(fx *Effects) { w.c.Answer(w.now, fx, r.lane, a) })
}

func (w *world) shut(route string, until Time) {
	l := w.m.lane(route)
	e := expected{what: "shut", ends: map[*mTask]error{}}
	for _, t := range w.m.all {
		if t.route == route && (t.at == inQueue || t.at == inFront) && t.Deadline > 0 && t.Deadline < until {
			e.ends[t] = errLate
		}
	}
	if l.shut = until; until <= w.now {
		l.shut = 0
	}
	w.input(e, func(fx *Effects) { w.c.Shut(w.now, fx, route, until, "said so") })
}

// finish ends an attempt.
func (w *world) finish(i int, r Result, worker bool) {
	j := w.jobs[i]
	w.jobs = slices.Delete(w.jobs, i, i+1)
	t := j.t
	e := expected{what: "finish", worker: worker, ends: map[*mTask]error{}, may: map[*mTask]error{}, anyway: w.pendingOf(t)}
	t.slot = false
	at := w.now + r.After
	switch {
	case t.at == runsOn:
		t.at = gone
	case r.Late && !t.left && w.m.stage < HandingBack:
		t.tries--
		t.at = atRest
		if r.After > 0 {
			t.rest, t.err = at, r.Err
			break
		}
		w.m.enter(t)
	case r.Late:
		t.tries--
		t.at, e.ends[t] = gone, errGone
		if !t.left {
			e.ends[t] = ErrClosed
			if w.m.stage == HandingBack {
				e.ends[t] = ErrHandedBack
			}
		}
	case !r.Again || t.tries >= int(t.Attempts) || t.left || w.m.stage >= HandingBack || t.Deadline > 0 && t.Deadline <= at:
		t.at, e.ends[t] = gone, r.Err
	default:
		e.may[t] = r.Err
		e.enters = func() {
			if t.ends > 0 {
				if !t.BudgetSpent() || r.Throttled {
					w.fail("finish: task %d has no further attempt", t.number)
				}
				t.at = gone
				w.m.all = slices.DeleteFunc(w.m.all, func(t *mTask) bool { return t.at == gone })
				return
			}
			t.at, t.rest, t.err = atRest, at, r.Err
			if !r.Throttled {
				w.retries[t.route]++
			}
		}
	}
	w.input(e, func(fx *Effects) { w.c.Finish(w.now, fx, t.Task, r) })
}

func (w *world) leave(t *mTask) {
	e := expected{what: "leave", ends: map[*mTask]error{}}
	w.left(t, e.ends)
	w.input(e, func(fx *Effects) { w.c.Leave(w.now, fx, t.Task, errGone) })
}

func (w *world) left(t *mTask, ends map[*mTask]error) {
	switch {
	case t.waits():
		ends[t] = errGone
	case t.at == runs && !t.left:
		t.left = true
	}
}

func (w *world) leaveTogether(g *Group) {
	e := expected{what: "leave together", ends: map[*mTask]error{}}
	for _, t := range w.m.all {
		if t.group == g {
			w.left(t, e.ends)
			t.group = nil
		}
	}
	w.input(e, func(fx *Effects) { w.c.LeaveTogether(w.now, fx, g, errGone) })
}

func (w *world) giveUp(j *job) {
	t := j.t
	e := expected{what: "give up", ends: map[*mTask]error{}}
	is := t.at == runs
	if is {
		t.at, e.ends[t] = runsOn, errFailed
	}
	w.input(e, func(fx *Effects) {
		if w.c.GiveUp(w.now, fx, t.Task, j.attempt, errFailed) != is {
			w.fail("give up: attempt %d of task %d", j.attempt, t.number)
		}
	})
}
