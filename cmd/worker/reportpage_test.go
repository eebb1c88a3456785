package main

import (
	"strings"
	"testing"
	"time"

	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/upstream"
)

// reported returns the report of a run of n replicas.
func reported(n int, without bool) *report {
	r := &report{limit: limiter.PerSecond(40, 40), stats: upstream.Stats{
		Total: int64(168 * n), Arrivals: map[upstream.API]int64{upstream.Anthropic: int64(10 * n), upstream.Spotify: int64(63 * n), upstream.LastFM: int64(95 * n)},
	}}
	r.summary = summary{Replicas: n, Tasks: int64(168 * n), Seconds: 4.1 * float64(n), BudgetUsed: 0.9999, Worst1s: 80, Allowed1s: 82, WaitMS: waitMS{591, 4167}, Jain: 1}
	for i := range 41 * n {
		r.stats.Per100ms = append(r.stats.Per100ms, int64(4+i%2))
	}
	r.stats.Per100ms[0] = 40
	for i := range n {
		r.rows = append(r.rows, replicaRow{replica: i + 1, done: 168, took: time.Duration(4000+i) * time.Millisecond * time.Duration(n), p50: 591, p99: 4167, redis: 0.7})
	}
	if without {
		r.summary.Without = &plainRun{Slots: 10, Retries: plainRetries, Calls: r.stats.Total, Requests: 2 * r.stats.Total, HTTP429: r.stats.Total, Lost: 98, Seconds: 14, Worst1s: 110, stats: r.stats}
	}
	return r
}

// TestPages checks that the report fits its screen, explains its signs, counts every replica and ends with the verdict.
func TestPages(t *testing.T) {
	for _, sc := range []screen{{width: 80}, {width: 80, rows: 24}, {width: 100, rows: 30}, {width: 132, rows: 43}, {width: 200, rows: 50}, {width: 60, rows: 40}} {
		for _, n := range []int{1, 2, 4, 64, 200} {
			for _, without := range []bool{false, true} {
				r := reported(n, without)
				text := strings.TrimSuffix(ansi.Strip(r.page(sc)), "\n")
				lines := strings.Split(text, "\n")
				t.Logf("%3dx%-2d  %3d replicas, without %-5v  %3d lines", sc.width, sc.rows, n, without, len(lines))
				if sc.rows > 0 && len(lines) > sc.rows-1 {
					t.Errorf("more lines than the %d of the screen:\n%s", sc.rows, text)
				}
				for _, line := range lines {
					if w := ansi.StringWidth(line); w > sc.width {
						t.Errorf("%d columns: %q", w, line)
					}
				}
				if unknown := unexplained(text); unknown != "" {
					t.Errorf("no legend for %q:\n%s", unknown, text)
				}
				words := strings.Join(strings.Fields(text), " ")
				if !strings.HasSuffix(words, r.said().sentence()) {
					t.Errorf("the verdict is not the end:\n%s", text)
				}
				if !without && !strings.Contains(words, "calls done each") && strings.Count(text, "591 ms") < n {
					t.Errorf("replicas are missing:\n%s", text)
				}
				if without && !strings.Contains(words, r.summary.Without.compared(r.summary, 0)) {
					t.Errorf("the comparison is missing:\n%s", text)
				}
			}
		}
	}
}

// TestFailedTasksAreLostResults checks that a failed task counts as a lost result, and that the page leaves rows for the line of the error.
func TestFailedTasksAreLostResults(t *testing.T) {
	r := reported(64, false)
	r.rows[3].failed, r.summary.HTTP429 = 2, 3
	if got := r.said().sentence(); !strings.HasSuffix(got, "the providers refused 3, 2 results were lost.") {
		t.Error(got)
	}
	if n := strings.Count(r.page(screen{width: 80, rows: 24}), "\n"); n > 24-3 {
		t.Errorf("%d lines", n)
	}
}

// TestVerdicts checks the sentence for each outcome, in singular and plural.
func TestVerdicts(t *testing.T) {
	run := verdict{replicas: 4, calls: 672, took: 16 * time.Second, rate: 40, burst: 40}
	with := func(change func(*verdict)) verdict {
		v := run
		change(&v)
		return v
	}
	for name, c := range map[string]struct {
		verdict verdict
		want    string
	}{
		"as it should":  {run, "4 replicas made 672 calls in 16.0 s: 42.0 a second (rate 40, burst 40), the providers refused 0, no result was lost."},
		"one of each":   {with(func(v *verdict) { v.replicas, v.calls, v.refused, v.lost = 1, 1, 1, 1 }), "1 replica made 1 call in 16.0 s: 0.1 a second (rate 40, burst 40), the providers refused 1, 1 result was lost."},
		"calls refused": {with(func(v *verdict) { v.refused = 12 }), "4 replicas made 672 calls in 16.0 s: 42.0 a second (rate 40, burst 40), the providers refused 12, no result was lost."},
		"one failed":    {with(func(v *verdict) { v.failed, v.lost = 1, 3 }), "4 replicas made 672 calls in 16.0 s: 42.0 a second (rate 40, burst 40), the providers refused 0, 1 analysis failed, 3 results were lost."},
		"two failed":    {with(func(v *verdict) { v.failed = 2 }), "4 replicas made 672 calls in 16.0 s: 42.0 a second (rate 40, burst 40), the providers refused 0, 2 analyses failed."},
		"interrupted":   {with(func(v *verdict) { v.how = "Interrupted" }), "Interrupted: 4 replicas made 672 calls in 16.0 s: 42.0 a second (rate 40, burst 40), the providers refused 0."},
		"at once":       {verdict{how: "Interrupted", replicas: 4, rate: 40, burst: 40}, "Interrupted: 4 replicas made 0 calls in 0.0 s, the providers refused 0."},
		"slow":          {verdict{replicas: 1, calls: 168, took: 320 * time.Second, rate: 0.5, burst: 1}, "1 replica made 168 calls in 320.0 s: 0.5 a second (rate 0.5, burst 1), the providers refused 0, no result was lost."},
	} {
		got := c.verdict.sentence()
		t.Logf("%-13s %s", name, got)
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", name, got, c.want)
		}
	}
}
