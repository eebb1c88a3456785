package core

import "testing"

// Each timeline of this file has failed once.

// TestAStuckTaskThatLentItsSlotRunsInNone: the state counts slots only for tasks that have one.
func TestAStuckTaskThatLentItsSlotRunsInNone(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start t on r1"},
		{1, lends("t"), ""},
		{2, givesUp("t"), "end t: too long"},
		{3, finishes("t"), ""},
	})
}

// TestAShutLaneStartsNothingThatWasAskedForBefore: a reservation that was requested before starts no task, neither at once nor when it is
// due, and the core does not wake for it again and again.
func TestAShutLaneStartsNothingThatWasAskedForBefore(t *testing.T) {
	plays(t, Config{Slots: 3}, []row{
		{0, arrives("a", normal("t", "u")...), "spawn"},
		{0, worker, "ask a 2x1"},
		{1, shuts("a", 1000), ""},
		{2, due("a", 2, 500), "return r2; return r1; wake 1000"},
		{500, tick, "wake 1000"},
		{1000, tick, "spawn"},
		{1000, worker, "ask a 2x1"},
		{1001, due("a", 0, 0), "start t on r3; spawn"},
	})
}

// TestAReservationThatIsDueForNobodyIsInTheReport like a reservation that is returned before it is due.
func TestAReservationThatIsDueForNobodyIsInTheReport(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, drains(Refusing), "end t: closed"},
		{2, due("a", 2), "return r1; quiet"},
		{2, reports, "{Ended:0 HandedBack:0 Refused:1 Cancelled:0 Returned:1}"},
	})
}

// TestATaskThatIsBackIsNotLate because of newer tasks in line: it is the first of its share.
func TestATaskThatIsBackIsNotLate(t *testing.T) {
	twice := &Kind{Cost: one, Weight: 1, Attempts: 2}
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", with{name: "t", kind: twice, rank: Normal, deadline: 2500}), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start t on r1"},
		{0, arrives("a", normal("u", "v", "w", "x")...), ""},
		{1, finishesWith("t", Result{Err: errFailed, Again: true}), "ask a 1x1; wake 1"},
		{1, tick, ""},
		{2, answers("a", Answer{Again: ms(1000), Last: ms(1000), Every: ms(1000)}), "wake 1000"},
	})
}

// TestATaskThatEndsInTheInputInWhichItCameHasNotWaitedForRoom: no effect says that it waited.
func TestATaskThatEndsInTheInputInWhichItCameHasNotWaitedForRoom(t *testing.T) {
	plays(t, Config{Slots: 1, MaxPending: 1}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{1, answers("a", Answer{Again: ms(1000), Last: ms(1000), Every: ms(1000)}), "wake 1000"},
		{1, arrives("a", with{name: "u", rank: Normal, deadline: 100}), "end u: late by 1.999s; wake 1000"},
		{1, arrives("a", normal("v")...), "wake 1000"},
		{2, leaves("t"), "end t: its caller has left; room for v; wake 1000"},
	})
}

// TestTheLimiterEndsThoseOnlyThatItWasAskedFor: an error of the limiter ends the tasks of the request, and no task behind them.
func TestTheLimiterEndsThoseOnlyThatItWasAskedFor(t *testing.T) {
	fatal := Answer{Err: errFailed, Fatal: true}
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", with{name: "u"}), "spawn"},
		{0, worker, "ask a 1x1!"},
		{1, arrives("a", normal("t")...), ""},
		{1, waits("a", 10), "ask a 2x1"},
		{2, waits("a", 1000), "wake 10"},
		{10, tick, "spawn; wake 1000"},
		{10, worker, "ask a 1x1!"},
		{11, answers("a", fatal), "end u: failed; wake 1000"},
	})
}

// TestATaskInFrontOfAnotherClassIsSeen though it is the last of its class.
func TestATaskInFrontOfAnotherClassIsSeen(t *testing.T) {
	plays(t, Config{Slots: 2, Ageing: ms(100)}, []row{
		{0, arrives("a", with{name: "b", rank: Background, before: 1000}), "wake 1000"},
		{500, arrives("a", normal("n")...), "spawn; wake 1000"},
		{500, worker, "ask a 1x1; wake 1000"},
		{501, waits("a", 1100), "wake 1000"},
		{1000, tick, "wake 1100"},
		{1100, tick, "spawn"},
		{1100, worker, "ask a 1x1 1x1"},
		{1101, due("a", 1101, 1200), "start b on r1; wake 1200"},
	})
}

// TestAnOlderTaskOfTheSameShareIsSeen though it is the turn of another share.
func TestAnOlderTaskOfTheSameShareIsSeen(t *testing.T) {
	x, y := &Kind{Share: "x", Cost: one, Weight: 1, Attempts: 2}, &Kind{Share: "y", Cost: one, Weight: 1, Attempts: 1}
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", with{name: "x0", kind: x}, with{name: "x1", kind: x}), "spawn"},
		{0, arrives("a", with{name: "y0", kind: y}, with{name: "y1", kind: y}), ""},
		{0, worker, "ask a 1x1!"},
		{0, due("a", 0), "start x0 on r1"},
		{1, finishesWith("x0", Result{Err: errFailed, Again: true, After: ms(1)}), "ask a 1x1!; wake 2"},
		{1, due("a", 1), "start y0 on r2; wake 2"},
		{1, finishes("y0"), "end y0; ask a 1x1!; wake 2"},
		{2, due("a", 10), "wake 2"},
		{2, tick, "wake 3"},
		{10, tick, "spawn"},
		{10, worker, "start x0 on r3"},
	})
}

