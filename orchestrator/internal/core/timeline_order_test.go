package core

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

// many are tasks of a kind.
func many(name string, n int, kind *Kind, rank uint8) (all []with) {
	for i := range n {
		all = append(all, with{name: fmt.Sprintf("%s%d", name, i), kind: kind, rank: rank})
	}
	return all
}

// runsAll has a core with one slot run all its tasks, one at a time, with a token each step. The function end decides how an
// attempt ends. runsAll returns the names of the tasks in the order of their attempts.
func runsAll(t *testing.T, c *Core, end func(task *Task, attempt int) Result) (order []string) {
	t.Helper()
	now := c.now
	fx := &Effects{Worker: true}
	c.Tick(now, fx)
	for i := range 1_000_000 {
		now += Time(time.Microsecond)
		job := fx.Job
		if at := c.wake(); at > 0 && at <= now {
			c.Tick(now, &Effects{})
		}
		fx = &Effects{Worker: true}
		switch {
		case job.Ask.Lane != nil:
			a := &Answer{}
			for _, r := range job.Ask.Runs {
				for range r.N {
					a.Grants = append(a.Grants, Grant{Due: now, Cost: r.Cost, Reservation: i})
				}
			}
			c.Answer(now, fx, job.Ask.Lane, a)
		case job.Start.Task != nil:
			order = append(order, fmt.Sprint(job.Start.Task.Of))
			c.Finish(now, fx, job.Start.Task, end(job.Start.Task, job.Start.Attempt))
		case c.live == 0:
			return order
		default:
			now = max(now, c.wake())
			c.Tick(now, fx)
		}
	}
	t.Fatalf("no end: %d tasks are left", c.live)
	return nil
}

func coreOf(slots int) *Core {
	const lots = 1 << 20
	return New(Config{Slots: slots, Ageing: Time(time.Minute), MaxPending: lots, MaxWeight: lots})
}

func put(t *testing.T, c *Core, now Time, route string, tasks []with) {
	t.Helper()
	p := &play{c: c, tasks: map[string]*Task{}}
	arrives(route, tasks...)(p, now, &Effects{})
	if len(p.said) > 0 {
		t.Fatal(p.said)
	}
}

func ok(*Task, int) Result { return Result{} }

// TestARetryKeepsItsAge: the first task of a batch fails once and runs again before its siblings, with any Ageing.
func TestARetryKeepsItsAge(t *testing.T) {
	c := coreOf(1)
	put(t, c, 0, "a", many("t", 300, &Kind{Cost: one, Weight: 1, Attempts: 2}, Normal))
	order := runsAll(t, c, func(task *Task, attempt int) Result {
		return Result{Err: errFailed, Again: task.Of == "t0" && attempt == 1, After: Time(10 * time.Microsecond)}
	})
	if at := slices.Index(order[1:], "t0") + 1; at < 1 || at > 20 || len(order) != 301 {
		t.Errorf("the retry is attempt %d of %d", at, len(order))
	}
}

// TestASmallShareIsNotHeldUpByALargeOne: ten tasks take at most three times as long beside ten thousand tasks of another share as alone.
func TestASmallShareIsNotHeldUpByALargeOne(t *testing.T) {
	small, large := &Kind{Share: "small", Cost: one, Attempts: 1}, &Kind{Share: "large", Cost: one, Attempts: 1}
	for _, slots := range []int{1, 4} {
		c := coreOf(slots)
		put(t, c, 0, "a", many("large", 10_000, large, Normal))
		put(t, c, 1, "a", many("small", 10, small, Normal))
		last := 0
		for i, name := range runsAll(t, c, ok) {
			if name[0] == 's' {
				last = i + 1
			}
		}
		if last > 3*10 {
			t.Errorf("%d slots: the last of ten tasks is the %dth to start", slots, last)
		}
	}
}

// TestAShareThatComesDuringARequest: tasks of another share that have only been asked for do not count as served.
func TestAShareThatComesDuringARequest(t *testing.T) {
	small, large := &Kind{Share: "small", Cost: one, Attempts: 1}, &Kind{Share: "large", Cost: one, Attempts: 1}
	c := coreOf(64)
	put(t, c, 0, "a", many("large", 1000, large, Normal))
	fx := &Effects{Worker: true}
	c.Tick(0, fx)
	if n := fx.Job.Ask.Runs[0].N; n != 64 {
		t.Fatal(n, "tasks of 64 slots are asked for")
	}
	put(t, c, 1, "a", many("small", 10, small, Normal))
	lane := fx.Job.Ask.Lane
	fx = &Effects{Worker: true}
	c.Answer(2, fx, lane, &Answer{Grants: []Grant{{Due: 2, Cost: one, Reservation: 1}}})
	first := fx.Job.Start.Task
	c.Finish(3, &Effects{}, first, ok(first, 1))
	last := 0
	for i, name := range runsAll(t, c, ok) {
		if name[0] == 's' {
			last = i + 1
		}
	}
	if last > 3*10 {
		t.Errorf("the last of ten tasks is the %dth to start", last)
	}
}

// TestSharesTakeTurnsInTokens, not in tasks.
func TestSharesTakeTurnsInTokens(t *testing.T) {
	cheap, dear := &Kind{Share: "cheap", Cost: one, Attempts: 1}, &Kind{Share: "dear", Cost: Cost{Tokens: 3}, Attempts: 1}
	c := coreOf(1)
	put(t, c, 0, "a", many("c", 100, cheap, Normal))
	put(t, c, 0, "a", many("d", 100, dear, Normal))
	had := map[byte]int{}
	for i, name := range runsAll(t, c, ok)[:80] {
		had[name[0]]++
		if ahead := had['c'] - 3*had['d']; ahead > 4 || ahead < -4 {
			t.Fatalf("after %d starts, %d cheap tasks and %d expensive ones", i+1, had['c'], had['d'])
		}
	}
}

