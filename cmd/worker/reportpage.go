package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"
	"charm.land/lipgloss/v2/table"
	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/upstream"
)

const (
	textWidth    = 100 // columns of a paragraph, also on wider screens
	besideWidth  = 140 // columns from which on two plots are side by side
	leastReplica = 2   // the table has at least as many replicas, or is left out
)

// page returns the report as text. The last line is the verdict. If possible, the page has no more rows than the terminal.
func (r *report) page(sc screen) string {
	text := min(sc.width, textWidth)
	end := wrapped(r.said().sentence(), text)
	var above [][]string
	if w := r.summary.Without; w != nil {
		above = append(above, r.comparison(text), r.plots(sc))
		end = append(wrapped(w.compared(r.summary, r.lost()), text), end...)
	} else {
		above = append(above, wrapped(r.figures(), text),
			strings.Split(plot(r.stats.Per100ms, plotSize{budget: r.limit.Rate() / 10, width: sc.width - 1, panels: sc.panels(1)}), "\n"))
	}
	blocks := append(above, end)
	if sc.rows == 0 || r.summary.Without == nil {
		room := len(r.rows)
		if sc.rows > 0 {
			room = sc.rows - 1 // for the prompt of the shell
			if r.verdict() != nil {
				room -= 2 // for the line of the error, which may wrap
			}
			for _, b := range blocks {
				room -= len(b) + 1
			}
		}
		blocks = append([][]string{r.replicas(room, text)}, blocks...)
	}
	return paragraphs(sc.width, blocks...)
}

// paragraphs joins blocks of lines with an empty line between two blocks. It cuts lines that are wider than width, such as lines of a table on a
// narrow screen.
func paragraphs(width int, blocks ...[]string) string {
	var out strings.Builder
	for i, b := range blocks {
		if i > 0 && len(b) > 0 {
			out.WriteString("\n")
		}
		for _, line := range b {
			out.WriteString(ansi.Truncate(line, width, "…") + "\n")
		}
	}
	return out.String()
}

// panels returns the largest number of panels of each plot if the screen shows this number of plots, one below the other.
func (sc screen) panels(plots int) int {
	if sc.rows == 0 {
		return plotPanels
	}
	return max(1, min(plotPanels, (sc.rows-12)/(2*plots*(plotRows+1))))
}

// said returns the verdict of the run.
func (r *report) said() verdict {
	s := r.summary
	return verdict{
		replicas: s.Replicas, calls: r.stats.Total, took: time.Duration(s.Seconds * float64(time.Second)),
		rate: r.limit.Rate(), burst: r.limit.Burst, refused: s.HTTP429, lost: r.lost(), failed: len(r.failed),
	}
}

// lost returns the number of calls without a result: tasks without an outcome, and tasks that failed.
func (r *report) lost() int64 {
	n := r.summary.Lost
	for _, row := range r.rows {
		n += row.failed
	}
	return n
}

// figures returns the measured figures in sentences.
func (r *report) figures() string {
	s := r.summary
	var calls []string
	for _, api := range []upstream.API{upstream.Anthropic, upstream.Spotify, upstream.LastFM} {
		said := fmt.Sprintf("%s %d", api, r.stats.Arrivals[api])
		if n := r.stats.HTTP429[api]; n > 0 {
			said += fmt.Sprintf(" (%d refused)", n)
		}
		calls = append(calls, said)
	}
	return fmt.Sprintf("Calls: %s. While a call waited for a token, %.1f %% of the budget was used. "+
		"In the busiest second %s arrived; %v and 50 ms of slack allow %d. A call waited %.0f ms for its token (median), 99 of 100 at most %.0f ms. "+
		"%.2f Redis calls a task; fairness between replicas (Jain) %.4f.",
		strings.Join(calls, ", "), 100*s.BudgetUsed, counted(int(s.Worst1s), "call", "calls"), r.limit, s.Allowed1s, s.WaitMS.P50, s.WaitMS.P99, s.RedisCallsPerTask, s.Jain)
}

// replicas returns a table of the replicas in at most rows lines, with a sentence about the replicas that do not fit.
func (r *report) replicas(rows, width int) []string {
	const head = 2
	shown := len(r.rows)
	var rest []string
	if shown+head > rows && rows != len(r.rows) {
		for shown = max(0, rows-head-1); ; shown-- {
			shown = max(0, shown)
			rest = wrapped(r.others(shown), width)
			if shown == 0 || shown+head+len(rest) <= rows {
				break
			}
		}
		if shown < leastReplica {
			return wrapped(r.others(0), width)
		}
	}
	t := cli.Table("REPLICA", "DONE", "FAILED", "TOOK", "WAIT P50", "P99", "REDIS CALLS/TASK")
	for _, row := range r.rows[:shown] {
		t.Row(row.cells()...)
	}
	return append(open(t), rest...)
}

