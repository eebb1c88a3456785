package core

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// world plays the shell of a core and its limiter, and has the model beside it. A difference panics with a value of type wrong.
type world struct {
	cfg      Config
	c        *Core
	m        *model
	now      Time
	wake     Time // of the last input
	spawned  int  // workers that the core has requested and that have not come
	asks     []*request
	jobs     []*job // functions that run
	starts   []Start
	turns    []*pendingTurn // goroutines that want a slot back
	tasks    map[*Task]*mTask
	came     []*mTask      // all tasks so far
	inside   map[any]Grant // reservations that were handed in and have not come out
	watched  map[*Group]bool
	quiet    bool
	returned int            // since the drain began
	number   int            // of the last reservation, group and turn
	retries  map[string]int // that were paid for, by route
	firsts   map[string]int
	idle     int // wakes at once, in a row
	log      []string
}

type wrong struct{ what string }

// request is a worker's request to the limiter.
type request struct {
	lane *Lane
	runs []Run
	copy []Run
}

func (r *request) calls() (costs []Cost) {
	for _, run := range r.copy {
		for range run.N {
			costs = append(costs, run.Cost)
		}
	}
	return costs
}

// job is an attempt that a worker has begun.
type job struct {
	t       *mTask
	attempt int
	lent    int // goroutines that wait for other tasks
}

type pendingTurn struct {
	t  *mTask
	id int
}

func newWorld(cfg Config) *world {
	return &world{
		cfg: cfg, c: New(cfg), m: newModel(cfg), tasks: map[*Task]*mTask{}, inside: map[any]Grant{}, watched: map[*Group]bool{},
		now: Time(time.Second), retries: map[string]int{}, firsts: map[string]int{},
	}
}

func (w *world) fail(format string, args ...any) { panic(wrong{fmt.Sprintf(format, args...)}) }

// expected has the effects that an input may have, besides the effects that follow from the state.
type expected struct {
	puts   *mLane // whose tasks in front go back to the queue, unless there are reservations for them
	what   string
	worker bool
	ends   map[*mTask]error // tasks that must end, with their errors
	may    map[*mTask]error // tasks that may end, with their errors
	late   func(t *mTask) bool
	starts []*mLane // where reservations that are due are used
	enters func()   // tasks that come into queues behind these starts
	anyway int      // turns that come without a slot
}

// input gives the core an input and compares its effects with the model, which already has the input.
func (w *world) input(e expected, in func(fx *Effects)) *Effects {
	fx := &Effects{Worker: e.worker}
	before := w.m.taken("")
	in(fx)
	w.log = append(w.log, fmt.Sprintf("%v %s: ended %v, job %v, spawn %t, wake %v", w.now, e.what, numbersOf(fx), fx.Job, fx.Spawn, fx.Wake))
	w.ended(&e, fx)
	if w.m.stage > Open {
		w.returned += len(fx.Return)
	}
	back := map[any]bool{}
	for _, r := range fx.Return {
		if _, ok := w.inside[r]; !ok {
			w.fail("%s: reservation %v comes out twice, or was never handed in", e.what, r)
		}
		delete(w.inside, r)
		back[r] = true
	}
	w.started(&e, fx, back)
	if e.enters != nil {
		e.enters()
	}
	if e.puts != nil {
		w.m.putBack(e.puts, w.now)
	}
	for _, l := range w.m.lanes {
		l.held = slices.DeleteFunc(l.held, func(g Grant) bool { return back[g.Reservation] })
	}
	w.resumed(&e, fx)
	w.admitted(&e, fx)
	w.groups(&e, fx)
	w.job(&e, fx)
	if fx.Spawn {
		w.spawned++
	}
	if w.spawned > 1 {
		w.fail("%s: a worker was asked for while one was on its way", e.what)
	}
	if w.wake = fx.Wake; e.what != "tick" {
		w.idle = 0
	}
	w.after(&e, fx, before)
	return fx
}

func numbersOf(fx *Effects) (ended []int64) {
	for t := fx.Ended; t != nil; t = t.Next() {
		ended = append(ended, t.number)
	}
	return ended
}

// ended compares the tasks that ended.
func (w *world) ended(e *expected, fx *Effects) {
	seen := map[*mTask]bool{}
	for task := fx.Ended; task != nil; task = task.Next() {
		t := w.tasks[task]
		_, isLate := task.Err().(*LateError) //nolint:errorlint // as the core gives it
		want, must := e.ends[t]
		if !must {
			want, must = e.may[t]
		}
		switch {
		case t == nil:
			w.fail("%s: a task ended that never came", e.what)
		case seen[t] || t.ends > 0:
			w.fail("%s: task %d ended twice", e.what, t.number)
		case must && isLate && errors.Is(want, errLate):
		case must:
			if task.Err() != want { //nolint:errorlint // it must be the same
				w.fail("%s: task %d ended with %v, want %v", e.what, t.number, task.Err(), want)
			}
		case isLate && e.late != nil && e.late(t):
		default:
			w.fail("%s: task %d ended with %v", e.what, t.number, task.Err())
		}
		seen[t] = true
		t.ends++
		w.count(task.Err())
		if t.tries != task.Tries() {
			w.fail("%s: task %d ran %d times, the core says %d", e.what, t.number, t.tries, task.Tries())
		}
	}
	for t := range e.ends {
		if !seen[t] {
			w.fail("%s: task %d has not ended", e.what, t.number)
		}
	}
	for t := range seen {
		if t.waits() {
			w.m.withdraw(t)
			t.at = gone
		}
		t.group = nil
	}
	w.m.all = slices.DeleteFunc(w.m.all, func(t *mTask) bool { return t.at == gone })
}

