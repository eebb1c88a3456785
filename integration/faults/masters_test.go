package faults

import (
	"testing"
	"time"

	"github.com/weir-go/weir/integration/faults/outcome"
)

// seen returns the sightings of two servers: the former master, and the one that is promoted at 30 ms. The former master grants
// until 70 ms, and is demoted at 90 ms. From then on its count of grants follows the new master.
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

// TestTwoMastersAreSeen: the sightings show the promotion, the demotion, and the first and last grants of each master.
func TestTwoMastersAreSeen(t *testing.T) {
	const ms = time.Millisecond
	all := seen()
	promoted, ok := all.promoted(1, 0)
	if !ok || promoted != 30*ms {
		t.Errorf("promoted at %v, %t, want 30 ms", promoted, ok)
	}
	demoted, ok := all.demoted(0, promoted)
	if !ok || demoted != 90*ms {
		t.Errorf("demoted at %v, %t, want 90 ms", demoted, ok)
	}
	for name, row := range map[string]struct{ got, want time.Duration }{
		"the last grant of the former master":         {all.lastGrant(0, promoted, demoted), 70 * ms},
		"the last grant until a time":                 {all.lastGrant(0, promoted, 50*ms), 40 * ms},
		"no last grant in the span":                   {all.lastGrant(0, 75*ms, demoted), 75 * ms},
		"the first grant of the new master":           {all.firstGrant(1, promoted), 50 * ms},
		"no first grant of a demoted master":          {all.firstGrant(0, demoted), demoted},
		"no last grant of a demoted master":           {all.lastGrant(0, demoted, 100*ms), demoted},
		"no last grant of a server without sightings": {all.lastGrant(2, promoted, demoted), promoted},
	} {
		if row.got != row.want {
			t.Errorf("%s: %v, want %v", name, row.got, row.want)
		}
	}
	if _, ok := all.promoted(1, 200*ms); ok {
		t.Error("a server was promoted after the last sighting")
	}
	if _, ok := all.demoted(1, 30*ms); ok {
		t.Error("the new master was demoted")
	}
}

// TestMarksOfTopologiesNotice: the marks of rows with several servers hold at their bound, and not above it.
func TestMarksOfTopologiesNotice(t *testing.T) {
	excess := func(calls float64, extra ...Extra) *Played { return &Played{Line: Line{Excess: &calls}, Extra: extra} }
	two := excessOfTwoMasters()
	for name, row := range map[string]struct {
		mark Mark
		of   *Played
		want bool
	}{
		"two masters for half a second, 21 calls": {two, excess(21, Extra{twoMasters, 0.5}), true},
		"two masters for half a second, 22 calls": {two, excess(22, Extra{twoMasters, 0.5}), false},
		"two masters for a time not measured":     {two, excess(0), false},
		"one of a hundred tasks failed":           {fewFailures(), &Played{Reports: []outcome.Report{{Accepted: 50, Failed: 1}, {Accepted: 50}}}, true},
		"two of a hundred tasks failed":           {fewFailures(), &Played{Reports: []outcome.Report{{Accepted: 50, Failed: 1}, {Accepted: 50, Failed: 1}}}, false},
	} {
		if got := row.mark.Holds(row.of); got != row.want {
			t.Errorf("%s: %q holds: %t, want %t", name, row.mark.Bound, got, row.want)
		}
	}
}