// open returns the lines of a table without its frame.
func open(t *table.Table) []string {
	t.BorderTop(false).BorderBottom(false).BorderLeft(false).BorderRight(false).BorderColumn(false)
	lines := strings.Split(t.String(), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(line, " ")
	}
	return lines
}

// replicaRow is the row of a replica in the report.
type replicaRow struct {
	replica      int
	done, failed int64
	took         time.Duration
	p50, p99     float64 // ms
	redis        float64 // calls a task
}

func (r replicaRow) cells() []string {
	return []string{
		strconv.Itoa(r.replica), strconv.FormatInt(r.done, 10), strconv.FormatInt(r.failed, 10), fmt.Sprintf("%.1f s", r.took.Seconds()),
		fmt.Sprintf("%.0f ms", r.p50), fmt.Sprintf("%.0f ms", r.p99), fmt.Sprintf("%.2f", r.redis),
	}
}

// others returns the sentence about the replicas after the first ones.
func (r *report) others(first int) string {
	rows := r.rows[first:]
	var failed int64
	done, took := []string{}, []string{}
	for _, of := range []func([]replicaRow, func(a, b replicaRow) int) replicaRow{slices.MinFunc[[]replicaRow], slices.MaxFunc[[]replicaRow]} {
		done = append(done, fmt.Sprint(of(rows, func(a, b replicaRow) int { return int(a.done - b.done) }).done))
		took = append(took, fmt.Sprintf("%.1f", of(rows, func(a, b replicaRow) int { return int(a.took - b.took) }).took.Seconds()))
	}
	for _, row := range rows {
		failed += row.failed
	}
	said := fmt.Sprintf("and %d more: ", len(rows))
	if first == 0 {
		said = counted(len(rows), "replica: ", "replicas: ")
	}
	each := ""
	if len(rows) > 1 {
		each = " each"
	}
	return said + fmt.Sprintf("%s calls done%s, %d failed, took %s s.", span(done), each, failed, span(took))
}

// span returns "first to second", or one value if both are equal.
func span(values []string) string { return strings.Join(slices.Compact(values), " to ") }

// comparison returns a table of the runs with and without the limiter, and the sentences about the latter.
func (r *report) comparison(width int) []string {
	s, w := r.summary, r.summary.Without
	t := cli.Table("", "CALLS", "REQUESTS", "REFUSED", "LOST", "TOOK", "MOST IN 1 S")
	t.Row("with the limiter", strconv.FormatInt(w.Calls, 10), strconv.FormatInt(r.stats.Total, 10), strconv.FormatInt(s.HTTP429, 10),
		strconv.FormatInt(r.lost(), 10), fmt.Sprintf("%.1f s", s.Seconds), strconv.FormatInt(s.Worst1s, 10))
	t.Row("without", strconv.FormatInt(w.Calls, 10), strconv.FormatInt(w.Requests, 10), strconv.FormatInt(w.HTTP429, 10),
		strconv.FormatInt(w.Lost, 10), fmt.Sprintf("%.1f s", w.Seconds), strconv.FormatInt(w.Worst1s, 10))
	return append(open(t), wrapped("Without: "+meaning(w.Slots), width)...)
}

// plots returns the arrivals of both runs on one scale. The plots are side by side if the screen is wide, or if it is a terminal of at least 80
// columns.
func (r *report) plots(sc screen) []string {
	const gap = 2
	with, without := r.stats.Per100ms, r.summary.Without.stats.Per100ms
	p := plotSize{budget: r.limit.Rate() / 10, width: sc.width - 1}
	beside := sc.width >= besideWidth || sc.rows > 0 && sc.width >= plainWidth
	if beside {
		p.width, p.panels = (sc.width-1-gap)/2, sc.panels(1)
	} else {
		p.panels = sc.panels(2)
	}
	p.each = p.bins(max(len(with), len(without)))
	left, right := append([]string{"With the limiter"}, p.draw(with)...), append([]string{"Without"}, p.draw(without)...)
	wide := p
	wide.width = sc.width - 1
	lines := wide.legend(with, without)
	if !beside {
		return append(append(lines, left...), right...)
	}
	return append(lines, strings.Split(lipgloss.JoinHorizontal(lipgloss.Top,
		lipgloss.NewStyle().Width(p.width+gap).Render(strings.Join(left, "\n")), strings.Join(right, "\n")), "\n")...)
}
