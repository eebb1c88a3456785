package tui

import (
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/worker/fleet"
)

// TestEvents checks the events of a fleet that changes, their order, and that the view keeps at most 200.
func TestEvents(t *testing.T) {
	m := watching(120, 40)
	press(m, "6")
	m.Update(tea.WindowSizeMsg{Width: 80, Height: 24})
	press(m, "j", "j") // the line of this event is too long for the window
	has(t, m, "bucket spotify: HELD, was busy: held for 1m30s: a provider asked crawler-2 to wait at 03:04:36 UTC; set at run time")
	m.Update(tea.WindowSizeMsg{Width: 120, Height: 40})
	back := shop(62)
	for i := range back.Replicas {
		back.Replicas[i].State = fleet.Up
	}
	back.Buckets[5].PausedFor, back.Buckets[5].HeldBy = 0, ""
	m.Update(reading(back, ""))
	has(t, m, "crawler-4 is back, up on web-4", "bucket spotify", "was HELD", "LOST: silent for 12s on web-4", "draining, was up", "starts: 7 buckets, 5 replicas")
	gone := shop(64)
	gone.Replicas = gone.Replicas[1:]
	gone.Epoch = "another"
	m.Update(reading(gone, ""))
	has(t, m, "crawler-1 has gone, was up", "has lost its data: epoch another, was 793257b0-c1e")
	again := shop(66)
	again.Epoch = "another"
	again.Replicas[1].ID = "crawler-9"
	m.Update(reading(again, ""))
	has(t, m, "crawler-1 is back, up on web-1", "crawler-9 appeared, up", "crawler-2 has gone")
	for s := 68; s < 2000; s += 2 {
		f := shop(s)
		f.Replicas = f.Replicas[s/2%2:]
		m.Update(reading(f, ""))
	}
	if n := len(m.live.events); n != keptEvents {
		t.Errorf("%d events", n)
	}
	if !slices.IsSortedFunc(m.live.events, func(a, b event) int { return a.at.Compare(b.at) }) {
		t.Error("events are not in the order of their times")
	}
	all := func(d data) (text string) {
		for _, e := range d.events {
			text += e.what
		}
		return text
	}
	var d data
	d.log(event{at: began.Add(2), what: "c"}, event{at: began.Add(3), what: "d"}, event{at: began.Add(4), what: "e"}, event{at: began.Add(5), what: "f"}, event{at: began, what: "a"})
	earlier := d
	if d.log(event{at: began, what: "b"}); all(d) != "abcdef" || all(earlier) != "acdef" {
		t.Errorf("events %s, want abcdef; events of the copy %s, want acdef", all(d), all(earlier))
	}
}
