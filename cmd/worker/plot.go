package main

import (
	"fmt"
	"slices"
	"strings"
)

const (
	plotRows   = 4 // of a panel; each is half the budget high, so that the budget's line is in the middle
	plotPanels = 4 // beyond which neighbouring bins become one column
	plotLeft   = 7 // columns of the scale
)

// plot draws arrivals per 100 ms, a column each, in panels of at most width columns. The budget is a dotted line at its
// own height: what is below it and empty is budget that nobody used. Columns that are higher than the panel end in ▲.
func plot(per100ms []int64, budget float64, width int) string {
	if len(per100ms) == 0 {
		return "nothing arrived"
	}
	bins := max(1, width-plotLeft)
	each := (len(per100ms) + plotPanels*bins - 1) / (plotPanels * bins)
	var columns []float64
	for part := range slices.Chunk(per100ms, each) {
		sum := 0.0
		for _, n := range part {
			sum += float64(n)
		}
		columns = append(columns, sum/float64(len(part)))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "Arrivals per 100 ms")
	if each > 1 {
		fmt.Fprintf(&b, ", the mean of %d ms in each column", 100*each)
	}
	fmt.Fprintf(&b, "; ┄ is the budget of %g\n", budget)
	at := 0
	for part := range slices.Chunk(columns, bins) {
		panel(&b, part, budget)
		from, to := fmt.Sprintf("%.1f s", float64(at*each)/10), fmt.Sprintf("%.1f s", float64((at+len(part))*each)/10)
		fmt.Fprintf(&b, "%*s%s%*s\n", plotLeft, "", from, max(0, len(part)-len(from)), to)
		at += len(part)
	}
	return strings.TrimSuffix(b.String(), "\n")
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