// TestClassesAge: a task waits for newer tasks of a more urgent class no longer than the handicap of its class.
func TestClassesAge(t *testing.T) {
	plays(t, Config{Slots: 1, Ageing: ms(100)}, []row{
		{0, arrives("a", with{name: "background", rank: Background}), "spawn"},
		{99, arrives("a", with{name: "normal", rank: Normal}), ""},
		{199, arrives("a", with{name: "urgent"}), ""},
		{201, arrives("a", with{name: "later"}), ""},
		{201, worker, "ask a 1x1!"},
		{202, due("a", 202), "start normal on r1"},
		{203, finishes("normal"), "end normal; ask a 1x1!"},
		{204, due("a", 204), "start urgent on r2"},
		{205, finishes("urgent"), "end urgent; ask a 1x1!"},
		{206, due("a", 206), "start background on r3"},
	})
}

// TestATaskThatWaitsForRoomStartsInItsTurn: an urgent task does not wait behind 110 background tasks.
func TestATaskThatWaitsForRoomStartsInItsTurn(t *testing.T) {
	rows := []row{
		{0, arrives("a", normal("runs")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start runs on r1"},
	}
	for _, w := range many("b", 110, nil, Background) {
		rows = append(rows, row{1, arrives("a", w), ""})
	}
	rows = append(rows,
		row{2, arrives("a", with{name: "urgent"}), ""},
		row{3, finishes("runs"), "end runs; ask a 1x1!"},
		row{4, due("a", 4), "room for urgent; start urgent on r2"},
		row{5, finishes("urgent"), "end urgent; ask a 1x1"},
		row{6, due("a", 6), "room for b10; start b0 on r3"},
	)
	plays(t, Config{Slots: 1, MaxPending: 10}, rows)
}

// TestRoomIsGivenInOrder: by class and age; a task that does not fit is not passed by others that came later.
func TestRoomIsGivenInOrder(t *testing.T) {
	heavy := &Kind{Cost: one, Weight: 6, Attempts: 1}
	plays(t, Config{Slots: 1, MaxPending: 100, MaxWeight: 8}, []row{
		{0, arrives("a", with{name: "t", kind: heavy, rank: Normal}), "spawn"},
		{1, arrives("a", with{name: "heavy", kind: heavy, rank: Normal}), ""},
		{2, arrives("a", normal("light")...), ""},
		{3, arrives("a", with{name: "urgent"}), ""}, // it has room, before both
		{4, arrivesAgain("light", Urgent), "room for light"},
		{5, leaves("t"), "end t: its caller has left; room for heavy"},
	})
}

// TestTheYoungestOfTheLeastUrgentIsShed, and nobody if that makes no room.
func TestTheYoungestOfTheLeastUrgentIsShed(t *testing.T) {
	plays(t, Config{Slots: 1, MaxPending: 4, Full: Shed}, []row{
		{0, arrives("a", with{name: "b0", rank: Background}), "spawn"},
		{1, arrives("a", normal("n0", "n1")...), ""},
		{2, arrives("a", with{name: "b1", rank: Background}), ""},
		{3, arrives("a", normal("n2")...), "end b1: made room for a more urgent task"},
		{4, arrives("a", with{name: "b2", rank: Background}), "refused: full"},
		{5, arrives("a", normal("n3", "n4")...), "refused: full"},
		{6, arrives("a", with{name: "u0"}, with{name: "u1"}), "end b0: made room for a more urgent task; end n2: made room for a more urgent task"},
	})
}

// TestTasksThatComeTogetherAreRefusedTogether if one of them does not fit.
func TestTasksThatComeTogetherAreRefusedTogether(t *testing.T) {
	plays(t, Config{Slots: 1, MaxPending: 2, Full: Refuse}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{1, arrives("a", normal("u", "v")...), "refused: full"},
		{2, arrives("a", normal("w")...), ""},
		{3, leaves("t"), "end t: its caller has left"},
		{3, leaves("w"), "end w: its caller has left"},
		{4, arrives("a", normal("u", "v")...), ""},
	})
}

// TestAGroupIsWatchedWhileItHasTasks, and no longer.
func TestAGroupIsWatchedWhileItHasTasks(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrivesIn("k", "a", normal("t", "u")...), "watch k; spawn"},
		{1, arrivesIn("k", "b", normal("v")...), ""},
		{1, worker, "ask a 1x1"},
		{2, due("a", 2), "start t on r1"},
		{3, leavesTogether("t"), "end v: its caller has left; end u: its caller has left; unwatch k"},
		{4, finishesWith("t", Result{Err: errFailed, Again: true}), "end t: failed"}, // nobody waits for another attempt
		{5, arrivesIn("k", "a", normal("w")...), "watch k; spawn"},
		{6, leaves("w"), "end w: its caller has left; unwatch k"},
	})
}

// TestThatManyWaitIsReportedOnce, until half of them have gone.
func TestThatManyWaitIsReportedOnce(t *testing.T) {
	plays(t, Config{Slots: 1, WarnPending: 2}, []row{
		{0, arrives("a", normal("t", "u", "v")...), "spawn; 3 wait"},
		{1, arrives("a", normal("w")...), ""},
		{2, leaves("t"), "end t: its caller has left"},
		{2, leaves("u"), "end u: its caller has left"},
		{3, arrives("a", normal("x")...), ""},
		{4, leaves("v"), "end v: its caller has left"},
		{4, leaves("w"), "end w: its caller has left"},
		{5, arrives("a", normal("y", "z")...), "3 wait"},
	})
}
