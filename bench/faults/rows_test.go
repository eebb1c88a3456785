package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/weir-go/weir/integration/faults"
)

func numbers(rows []faults.Row) (all []int) {
	for _, r := range rows {
		all = append(all, r.Number)
	}
	return slices.Compact(all)
}

// TestWhatIsLeftOut: at most three rows with a fleet are left out, each with a sentence as the reason. All other rows with a fleet are played.
func TestWhatIsLeftOut(t *testing.T) {
	if len(leftOut()) > 3 {
		t.Errorf("%d rows are left out, want at most 3", len(leftOut()))
	}
	for n, why := range leftOut() {
		if !slices.ContainsFunc(faults.Rows(), func(r faults.Row) bool { return r.Number == n && r.Play != nil }) {
			t.Errorf("row %d is left out, but no row with a fleet has this number", n)
		}
		if !strings.HasSuffix(why, ".") {
			t.Errorf("row %d is left out without a sentence", n)
		}
	}
	played := fleetRows()
	for _, r := range faults.Rows() {
		is := slices.ContainsFunc(played, func(p faults.Row) bool { return p.Name == r.Name })
		if want := r.Play != nil && leftOut()[r.Number] == ""; is != want {
			t.Errorf("row %d, %s: played is %v, want %v", r.Number, r.Name, is, want)
		}
	}
	names := map[string]bool{} // figures are stored by name, so names must be unique
	for _, r := range played {
		if names[r.Name] {
			t.Errorf("two rows have the name %s", r.Name)
		}
		names[r.Name] = true
	}
}

func TestChooseRows(t *testing.T) {
	for _, c := range []struct {
		numbers string
		want    []int
		err     string
	}{
		{"7", []int{7}, ""},
		{"26,5", []int{5, 26}, ""},
		{"", numbers(fleetRows()), ""},
		{"seven", nil, "is not a number"},
		{"7,", nil, "is not a number"},
		{"33", nil, "no row with a fleet"},
		{"99", nil, "no row with a fleet"},
		{"45", nil, "left out. In this row the provider asks"},
	} {
		got, err := chooseRows(c.numbers)
		if c.err == "" && (err != nil || !slices.Equal(numbers(got), c.want)) {
			t.Errorf("%q: rows %v, error %v, want %v", c.numbers, numbers(got), err, c.want)
		}
		if c.err != "" && (err == nil || !strings.Contains(err.Error(), c.err)) {
			t.Errorf("%q: error %v, want one with %q", c.numbers, err, c.err)
		}
	}
	if rows, _ := chooseRows("5"); len(rows) != 2 {
		t.Errorf("the number 5 has %d rows, want 2", len(rows))
	}
}

func TestChooseLimiters(t *testing.T) {
	for names, want := range map[string]string{
		"":                       "weir redis_rate ulule x/time/rate",
		"ulule":                  "ulule",
		"x/time/rate,redis_rate": "x/time/rate redis_rate",
		"throttled":              "",
		"weir,":                  "",
	} {
		chosen, err := chooseLimiters(names)
		var got []string
		for _, c := range chosen {
			got = append(got, c.name)
		}
		if strings.Join(got, " ") != want || (err != nil) != (want == "") {
			t.Errorf("%q: %q, error %v, want %q", names, strings.Join(got, " "), err, want)
		}
	}
}

// TestRowsPlayedAlone: the rows with 500 tasks or more are played alone.
func TestRowsPlayedAlone(t *testing.T) {
	var alone []int
	for _, r := range fleetRows() {
		if playedAlone(r) {
			alone = append(alone, r.Number)
		}
	}
	if want := []int{11, 20, 29}; !slices.Equal(alone, want) {
		t.Errorf("rows %v are played alone, want %v", alone, want)
	}
}

func TestMissing(t *testing.T) {
	rows, _ := chooseRows("7,10")
	limiters, _ := chooseLimiters("weir,ulule")
	all := figures{}
	all.add(record{Limiter: "weir", Name: "lost memory"})
	all.add(record{Limiter: "ulule", Name: "lost memory", Error: "no Redis"})
	var got []string
	for _, p := range missing(all, rows, limiters) {
		got = append(got, p.row.Name+" "+p.limiter.name)
	}
	// A row that could not be played is missing, so that it is played again.
	if want := []string{"lost memory ulule", "out of memory weir", "out of memory ulule"}; !slices.Equal(got, want) {
		t.Errorf("missing %q, want %q", got, want)
	}
}
