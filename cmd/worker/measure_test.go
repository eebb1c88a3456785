package main

import (
	"math"
	"strings"
	"testing"
	"time"
)

// TestBudgetUsed compares budgetUsed with timelines calculated by hand, at rate 10 and burst 5.
func TestBudgetUsed(t *testing.T) {
	zero := time.Unix(0, 0)
	at := func(ms int) time.Time { return zero.Add(time.Duration(ms) * time.Millisecond) }
	task := func(asked, started int) wait {
		w := wait{asked: at(asked), started: at(started)}
		if started > asked {
			w.token = w.started.Sub(w.asked)
		}
		return w
	}
	for name, c := range map[string]struct {
		tasks []wait
		want  float64
	}{
		"no task waited":             {[]wait{task(0, 0), task(0, 0)}, 1},
		"each token as it comes":     {[]wait{task(0, 0), task(0, 100), task(0, 200), task(0, 300)}, 1},
		"every second token is lost": {[]wait{task(0, 0), task(0, 200), task(0, 400), task(0, 600)}, 4.0 / 7},
		// In the first interval 2 of 2 tokens are used. In the second one 1 of 6: 5 in the bucket at its begin, and 1 refilled.
		"saved up and not taken": {[]wait{task(0, 0), task(0, 100), task(4000, 4100)}, 3.0 / 8},
	} {
		if got := budgetUsed(c.tasks, 1, zero, 10, 5); math.Abs(got-c.want) > 0.0001 {
			t.Errorf("%s: %.4f, want %.4f", name, got, c.want)
		}
	}
}

func TestJainAndQuantile(t *testing.T) {
	if got := jain([]float64{5, 5, 5, 5}); got != 1 {
		t.Errorf("equal shares: %v", got)
	}
	if got := jain([]float64{8, 0, 0, 0}); got != 0.25 {
		t.Errorf("one value is the sum: %v", got)
	}
	if got := jain(nil); got != 1 {
		t.Errorf("no values: %v", got)
	}
	ms := []float64{4, 1, 3, 2}
	if quantile(ms, 0.5) != 3 || quantile(ms, 0.99) != 4 || quantile([]float64{}, 0.5) != 0 {
		t.Errorf("quantiles of 1 to 4: %v, %v", quantile(ms, 0.5), quantile(ms, 0.99))
	}
}

func TestPlotFitsItsWidthAndShowsWhatIsAbove(t *testing.T) {
	for _, n := range []int{1, 10, 69, 70, 300, 5000} {
		bins := make([]int64, n)
		bins[n/2] = 50
		text := plot(bins, plotSize{budget: 4, width: 76, panels: plotPanels})
		for line := range strings.Lines(text) {
			if w := len([]rune(strings.TrimSuffix(line, "\n"))); w > 76 {
				t.Errorf("%d bins: a line of %d columns", n, w)
			}
		}
		if n < 300 && !strings.Contains(text, "▲") {
			t.Errorf("%d bins: a bin of 50 at a budget of 4 is not marked:\n%s", n, text)
		}
		if !strings.Contains(text, "┄") {
			t.Errorf("%d bins: no budget line", n)
		}
	}
	if plot(nil, plotSize{budget: 4, width: 76, panels: plotPanels}) == "" {
		t.Error("a plot without arrivals has another text")
	}
}
