package core

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// row is one line of a timeline: an input at a time, and all its effects.
type row struct {
	at   int // ms
	in   input
	want string
}

// input is a function that gives the core one input and notes the effects.
type input func(p *play, now Time, fx *Effects)

// play is a core on a timeline. Tasks have names; reservations are r1, r2, and so on.
type play struct {
	c      *Core
	tasks  map[string]*Task
	grants int
	said   []string // by an input itself
}

func ms(n int) Time { return Time(n) * Time(time.Millisecond) }

// plays runs a timeline and compares the effects line by line.
func plays(t *testing.T, cfg Config, rows []row) {
	t.Helper()
	cfg.Ageing = cmp.Or(cfg.Ageing, Time(time.Minute))
	cfg.MaxPending, cfg.MaxWeight = cmp.Or(cfg.MaxPending, 100_000), cmp.Or(cfg.MaxWeight, 100_000)
	p := &play{c: New(cfg), tasks: map[string]*Task{}}
	for i, r := range rows {
		var fx Effects
		p.said = nil
		r.in(p, ms(r.at), &fx)
		if got := p.say(&fx); got != r.want {
			t.Fatalf("line %d, at %d ms:\n got %q\nwant %q", i+1, r.at, got, r.want)
		}
		if err := sound(p.c); err != nil {
			t.Fatalf("line %d, at %d ms: %v", i+1, r.at, err)
		}
	}
}

// say returns effects in words.
func (p *play) say(fx *Effects) string {
	said := p.said
	add := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	for t := fx.Ended; t != nil; t = t.Next() {
		if late, ok := t.Err().(*LateError); ok { //nolint:errorlint // as the core gives it
			add("end %v: late by %v", t.Of, late.Ready)
			continue
		}
		add("end %v%s", t.Of, why(t.Err()))
	}
	for _, r := range fx.Return {
		add("return %v", r)
	}
	for _, t := range fx.Admitted {
		add("room for %v", t.Of)
	}
	for _, r := range fx.Resumed {
		add("%v goes on%s", r.Of, map[bool]string{true: " with a slot"}[r.Slot])
	}
	for _, g := range fx.Watch {
		add("watch %v", g.Key)
	}
	for _, g := range fx.Unwatch {
		add("unwatch %v", g.Key)
	}
	if s := fx.Job.Start; s.Task != nil {
		add("start %v on %v", s.Task.Of, s.Reservation)
	}
	if a := fx.Job.Ask; a.Lane != nil {
		s := "ask " + a.Lane.Route
		for _, r := range a.Runs {
			s += fmt.Sprintf(" %dx%d", r.N, r.Cost.Tokens)
			if r.Urgent {
				s += "!"
			}
		}
		add("%s", s)
	}
	if fx.Spawn {
		add("spawn")
	}
	for _, t := range fx.Cancel {
		add("cancel %v", t.Of)
	}
	for _, t := range fx.Stuck {
		add("%v is stuck", t.Of)
	}
	if fx.GivenUp {
		add("given up")
	}
	if fx.Quiet {
		add("quiet")
	}
	if fx.Many > 0 {
		add("%d wait", fx.Many)
	}
	if fx.Wake > 0 {
		add("wake %d", fx.Wake/Time(time.Millisecond))
	}
	return strings.Join(said, "; ")
}

func why(err error) string {
	if err == nil {
		return ""
	}
	return ": " + strings.TrimPrefix(err.Error(), "orchestrator: ")
}

// with describes a task and its name.
type with struct {
	name     string
	kind     *Kind
	rank     uint8
	deadline int
	before   int
	child    bool
}

var single = &Kind{Cost: one, Weight: 1, Attempts: 1}

func (w with) task(p *play) *Task {
	t := &Task{Kind: w.kind, Of: w.name, Rank: w.rank, Deadline: ms(w.deadline), NotBefore: ms(w.before), Child: w.child}
	if t.Kind == nil {
		t.Kind = single
	}
	p.tasks[w.name] = t
	return t
}

