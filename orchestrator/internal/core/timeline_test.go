package core

import (
	"slices"
	"testing"
)

// TestATaskThatIsFirstTakesTheReservation that its lane had requested before the task came: reservations belong to the lane.
func TestATaskThatIsFirstTakesTheReservation(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, due("a", 100), "wake 100"},
		{50, arrives("a", with{name: "urgent"}), "wake 93"},
		{93, tick, "spawn; wake 100"},
		{93, worker, "ask a 1x1; wake 100"},
		{94, due("a", 200), "wake 100"},
		{100, tick, "spawn; wake 200"},
		{100, worker, "start urgent on r1; wake 200"},
		{200, tick, "spawn"},
		{200, worker, "start t on r2"},
	})
}

// TestATaskThatLeavesWastesNoReservation: the next one takes it.
func TestATaskThatLeavesWastesNoReservation(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t", "u")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, due("a", 100), "wake 93"},
		{2, leaves("t"), "end t: its caller has left; wake 100"},
		{100, tick, "spawn"},
		{100, worker, "start u on r1"},
		{101, finishes("u"), "end u"},
	})
}

// TestAThrottledLaneDelaysNoOther: a lane that has no slot takes the slot of a reservation from a lane that has two.
func TestAThrottledLaneDelaysNoOther(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("throttled", normal("t", "u", "v")...), "spawn"},
		{0, worker, "ask throttled 2x1"},
		{1, due("throttled", 10_000, 20_000), "wake 10000"},
		{2, arrives("free", normal("f", "g")...), "spawn; wake 10000"},
		{2, worker, "return r2; ask free 1x1; wake 9993"},
		{3, due("free", 3), "start f on r3; wake 9993"},
		{4, finishes("f"), "end f; ask free 1x1; wake 9993"},
		{5, due("free", 5), "start g on r4; wake 9993"},
		{6, finishes("g"), "end g; wake 9993"},
	})
}

// TestALaneInLineHoldsNoSlot: tasks without a reservation wait until the time that the limiter names.
func TestALaneInLineHoldsNoSlot(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("line", normal("t")...), "spawn"},
		{0, worker, "ask line 1x1"},
		{0, arrives("free", normal("u")...), ""},
		{1, waits("line", 500), "ask free 1x1; wake 500"},
		{2, due("free", 2), "start u on r1; wake 500"},
		{500, tick, ""},
		{600, finishes("u"), "end u; ask line 1x1"},
	})
}

// TestATaskLendsItsSlot while it waits for others, and gets one again before every task that has not begun.
func TestATaskLendsItsSlot(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("parent", "other")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start parent on r1"},
		{1, arrives("a", with{name: "child", rank: Urgent, child: true}), ""},
		{2, lends("parent"), "spawn"},
		{2, worker, "ask a 1x1!"},
		{3, due("a", 3), "start child on r2"},
		{4, resumes("parent"), ""},
		{5, finishes("child"), "end child; parent goes on with a slot"},
		{6, finishes("parent"), "end parent; ask a 1x1"},
	})
}

// TestATaskThatGoesOnTakesTheSlotOfAReservation if none is free.
func TestATaskThatGoesOnTakesTheSlotOfAReservation(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t", "u")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start t on r1"},
		{1, lends("t"), "spawn"},
		{1, worker, "ask a 1x1"},
		{2, due("a", 1000), "wake 1000"},
		{3, resumes("t"), "return r2; t goes on with a slot"},
		{4, finishes("t"), "end t; ask a 1x1"},
	})
}

// lendAll has t and u lend the only slot. Then v has it.
var lendAll = []row{
	{0, arrives("a", normal("t", "u", "v", "w")...), "spawn"},
	{0, worker, "ask a 1x1"},
	{0, due("a", 0), "start t on r1"},
	{1, lends("t"), "spawn"},
	{1, worker, "ask a 1x1"},
	{1, due("a", 1), "start u on r2"},
	{2, lends("u"), "spawn"},
	{2, worker, "ask a 1x1"},
	{2, due("a", 2), "start v on r3"},
}

// TestTheFirstThatWantsToGoOnDoes before others and before every task that has not begun.
func TestTheFirstThatWantsToGoOnDoes(t *testing.T) {
	plays(t, Config{Slots: 1}, append(slices.Clone(lendAll),
		row{3, resumes("u"), ""},
		row{4, resumes("t"), ""},
		row{5, finishes("v"), "end v; u goes on with a slot"},
		row{6, finishes("u"), "end u; t goes on with a slot"},
		row{7, finishes("t"), "end t; ask a 1x1"},
	))
}

// TestATaskGoesOnWithoutASlot when its context ends. The next slot to be freed makes up for it.
func TestATaskGoesOnWithoutASlot(t *testing.T) {
	plays(t, Config{Slots: 1}, append(slices.Clone(lendAll),
		row{3, resumes("u"), ""},
		row{4, resumes("t"), ""},
		row{5, resumesAnyway("t"), "t goes on"},
		row{6, finishes("v"), "end v"},
		row{7, finishes("t"), "end t; u goes on with a slot"},
		row{8, finishes("u"), "end u; ask a 1x1"},
	))
}

