package core

import "testing"

// TestADrainThatWaits accepts children of executing tasks, and no other tasks, and ends by itself.
func TestADrainThatWaits(t *testing.T) {
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", normal("parent", "queued")...), "spawn"},
		{0, worker, "ask a 2x1"},
		{0, due("a", 0, 50), "start parent on r1; wake 50"},
		{1, arrives("a", with{name: "held back", rank: Normal, before: 1_000_000}), "wake 50"},
		{2, drains(Closing), "wake 45"},
		{3, arrives("a", normal("stranger")...), "refused: closed; wake 45"},
		{4, arrives("a", with{name: "child", child: true}), "wake 45"},
		{5, lends("parent"), "wake 45"},
		{45, tick, "spawn; wake 50"},
		{45, worker, "ask a 1x1; wake 50"},
		{50, tick, "spawn"},
		{50, worker, "start child on r2"},
		{51, finishes("child"), "end child"},
		{52, resumes("parent"), "parent goes on with a slot"},
		{53, due("a", 53), "start queued on r3"},
		{54, finishes("queued"), "end queued; ask a 1x1"},
		{55, finishes("parent"), "end parent"},
		{56, due("a", 56), "start held back on r4"},
		{57, finishes("held back"), "end held back; quiet"},
		{57, reports, "{Ended:4 HandedBack:0 Refused:0 Cancelled:0 Returned:0}"},
	})
}

// TestADrainTurnsThoseAwayThatWaitForRoom: tasks that wait for room are not accepted yet. Children are.
func TestADrainTurnsThoseAwayThatWaitForRoom(t *testing.T) {
	plays(t, Config{Slots: 1, MaxPending: 1}, []row{
		{0, arrives("a", normal("parent")...), "spawn"},
		{0, worker, "ask a 1x1"},
		{0, due("a", 0), "start parent on r1"},
		{1, arrives("a", normal("queued")...), ""},
		{2, arrives("a", normal("outside")...), ""},
		{3, arrives("a", with{name: "child", rank: Normal, child: true}), ""},
		{4, drains(Closing), "end outside: closed; room for outside"},
		{5, leaves("queued"), "end queued: its caller has left; room for child"},
	})
}

// TestADrainThatHandsBack ends tasks that have not started. Executing tasks end by themselves and are not retried.
func TestADrainThatHandsBack(t *testing.T) {
	twice := &Kind{Cost: one, Weight: 1, Attempts: 2}
	plays(t, Config{Slots: 2}, []row{
		{0, arrives("a", with{name: "t", kind: twice, rank: Normal}, with{name: "u", kind: twice, rank: Normal}), "spawn"},
		{0, worker, "ask a 2x1"},
		{0, due("a", 0, 0), "start t on r1; spawn"},
		{0, worker, "start u on r2"},
		{1, finishesWith("t", Result{Err: errFailed, Again: true, After: ms(100)}), "wake 101"},
		{2, arrives("a", normal("v", "w")...), "spawn; wake 101"},
		{2, worker, "ask a 1x1; wake 101"},
		{3, due("a", 1000), "wake 101"},
		{4, drains(HandingBack), "end v: handed back; end w: handed back; end t: failed; return r3"},
		{5, arrives("a", with{name: "child", child: true}), "refused: closed"},
		{6, finishesWith("u", Result{Err: errFailed, Again: true}), "end u: failed; quiet"},
		{6, reports, "{Ended:2 HandedBack:2 Refused:0 Cancelled:0 Returned:1}"},
	})
}

// TestADrainThatRunsOutOfTime goes through its stages: it refuses tasks that have not started, it ends contexts, and a task that
// does not return is stuck. The drain names a stuck task once.
func TestADrainThatRunsOutOfTime(t *testing.T) {
	plays(t, Config{Slots: 3}, []row{
		{0, arrives("a", normal("returns", "stays", "timed out", "queued")...), "spawn"},
		{0, worker, "ask a 3x1"},
		{0, due("a", 0, 0, 0), "start returns on r1; spawn"},
		{0, worker, "start stays on r2; spawn"},
		{0, worker, "start timed out on r3"},
		{1, givesUp("timed out"), "end timed out: too long"},
		{2, drains(Closing), ""},
		{3, drains(Refusing), "end queued: closed; cancel returns; cancel stays; cancel timed out"},
		{4, finishesWith("returns", Result{Err: errFailed, Again: true}), "end returns: failed"},
		{5, drains(Abandoning), "end stays: still executing when closed; timed out is stuck; stays is stuck; given up"},
		{6, drains(Abandoning), ""},
		{7, finishes("stays"), ""},
		{8, finishes("timed out"), "quiet"},
		{8, reports, "{Ended:0 HandedBack:0 Refused:1 Cancelled:1 Returned:0}"},
	})
}
