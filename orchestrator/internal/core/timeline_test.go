package core

import "testing"

// TestATaskThatIsFirstTakesTheReservation that was asked for before it came: reservations belong to the lane.
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