// TestTheLimiterFailsForAWhile: tasks stay, and their lane asks again after 50 ms, then twice as long, 1 s at most.
func TestTheLimiterFailsForAWhile(t *testing.T) {
	fails := answers("a", Answer{Err: errFailed, Spread: 0.5})
	rows := []row{{0, arrives("a", normal("t", "u")...), "spawn"}, {0, worker, "ask a 2x1"}}
	at := 0
	for _, pause := range []int{50, 100, 200, 400, 800, 1000, 1000} {
		wake := "wake " + itoa(at+pause)
		rows = append(rows, row{at, fails, wake})
		at += pause
		rows = append(rows, row{at, tick, "spawn"}, row{at, worker, "ask a 2x1"})
	}
	rows = append(rows,
		row{at, due("a", 0), "start t on r1; spawn"},
		row{at, worker, "ask a 1x1"},
		row{at, fails, "wake " + itoa(at+50)}, // from the start
	)
	plays(t, Config{Slots: 2}, rows)
}

// TestTheLimiterFailsForGood: the tasks of the request end. The lane asks for the others in their turn.
func TestTheLimiterFailsForGood(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", normal("t", "u", "v")...), "spawn"},
		{0, worker, "ask a 2x1"},
		{1, answers("a", Answer{Err: errFailed, Fatal: true}), "end t: failed; end u: failed; ask a 1x1"},
		{2, due("a", 2), "start v on r1"},
	})
}

// TestADeadlineThatCannotBeMet ends a task as soon as the line is known: at once, or with the first answer.
func TestADeadlineThatCannotBeMet(t *testing.T) {
	line := Answer{Again: ms(1000), Last: ms(1000), Every: ms(1000)}
	late := func(name string, deadline int) with { return with{name: name, rank: Normal, deadline: deadline} }
	plays(t, Config{Slots: 1}, []row{
		{1, arrives("a", late("t", 900), late("u", 1500), late("v", 1999), late("w", 3000)), "spawn"},
		{1, worker, "ask a 1x1"},
		// Tokens come at 1 s, 2 s, and so on: u has the first, v would have the second, w has that instead.
		{2, answers("a", line), "end t: late by 999ms; end v: late by 1.999s; wake 1000"},
		{3, arrives("a", late("x", 2999)), "end x: late by 2.997s; wake 1000"},
		{3, arrives("a", late("y", 3000)), "wake 1000"},
	})
}

// TestAShutLaneIsNotAsked until it opens. Tasks that cannot wait for that end at once.
func TestAShutLaneIsNotAsked(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", with{name: "t", rank: Normal}, with{name: "u", rank: Normal, deadline: 900}), "spawn"},
		{0, worker, "ask a 2x1"},
		{1, due("a", 500, 600), "wake 500"},
		{2, shuts("a", 1000), "end u: late by 1s; return r2; return r1; wake 1000"},
		{3, arrives("a", with{name: "v", rank: Normal, deadline: 999}), "end v: late by 997ms; wake 1000"},
		{4, arrives("b", normal("w")...), "spawn; wake 1000"},
		{4, worker, "ask b 1x1; wake 1000"},
		{5, shuts("a", 0), "spawn"}, // open again
		{5, worker, "ask a 1x1"},
	})
}

// TestAnUrgentTaskDoesNotStandInLine with the others of its lane: the limiter may have something for it before.
func TestAnUrgentTaskDoesNotStandInLine(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, waits("a", 5000), "wake 5000"},
		{2, arrives("a", normal("u")...), "wake 5000"},
		{3, arrives("a", with{name: "urgent"}), "spawn; wake 5000"},
		{3, worker, "ask a 1x1!"},
		{4, due("a", 4), "start urgent on r1; wake 5000"},
	})
}

// TestALaneInLineAsksFromTimeToTime, whatever the limiter names: not before a millisecond, not after five seconds.
func TestALaneInLineAsksFromTimeToTime(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, waits("a", 3_600_000), "wake 5001"},
		{5001, tick, "spawn"},
		{5001, worker, "ask a 1x1"},
		{5002, waits("a", 0), "wake 5003"},
	})
}

// TestRetriesHaveABudget: one to begin with, and one a second. A retry that the provider asked to wait costs nothing of it.
func TestRetriesHaveABudget(t *testing.T) {
	often := &Kind{Cost: one, Weight: 1, Attempts: 10}
	fails, throttled := Result{Err: errFailed, Again: true, After: ms(1)}, Result{Err: errFailed, Again: true, After: ms(1), Throttled: true}
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", with{name: "t", kind: often, rank: Normal}), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start t on r1"},
		{1, finishesWith("t", fails), "wake 2"},
		{2, tick, "spawn"},
		{2, worker, "ask a 1x1"},
		{2, due("a", 2), "start t on r2"},
		{3, finishesWith("t", throttled), "wake 4"},
		{4, tick, "spawn"},
		{4, worker, "ask a 1x1"},
		{4, due("a", 4), "start t on r3"},
		{1500, finishesWith("t", fails), "wake 1501"},
		{1501, tick, "spawn"},
		{1501, worker, "ask a 1x1"},
		{1501, due("a", 1501), "start t on r4"},
		{1502, finishesWith("t", fails), "end t: failed"},
	})
}
