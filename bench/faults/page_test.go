package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// sampleFigures returns figures of row 7 for two limiters, and of row 1 for one of them.
func sampleFigures() figures {
	row, on := faults.Row{Number: 7, Name: "lost memory"}, time.Date(2026, 11, 27, 3, 0, 0, 0, time.UTC)
	all := figures{}
	calm := sample()
	calm.Line.Excess, calm.Line.Max1s, calm.Line.SilenceMS, calm.Extra = new(0.2), new(38), new(int64(242)), []faults.Extra{{Name: failedTasks}}
	for _, l := range []record{
		recordOf(contestant{name: "weir"}, row, calm, nil),
		recordOf(contestant{name: "ulule"}, row, sample(), nil),
		recordOf(contestant{name: "weir"}, faults.Row{Number: 1, Name: "saturation"}, calm, nil),
	} {
		l.On, l.Parallel = on, 2
		all.add(l)
	}
	return all
}

// has reports whether a line of the text begins with begin.
func has(text, begin string) bool {
	return slices.ContainsFunc(strings.Split(text, "\n"), func(l string) bool { return strings.HasPrefix(l, begin) })
}

func TestPage(t *testing.T) {
	text := page(sampleFigures())
	for _, want := range []string{
		"|  | weir | redis_rate | ulule | x/time/rate |",
		"| rows played | 2 | 0 | 1 | 0 |",
		"| rows with an excess above rate × 50 ms | 0 | 0 | 1 | 0 |",
		"| rows with an excess above 31.7, which is 1.7 and what windows of 34 calls explain | 0 | 0 | 0 | 0 |",
		"| rows with more than 40 calls in a second, of a limit of 34 a second | 0 | 0 | 1 | 0 |",
		"| rows with a silence of more than 15 s, where no fault lasts longer than 10 s | 0 | 0 | 1 | 0 |",
		"| rows in which overdue calls did not come (†) | 0 | 0 | 1 | 0 |",
		"| rows with failed tasks | 0 | 0 | 1 | 0 |",
		"| used without a fault (row 1) | 105.0 % | not played | not played | not played |",
		"| row | fault | weir | redis_rate | ulule | x/time/rate |",
		"| 7 | FLUSHALL | 0.2 / 38 / 105.0 % / 242 ms / 0 | not played | 9.8 / 44 / 105.0 % / 28000 ms / 2 † | not played |",
		"Played at full length on 2026-11-27, on ",
		"2 plays ran at the same time, except",
		"- Row 44: ",
		"Not played yet, against any limiter: 2 (slow), 3 (slower than the timeout), 4 (hung),",
	} {
		if !has(text, want) {
			t.Errorf("no line of the page begins with %q", want)
		}
	}
	if has(text, "| 10 |") {
		t.Error("the page has row 10, which was not played against any limiter")
	}
	if again := page(sampleFigures()); again != text {
		t.Error("the same figures give another page")
	}
}

func TestCell(t *testing.T) {
	lossy := recordOf(contestant{}, faults.Row{}, sample(), nil)
	lossy.Lost, lossy.GivenUp = new(int64(3)), nil
	for want, l := range map[string]record{
		"9.8 / 44 / 105.0 % / 28000 ms / 2; lost 3, twice 0": lossy,
		"could not be played":                                {Error: "no Redis"},
	} {
		if got := cell(l, true); got != want {
			t.Errorf("the cell is %q, want %q", got, want)
		}
	}
}

// TestConditions: the sentences name the short form and all days if some figures have them.
func TestConditions(t *testing.T) {
	all := sampleFigures()
	all.add(record{Limiter: "ulule", Name: "late replies", Quick: true, On: time.Date(2026, 11, 28, 3, 0, 0, 0, time.UTC), Parallel: 1})
	if got, want := conditions(all), "Played partly in the short form on 2026-11-27 to 2026-11-28, on "; !strings.HasPrefix(got, want) {
		t.Errorf("got %q, want the beginning %q", got, want)
	}
}
