package faults

import (
	"testing"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// seen is what two servers said at each of these times: the former master, and the one that is promoted at 30 ms. The former master grants
// until 70 ms, and is demoted at 90 ms; from then on it counts what the new master grants.
func seen() sightings {
	ms := func(n int) time.Duration { return time.Duration(n) * time.Millisecond }
	var all sightings
	for _, s := range []struct {
		at             int
		master, former bool
		grants, next   int64
	}{
		{10, true, false, 5, 5},
		{20, true, false, 7, 7},
		{30, true, true, 8, 7},
		{40, true, true, 9, 7},
		{50, true, true, 9, 8},
		{70, true, true, 11, 9},
		{80, true, true, 11, 12},
		{90, false, true, 13, 13},
		{100, false, true, 15, 15},
	} {
		all = append(all, sighting{ms(s.at), 0, s.master, s.grants}, sighting{ms(s.at), 1, s.former, s.next})
	}
	return all
}

// TestTwoMastersAreSeen: from the promotion until the former master has granted for the last time.
func TestTwoMastersAreSeen(t *testing.T) {
	const ms = time.Millisecond
	all := seen()
	promoted, ok := all.promoted(1, 0)
	if !ok || promoted != 30*ms {
		t.Errorf("promoted at %v, %t", promoted, ok)
	}
	demoted, ok := all.demoted(0, promoted)
	if !ok || demoted != 90*ms {
		t.Errorf("demoted at %v, %t", demoted, ok)
	}
	for name, row := range map[string]struct{ got, want time.Duration }{
		"the last grant of the former master":           {all.lastGrant(0, promoted, demoted), 70 * ms},
		"the last grant until a time":                   {all.lastGrant(0, promoted, 50*ms), 40 * ms},
		"the last grant where there is none":            {all.lastGrant(0, 75*ms, demoted), 75 * ms},
		"the first grant of the new master":             {all.firstGrant(1, promoted), 50 * ms},
		"the first grant where there is none":           {all.firstGrant(0, demoted), demoted},
		"the last grant of what is no master any more":  {all.lastGrant(0, demoted, 100*ms), demoted},
		"the last grant of a server that was not there": {all.lastGrant(2, promoted, demoted), promoted},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", name, row.got, row.want)
		}
	}
	if _, ok := all.promoted(1, 200*ms); ok {
		t.Error("a server was promoted after the end")
	}
	if _, ok := all.demoted(1, 30*ms); ok {
		t.Error("the new master was demoted")
	}
}

// TestMarksOfTopologiesNotice: each of their marks holds at its bound, and not beyond.
func TestMarksOfTopologiesNotice(t *testing.T) {
	excess := func(calls float64, extra ...Extra) *Played { return &Played{Line: Line{Excess: &calls}, Extra: extra} }
	two := excessOfTwoMasters()
	for name, row := range map[string]struct {
		mark Mark
		of   *Played
		want bool
	}{
		"two masters for half a second, 21 calls":  {two, excess(21, Extra{twoMasters, 0.5}), true},
		"two masters for half a second, 22 calls":  {two, excess(22, Extra{twoMasters, 0.5}), false},
		"two masters for a time that nobody knows": {two, excess(0), false},
		"one of a hundred tasks failed":            {fewFailures(), &Played{Reports: []outcome.Report{{Accepted: 50, Failed: 1}, {Accepted: 50}}}, true},
		"two of a hundred tasks failed":            {fewFailures(), &Played{Reports: []outcome.Report{{Accepted: 50, Failed: 1}, {Accepted: 50, Failed: 1}}}, false},
	} {
		if got := row.mark.Holds(row.of); got != row.want {
			t.Errorf("%s: %q holds: %t", name, row.mark.Bound, got)
		}
	}
}
