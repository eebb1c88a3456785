package providers

import (
	"testing"
	"time"
)

// TestPausesAreTimelines: a row has an event at a time, in ms, and how long a call at that time would have to wait.
func TestPausesAreTimelines(t *testing.T) {
	const ask = ending(-1) // a call comes; every other event ends the call that was sent at the time of the field sent
	type row struct {
		at   int64
		how  ending
		sent int64
		wait int64 // for ask, how long the call waits; otherwise what is left of the pause
	}
	for name, rows := range map[string][]row{
		"served": {{0, ask, 0, 0}, {50, served, 0, 0}, {50, ask, 0, 0}},
		"a burst is one step": {
			{0, ask, 0, 0},
			{10, ask, 0, 0},
			{20, ask, 0, 0},
			{100, refused, 0, 1000},
			{150, refused, 10, 950},
			{200, served, 20, 900},
			{600, ask, 0, 500},
			{1099, ask, 0, 1},
		},
		"refused on and on": {
			{0, ask, 0, 0},
			{100, refused, 0, 1000},
			{1100, ask, 0, 0},
			{1200, refused, 1100, 2000},
			{3200, ask, 0, 0},
			{3200, refused, 3200, 4000},
			{7200, ask, 0, 0},
			{7300, refused, 7200, 8000},
			{15300, ask, 0, 0},
			{15300, refused, 15300, 16000},
			{31300, ask, 0, 0},
			{31300, refused, 31300, 30000},
			{61300, ask, 0, 0},
			{61300, refused, 61300, 30000},
		},
		"one call finds out": {
			{0, ask, 0, 0},
			{100, refused, 0, 1000},
			{1100, ask, 0, 0},
			{1110, ask, 0, 1000},
			{1120, ask, 0, 1000},
			{1200, served, 1100, 0},
			{1200, ask, 0, 0},
			{1200, ask, 0, 0},
			{1300, refused, 1200, 1000},
		},
		"the next finds out where the first could not": {
			{0, ask, 0, 0}, {100, refused, 0, 1000}, {1100, ask, 0, 0}, {1200, unknown, 1100, 0}, {1200, ask, 0, 0}, {1250, ask, 0, 1000}, {1300, refused, 1200, 2000},
		},
		"a call of before ends late": {
			{0, ask, 0, 0},
			{10, ask, 0, 0},
			{20, ask, 0, 0},
			{100, refused, 0, 1000},
			{1100, ask, 0, 0},
			{1150, served, 10, 0},
			{1160, ask, 0, 1000},
			{1170, refused, 20, 0},
			{1180, ask, 0, 1000},
			{1200, refused, 1100, 2000},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var p pauses
			start := time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC)
			at := func(ms int64) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
			for _, r := range rows {
				var wait time.Duration
				if r.how == ask {
					wait = p.enter(at(r.at))
				} else {
					p.leave(at(r.sent), at(r.at), r.how)
					wait = p.left(at(r.at))
				}
				if wait.Milliseconds() != r.wait {
					t.Errorf("%+v: the wait is %v", r, wait)
				}
			}
		})
	}
}