// The inputs.

func arrives(route string, tasks ...with) input { return arrivesIn(nil, route, tasks...) }

func arrivesIn(key any, route string, tasks ...with) input {
	return func(p *play, now Time, fx *Effects) {
		var g *Group
		if key != nil {
			g = &Group{Key: key}
		}
		var all []*Task
		for _, w := range tasks {
			all = append(all, w.task(p))
		}
		if err := p.c.Arrive(now, fx, route, g, all); err != nil {
			p.said = append(p.said, "refused"+why(err))
		}
	}
}

// normal returns tasks with names.
func normal(names ...string) (all []with) {
	for _, n := range names {
		all = append(all, with{name: n, rank: Normal})
	}
	return all
}

func arrivesAgain(name string, rank uint8) input {
	return func(p *play, now Time, fx *Effects) { p.c.ArriveAgain(now, fx, p.tasks[name], rank) }
}

// worker is a worker that comes.
func worker(p *play, now Time, fx *Effects) {
	fx.Worker = true
	p.c.Tick(now, fx)
}

func tick(p *play, now Time, fx *Effects) { p.c.Tick(now, fx) }

// answers is the limiter's answer to the request of a route.
func answers(route string, a Answer) input {
	return func(p *play, now Time, fx *Effects) {
		fx.Worker = true
		for i := range a.Grants {
			p.grants++
			a.Grants[i].Reservation = fmt.Sprintf("r%d", p.grants)
			a.Grants[i].Cost.Tokens = max(1, a.Grants[i].Cost.Tokens)
		}
		p.c.Answer(now, fx, p.c.lanes[route], &a)
	}
}

// due is an answer with reservations of one token that are due at times.
func due(route string, at ...int) input {
	var a Answer
	for _, n := range at {
		a.Grants = append(a.Grants, Grant{Due: ms(n)})
	}
	return answers(route, a)
}

// waits is an answer without reservations.
func waits(route string, again int) input { return answers(route, Answer{Again: ms(again)}) }

func finishes(name string) input { return finishesWith(name, Result{}) }

func finishesWith(name string, r Result) input {
	return func(p *play, now Time, fx *Effects) {
		fx.Worker = true
		p.c.Finish(now, fx, p.tasks[name], r)
	}
}

func leaves(name string) input {
	return func(p *play, now Time, fx *Effects) { p.c.Leave(now, fx, p.tasks[name], errGone) }
}

func lends(name string) input {
	return func(p *play, now Time, fx *Effects) {
		if _, ok := p.c.Lend(now, fx, p.tasks[name]); !ok {
			p.said = append(p.said, "does not run")
		}
	}
}

func resumes(name string) input {
	return func(p *play, now Time, fx *Effects) { p.c.Resume(now, fx, p.tasks[name], name) }
}

func resumesAnyway(name string) input {
	return func(p *play, now Time, fx *Effects) { p.c.ResumeAnyway(now, fx, p.tasks[name]) }
}

func givesUp(name string) input {
	return func(p *play, now Time, fx *Effects) {
		p.c.GiveUp(now, fx, p.tasks[name], p.tasks[name].Tries(), errors.New("too long"))
	}
}

func shuts(route string, until int) input {
	return func(p *play, now Time, fx *Effects) { p.c.Shut(now, fx, route, ms(until), "") }
}

func drains(to Stage) input {
	return func(p *play, now Time, fx *Effects) { p.c.Drain(now, fx, to) }
}

// reports checks the report of the drain.
func reports(p *play, now Time, fx *Effects) {
	p.said = append(p.said, fmt.Sprintf("%+v", p.c.Report()))
	p.c.Tick(now, fx)
}

var errGone, errFailed = errors.New("its caller has left"), errors.New("failed")

func itoa(n int) string { return fmt.Sprint(n) }

// leavesTogether cancels the group of a task.
func leavesTogether(name string) input {
	return func(p *play, now Time, fx *Effects) { p.c.LeaveTogether(now, fx, p.tasks[name].group, errGone) }
}
