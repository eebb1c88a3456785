package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const (
	plotRows   = 4 // of a panel; a row is half the budget high, so that the line of the budget is in the middle
	plotPanels = 4 // if there is room; longer runs show the mean of several bins in a column
	plotLeft   = 7 // columns of the scale
)

// plotSize is the size of a plot and its scale.
type plotSize struct {
	budget float64 // per 100 ms
	width  int     // columns
	panels int     // at most
	from   int     // bins before the first
	each   int     // bins in a column; 0 for as few as fit into the panels
}

// plot returns a plot of arrivals per 100 ms, in panels of at most width columns. Its first lines are the legend.
func plot(per100ms []int64, p plotSize) string {
	if len(per100ms) == 0 {
		return "Nothing arrived."
	}
	p.each = cmp.Or(p.each, p.bins(len(per100ms)))
	return strings.Join(append(p.legend(per100ms), p.draw(per100ms)...), "\n")
}

// bins returns how many of n bins each column has to show, so that all fit into the panels.
func (p plotSize) bins(n int) int {
	room := p.panels * max(1, p.width-plotLeft)
	return max(1, (n+room-1)/room)
}

// legend returns the lines that explain the signs in plots of these arrivals.
func (p plotSize) legend(all ...[]int64) []string {
	text := "Arrivals per 100 ms, ▁ to █"
	if p.each > 1 {
		text += fmt.Sprintf(" (mean of %d ms)", 100*p.each)
	}
	text += fmt.Sprintf("; ┄ the budget of %.4g", p.budget)
	if slices.ContainsFunc(all, func(per100ms []int64) bool {
		columns := p.columns(per100ms)
		return len(columns) > 0 && slices.Max(columns) > 2*p.budget
	}) {
		text += fmt.Sprintf("; ▲ above %.4g", 2*p.budget)
	}
	return wrapped(text, p.width)
}

func (p plotSize) columns(per100ms []int64) (columns []float64) {
	for part := range slices.Chunk(per100ms, p.each) {
		sum := 0.0
		for _, n := range part {
			sum += float64(n)
		}
		columns = append(columns, sum/float64(len(part)))
	}
	return columns
}

// draw returns the lines of the panels. The budget is a dotted line: empty space below it is budget that was not used. Columns that are higher than
// the panel end in ▲.
func (p plotSize) draw(per100ms []int64) []string {
	var b strings.Builder
	at := p.from
	for part := range slices.Chunk(p.columns(per100ms), max(1, p.width-plotLeft)) {
		panel(&b, part, p.budget)
		times := fmt.Sprintf("%.1f s", float64(at)/10)
		at = min(at+len(part)*p.each, p.from+len(per100ms))
		to := fmt.Sprintf("%.1f s", float64(at)/10)
		if room := len(part) - len(times); room > len(to) {
			times += strings.Repeat(" ", room-len(to)) + to
		}
		b.WriteString(strings.Repeat(" ", plotLeft) + times + "\n")
	}
	return strings.Split(strings.TrimSuffix(b.String(), "\n"), "\n")
}

func panel(b *strings.Builder, columns []float64, budget float64) {
	blocks := []rune(" ▁▂▃▄▅▆▇█")
	unit := 2 * budget / plotRows
	for row := plotRows - 1; row >= 0; row-- {
		if row == plotRows/2 {
			fmt.Fprintf(b, "%5.3g ┤", budget)
		} else {
			b.WriteString("      │")
		}
		for _, v := range columns {
			eighths := int(8*(v/unit-float64(row)) + 0.5)
			switch {
			case row == plotRows-1 && v > 2*budget:
				b.WriteRune('▲')
			case row == plotRows/2 && eighths <= 0:
				b.WriteRune('┄')
			default:
				b.WriteRune(blocks[min(8, max(0, eighths))])
			}
		}
		b.WriteString("\n")
	}
}
