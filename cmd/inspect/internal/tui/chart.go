package tui

import "strings"

// chart returns a picture of height lines, with values as columns and the budget as a line across it.
func chart(values, budget []float64, height int) []string {
	top := max(most(values), 1.2*most(budget))
	out := make([]string, height)
	blocks := []rune(eighths)
	label := labels(most(budget), top, height)
	for row := range out {
		floor := (height - 1 - row) * 8 // eighths below this line
		var b strings.Builder
		for i, v := range values {
			filled := min(8, max(0, level(v, top, height*8)-floor))
			mark := i < len(budget) && budget[i] > 0 && top > 0 && lineOf(budget[i], top, height) == row
			switch {
			case mark && filled < 8:
				b.WriteString(paint(odd, "─"))
			case filled > 0:
				b.WriteString(paint(info, string(blocks[filled])))
			default:
				b.WriteByte(' ')
			}
		}
		out[row] = label[row] + b.String()
	}
	return out
}

// lineOf returns the line of a chart for a value; 0 is the top line.
func lineOf(value, top float64, height int) int {
	return max(0, min(height-1, height-1-int(value/top*float64(height))))
}

// labels returns the numbers on the left of a chart: at the budget, the top and the bottom.
func labels(budget, top float64, height int) []string {
	out := make([]string, height)
	at := -1
	if budget > 0 && top > 0 {
		at = lineOf(budget, top, height)
	}
	for i := range out {
		text := ""
		switch i {
		case at:
			text = short(budget)
		case 0:
			text = short(top)
		case height - 1:
			text = "0"
		}
		out[i] = pad(text, 7, true) + " "
	}
	return out
}
