package core

import (
	"flag"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var full = flag.Bool("full", false, "walk thirty times as far")

// TestWalk gives random inputs to the core and to the model. See [model] for the rules, [world] for the comparison after each
// step, and [sound] for the check of the structure.
func TestWalk(t *testing.T) {
	rounds := 1
	if *full {
		rounds = 30
	}
	inputs := 0
	for range rounds {
		rapid.Check(t, func(rt *rapid.T) {
			w := newWorld(someConfig(rt))
			defer func() {
				if r := recover(); r != nil {
					what, ok := r.(wrong)
					if !ok {
						panic(r)
					}
					rt.Fatalf("%s; the last inputs:\n%s", what.what, strings.Join(w.log[max(0, len(w.log)-20):], "\n"))
				}
			}()
			for _, s := range rapid.SliceOfN(someStep, 100, 500).Draw(rt, "steps") {
				w.step(s)
			}
			w.toTheEnd()
			inputs += len(w.log)
		})
	}
	t.Logf("%d inputs", inputs)
}

// step is one input. Its numbers select which.
type step struct{ kind, a, b, c, d int }

var someStep = rapid.Custom(func(t *rapid.T) step {
	const most = 1 << 12
	n := rapid.IntRange(0, most-1)
	return step{n.Draw(t, "kind"), n.Draw(t, "a"), n.Draw(t, "b"), n.Draw(t, "c"), n.Draw(t, "d")}
})

func someConfig(t *rapid.T) Config {
	cfg := Config{
		Slots:       rapid.SampledFrom([]int{2, 1, 3, 1, 6}).Draw(t, "slots"),
		Ageing:      rapid.SampledFrom([]Time{Time(time.Second), Time(time.Millisecond), Time(time.Hour), never}).Draw(t, "ageing"),
		MaxPending:  rapid.SampledFrom([]int{1000, 3, 12}).Draw(t, "most"),
		MaxWeight:   rapid.SampledFrom([]int64{1000, 6, 20}).Draw(t, "weight"),
		Full:        Full(rapid.IntRange(0, 2).Draw(t, "full")), //nolint:gosec // small
		WarnPending: rapid.IntRange(0, 3).Draw(t, "warn"),
	}
	if n := rapid.IntRange(0, 3).Draw(t, "slots of a route"); n > 0 {
		cfg.RouteSlots = map[string]int{"a": n}
	}
	return cfg
}

func of[T any](all []T, n int) T { return all[n%len(all)] }

// kinds are the kinds of steps, as often as they are tried. All numbers of a step say which it is, since small ones are drawn most.
const kinds = "-pawrfpptawprflpwrpapftpawrflpowrpfalppwrftgpawprlupwpftawprfvpwlrpftapwrdspfpalpfotpwrugpfrptalpwdpf"

// step does one thing that a caller, a worker, the limiter or time could do now.
func (w *world) step(s step) {
	switch kinds[(s.kind*31+s.a*37+s.b*41+s.c*43+s.d*47)%len(kinds)] {
	case 'a':
		if len(w.m.all) < 30 || s.a%8 == 0 {
			w.arriveSome(s)
		}
	case 'p': // whatever is next
		switch {
		case w.spawned > 0:
			w.pass(w.now, true)
		case len(w.asks) > 0:
			w.answerSome(s)
		case len(w.jobs) > 0 && s.b%4 < 2:
			w.finishSome(s)
		case w.wake > 0 && w.wake < never/2:
			w.pass(w.wake, false)
		}
	case 'w':
		if w.spawned > 0 {
			w.pass(w.now, true)
		}
	case 'r':
		if len(w.asks) > 0 {
			w.answerSome(s)
		}
	case 'f':
		if len(w.jobs) > 0 {
			w.finishSome(s)
		}
	case 't':
		w.passSome(s)
	case 'l':
		w.loans(s)
	case 'x': // all that run wait, or go on
		for _, j := range slices.Clone(w.jobs) {
			if s.a%2 == 0 {
				w.lend(j)
			} else if j.t.lent > 0 {
				w.resume(j.t)
			}
		}
	case 'o':
		if len(w.m.all) > 0 {
			w.leave(of(w.m.all, s.a))
		}
	case 'g':
		for _, t := range w.m.all {
			if t.group != nil {
				w.leaveTogether(t.group)
				break
			}
		}
	case 'u':
		if len(w.m.all) > 0 {
			w.again(of(w.m.all, s.a), uint8(s.b%int(ranks))) //nolint:gosec // small
		}
	case 's':
		w.shut(of(routes, s.a), w.now+of([]Time{Time(300 * time.Millisecond), 0, Time(3 * time.Second), -1}, s.b))
	case 'v':
		if len(w.jobs) > 0 {
			w.giveUp(of(w.jobs, s.a))
		}
	case 'd':
		if w.m.stage > Open || s.a%8 == 5 {
			w.drainSome(s)
		}
	}
}

func (w *world) arriveSome(s step) {
	n := 1
	if s.a%4 == 0 {
		n = 1 + s.a/4%6
	}
	tokens := int64(1)
	if s.b%4 == 0 {
		tokens = int64(1 + s.b/4%3)
	}
	kind := &Kind{
		Share: of([]string{"", "x", "y"}, s.c), Cost: Cost{Tokens: tokens, Of: of([]string{"", "", "", "", "", "1 a 3"}, s.c/36)}, Weight: int64(s.c / 3 % 4), Attempts: uint8(1 + s.c/12%3), //nolint:gosec // small
	}
	route, rank := of(routes, s.d), uint8(s.d/3%int(ranks)) //nolint:gosec // small
	var g *Group
	if s.d/9%3 == 0 {
		w.number++
		g = &Group{Key: of([]any{1, 2, w.number + 10}, s.d/27)}
	}
	var tasks []*Task
	for i := range n {
		t := &Task{Kind: kind, Rank: rank, Child: len(w.jobs) > 0 && s.b/12%2 == 0}
		if (s.b/24+i)%4 == 0 {
			t.Deadline = w.now + Time(1+s.b%50)*Time(50*time.Millisecond)
		}
		switch s.b / 96 % 12 {
		case 0:
			t.NotBefore = w.now + Time(s.a)*Time(time.Millisecond)
		case 1:
			t.NotBefore = never
		}
		tasks = append(tasks, t)
	}
	w.arrive(route, g, tasks)
}

func (w *world) answerSome(s step) {
	i := s.a % len(w.asks)
	calls, a := w.asks[i].calls(), &Answer{Spread: float64(s.d%100) / 100}
	switch s.b % 9 {
	case 5:
		a.Err = errFailed
	case 6:
		a.Err, a.Fatal = errFailed, true
	case 3, 7:
		a.Again = w.now + of([]Time{-1, 0, Time(10 * time.Millisecond), Time(time.Second), Time(time.Minute)}, s.c)
	default:
		n := len(calls)
		if s.b%9 == 1 {
			n = 1 + s.c%n
		}
		due := w.now + of([]Time{0, Time(300 * time.Millisecond), 0, -5, Time(5 * time.Millisecond), Time(3 * time.Second)}, s.c)
		for k, cost := range calls[:n] {
			a.Grants = append(a.Grants, w.grant(due+Time(k*(s.d%3))*Time(20*time.Millisecond), cost))
		}
	}
	if a.Err == nil && len(a.Grants) < len(calls) && s.d%2 == 0 {
		a.Every = Time(1+s.d%7) * Time(30*time.Millisecond)
		a.Last = w.now + Time(len(calls))*a.Every
	}
	w.answer(i, a)
}

func (w *world) finishSome(s step) {
	i := s.a % len(w.jobs)
	r := Result{}
	switch s.b % 6 {
	case 0:
		r.Err = errFailed
	case 1, 2:
		r = Result{Err: errFailed, Again: true, Throttled: s.c%2 == 0, After: of([]Time{0, Time(50 * time.Millisecond), Time(time.Second)}, s.d)}
	case 3:
		r.Late = w.jobs[i].lent == 0 && w.jobs[i].t.at == runs
		if r.Late && w.jobs[i].t.tries > 1 && s.c%2 == 0 {
			r.Err, r.After = errFailed, of([]Time{Time(time.Millisecond), Time(time.Second)}, s.d)
		}
	}
	w.finish(i, r, s.d%16 > 0)
}

func (w *world) passSome(s step) {
	switch s.a % 4 {
	case 0:
		w.now += Time(s.b) * Time(time.Millisecond) / 4 // the core learns the time with the next input
	case 1:
		w.pass(w.now+Time(s.b)*Time(time.Millisecond), false)
	default:
		if w.wake > 0 && w.wake < never/2 {
			w.pass(w.wake, false)
		}
	}
}

// loans has goroutines of tasks wait for others, and go on: rather when no slot is free.
func (w *world) loans(s step) {
	var lent []*mTask
	for _, t := range w.came {
		if t.lent > 0 && (t.at == runs || s.d%4 == 3) {
			lent = append(lent, t)
		}
	}
	full := w.m.taken("") >= w.cfg.Slots && !slices.ContainsFunc(w.lanes(), func(l *mLane) bool { return len(l.held) > 0 })
	switch {
	case len(w.turns) > 0 && s.a%2 == 1:
		w.resumeAnyway(of(w.turns, s.c))
	case len(lent) > 0 && (full || s.c%4 == 3):
		w.resume(of(lent, s.b))
	case len(w.jobs) > 0:
		w.lend(of(w.jobs, s.b))
	}
}

func (w *world) drainSome(s step) {
	switch w.m.stage {
	case Open:
		w.drain(Closing + Stage(s.b%2)) //nolint:gosec // small
	case Closing:
		w.drain(HandingBack + Stage(s.b%2)) //nolint:gosec // small
	default:
		w.drain(min(w.m.stage+1, Abandoning))
	}
}