// TestARetryIsBeforeItsSiblingsInFront: it is older than siblings for which its lane has asked meanwhile.
func TestARetryIsBeforeItsSiblingsInFront(t *testing.T) {
	twice := &Kind{Cost: one, Weight: 1, Attempts: 2}
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", with{name: "0", kind: twice}, with{name: "1"}, with{name: "2"}), "spawn"},
		{0, worker, "ask a 2x1!"},
		{0, due("a", 0, 0), "start 0 on r1; spawn"},
		{0, worker, "start 1 on r2"},
		{1, finishesWith("0", Result{Err: errFailed, Again: true, After: ms(1)}), "ask a 1x1!; wake 2"},
		{2, tick, ""},
		{3, answers("a", Answer{Err: errFailed, Spread: 0.5}), "wake 53"},
		{4, finishes("1"), "end 1; wake 53"},
		{53, tick, "spawn"},
		{53, worker, "ask a 2x1!"},
		{54, due("a", 54, 60), "start 0 on r3; wake 60"},
	})
}

// TestATaskThatPassesThoseInFrontTakesItsTurn: its share has had the token.
func TestATaskThatPassesThoseInFrontTakesItsTurn(t *testing.T) {
	x, y := &Kind{Share: "x", Cost: one, Weight: 1, Attempts: 1}, &Kind{Share: "y", Cost: one, Weight: 1, Attempts: 1}
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", normal("n", "m")...), "spawn"},
		{0, worker, "ask a 2x1"},
		{1, arrives("a", with{name: "x0", kind: x}, with{name: "x1", kind: x}), ""},
		{1, arrives("a", with{name: "y0", kind: y}), ""},
		{2, due("a", 2, 2), "start x0 on r1; spawn"},
		{2, worker, "start y0 on r2"},
	})
}

// TestAnAttemptThatComesTooEarlyRests until it may be asked for, and no attempt is lost.
func TestAnAttemptThatComesTooEarlyRests(t *testing.T) {
	twice := &Kind{Cost: one, Weight: 1, Attempts: 2}
	early := Result{Late: true, After: ms(7), Err: errFailed}
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", with{name: "t", kind: twice}), "spawn"},
		{0, worker, "ask a 1x1!"},
		{0, due("a", 0), "start t on r1"},
		{1, finishesWith("t", Result{Err: errFailed, Again: true, Throttled: true, After: ms(1)}), "wake 2"},
		{2, tick, "spawn"},
		{2, worker, "ask a 1x1!"},
		{2, due("a", 2), "start t on r2"},
		{3, finishesWith("t", early), "wake 10"},
		{10, tick, "spawn"},
		{10, worker, "ask a 1x1!"},
		{10, due("a", 10), "start t on r3"},
		{11, finishesWith("t", early), "wake 18"},
		{12, drains(HandingBack), "end t: failed; quiet"},
	})
}

// TestTheFirstTasksAreJudgedWhenTheReservationsAreUsed: while their lane holds a reservation, it may be for them.
func TestTheFirstTasksAreJudgedWhenTheReservationsAreUsed(t *testing.T) {
	plays(t, Config{Slots: 3}, []row{
		{0, arrives("a", with{name: "t", rank: Normal}, with{name: "u", rank: Normal, deadline: 500}), "spawn"},
		{0, worker, "ask a 2x1"},
		{0, due("a", 10), "ask a 1x1; wake 10"},
		{1, answers("a", Answer{Again: ms(5000), Last: ms(1000)}), "wake 10"},
		{10, tick, "spawn"},
		{10, worker, "start t on r1; spawn"},
		{10, worker, "ask a 1x1"},
		{11, answers("a", Answer{Again: ms(5000), Last: ms(1000)}), "end u: late by 1s"},
	})
}

// TestNothingRunsAgainAfterHandingBack: a task that executes during the hand-back and fails ends with its error.
func TestNothingRunsAgainAfterHandingBack(t *testing.T) {
	twice := &Kind{Cost: one, Weight: 1, Attempts: 2}
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", with{name: "t", kind: twice}), "spawn"},
		{0, worker, "ask a 1x1!"},
		{0, due("a", 0), "start t on r1"},
		{1, drains(HandingBack), ""},
		{2, finishesWith("t", Result{Err: errFailed, Again: true, Throttled: true, After: ms(1)}), "end t: failed; quiet"},
	})
}

// TestALateStartIsHandedBack like every task that has not started.
func TestALateStartIsHandedBack(t *testing.T) {
	plays(t, Config{Slots: 1}, []row{
		{0, arrives("a", normal("t")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start t on r1"},
		{1, drains(HandingBack), ""},
		{2, finishesWith("t", Result{Late: true}), "end t: handed back; quiet"},
		{2, reports, "{Ended:0 HandedBack:1 Refused:0 Cancelled:0 Returned:0}"},
	})
}