// count adds to the report of a drain.
func (w *world) count(err error) {
	r := &w.m.report
	switch {
	case w.m.stage == Open || err == ErrStuck: //nolint:errorlint // as the core gives it
	case err == ErrHandedBack: //nolint:errorlint // see above
		r.HandedBack++
	case w.m.stage >= Refusing, err == ErrClosed: //nolint:errorlint // see above
		r.Cancelled++ // the caller subtracts the refused tasks
	default:
		r.Ended++
	}
}

// started compares the attempts that began: reservations that are due, by the tasks that are first.
func (w *world) started(e *expected, fx *Effects, back map[any]bool) {
	popped := 0
	if fx.Job.Start.Task != nil {
		popped = 1
	}
	fresh := w.c.ready.len() + popped - len(w.starts)
	var all []Start
	if popped > 0 {
		all = append(all, fx.Job.Start)
	}
	all = append(all, w.c.ready.all[w.c.ready.at:]...)
	byLane := map[string][]Start{}
	for _, s := range all[len(all)-fresh:] {
		byLane[w.tasks[s.Task].route] = append(byLane[w.tasks[s.Task].route], s)
	}
	w.starts = all
	for _, l := range e.starts {
		got := byLane[l.route]
		delete(byLane, l.route)
		for len(l.held) > 0 && l.held[0].Due <= w.now && l.shut <= w.now {
			g := l.held[0]
			l.held = l.held[1:]
			t := w.m.next(l, g.Cost)
			if t == nil {
				if !back[g.Reservation] {
					w.fail("%s: reservation %v is for nobody and was not given back", e.what, g.Reservation)
				}
				continue
			}
			if len(got) == 0 {
				w.fail("%s: task %d has not started", e.what, t.number)
			}
			s := got[0]
			got = got[1:]
			if s.Task != t.Task || s.Reservation != g.Reservation {
				w.fail("%s: task %d started on %v, want task %d on %v of %s", e.what, w.tasks[s.Task].number, s.Reservation, t.number, g.Reservation, w.m.show(l))
			}
			w.begin(t)
			delete(w.inside, g.Reservation)
			if s.Attempt != t.tries {
				w.fail("%s: attempt %d of task %d, want %d", e.what, s.Attempt, t.number, t.tries)
			}
		}
		if len(got) > 0 {
			w.fail("%s: task %d started without a reservation that is due", e.what, w.tasks[got[0].Task].number)
		}
	}
	if len(byLane) > 0 {
		w.fail("%s: tasks of %d routes started", e.what, len(byLane))
	}
}

func (w *world) begin(t *mTask) {
	if t.at == inQueue {
		w.m.charge(t)
	}
	w.m.withdraw(t)
	t.at, t.slot, t.outside = runs, true, false
	t.tries++
	if t.tries == 1 {
		w.firsts[t.route]++
	}
}

// resumed compares which goroutines go on.
func (w *world) resumed(e *expected, fx *Effects) {
	for _, r := range fx.Resumed {
		i := slices.IndexFunc(w.turns, func(p *pendingTurn) bool { return p.id == r.Of })
		if i < 0 {
			w.fail("%s: turn %v comes twice", e.what, r.Of)
		}
		p := w.turns[i]
		if !r.Slot {
			e.anyway--
			w.turns = slices.Delete(w.turns, i, i+1)
			continue
		}
		if i > 0 && slices.ContainsFunc(w.turns[:i], func(q *pendingTurn) bool {
			return !slices.ContainsFunc(fx.Resumed, func(r Turn) bool { return r.Of == q.id })
		}) {
			w.fail("%s: turn %v comes before an older one", e.what, r.Of)
		}
		p.t.slot = true
		w.turns = slices.Delete(w.turns, i, i+1)
	}
	if e.anyway != 0 {
		w.fail("%s: %d turns without a slot have not come", e.what, e.anyway)
	}
	if len(w.turns) > 0 {
		held := 0
		for _, l := range w.m.lanes {
			held += len(l.held)
		}
		if free := w.cfg.Slots - w.m.taken(""); free > 0 || free == 0 && held > 0 {
			w.fail("%s: turn %d has not come, with %d free slots and %d reservations", e.what, w.turns[0].id, free, held)
		}
	}
}
