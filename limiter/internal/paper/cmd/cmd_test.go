package main

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter/internal/paper"
)

func TestVerdict(t *testing.T) {
	good, busy, short := paper.Result{Used: 1, Busy: 0.5}, paper.Result{Used: 1, Busy: 0.95}, paper.Result{Used: 0.7, Busy: 1}
	for _, c := range []struct {
		seen []paper.Result
		want string
	}{
		{slices.Repeat([]paper.Result{good}, len(sizes())), "enough for all 10000 replicas"},
		{[]paper.Result{good, good, busy}, "enough for 4 replicas and stops being enough before 16"},
		{[]paper.Result{good, short}, "enough for 1 replicas and stops being enough before 4"},
		{[]paper.Result{short}, "not enough for one replica"},
	} {
		if got := verdict(40, c.seen); !strings.Contains(got, c.want) {
			t.Errorf("the verdict is %q, want it to contain %q", got, c.want)
		}
	}
}

func TestCompare(t *testing.T) {
	got := paper.Result{Used: 1, Jain: 1, PerToken: 1, Median: time.Second, Longest: 2 * time.Second, Busy: 0.1}
	for name, c := range map[string]struct {
		change func(*paper.Result)
		ok     bool
	}{
		"alike":            {func(*paper.Result) {}, true},
		"near":             {func(r *paper.Result) { r.PerToken, r.Longest = 1.04, 2190*time.Millisecond }, true},
		"Redis is colder":  {func(r *paper.Result) { r.Busy = 0.02 }, true},
		"more calls":       {func(r *paper.Result) { r.PerToken = 1.06 }, false},
		"less even":        {func(r *paper.Result) { r.Jain = 0.9 }, false},
		"less of the rate": {func(r *paper.Result) { r.Used = 0.94 }, false},
		"longer waits":     {func(r *paper.Result) { r.Median = 1110 * time.Millisecond }, false},
	} {
		t.Run(name, func(t *testing.T) {
			predicted := got
			c.change(&predicted)
			var out strings.Builder
			if ok := compare(&page{to: &out}, predicted, got); ok != c.ok {
				t.Errorf("within the allowed differences: %v, want %v:\n%s", ok, c.ok, out.String())
			}
		})
	}
}

// TestRowsWantMoreThanTheBudget: the callers of each world could use twice the budget, and a shortened world is short
// enough.
func TestRowsWantMoreThanTheBudget(t *testing.T) {
	for _, n := range sizes() {
		for _, rate := range []int64{40, 100_000} {
			w := row(n, rate, paper.Measured())
			if wanted := float64(n*w.Callers) / task.Seconds(); wanted < 2*float64(rate) || w.Callers < 2 {
				t.Errorf("%d callers in each of %d replicas could start %.0f calls a second, want twice the rate of %d", w.Callers, n, wanted, rate)
			}
			long := w.Length
			if shortened := shorten(&w); shortened != (w.Length < long) || w.Length > longest || w.Rate()*w.Length.Seconds() > mostStarts+1 {
				t.Errorf("a world of %v has %v left, reported as shortened: %v", long, w.Length, shortened)
			}
		}
	}
}

func TestArguments(t *testing.T) {
	var out strings.Builder
	for _, args := range [][]string{{"tables"}, {"table", "0"}, {"table", "many"}} {
		if err := run(t.Context(), &page{to: &out}, args); err == nil {
			t.Errorf("the arguments %q: no error", args)
		}
	}
	if rates, err := ratesOf(nil); err != nil || len(rates) != 5 {
		t.Errorf("without arguments: %v, %v, want five rates", rates, err)
	}
}
