package tui

import (
	"math"
	"strings"
	"time"
)

// point is a value that held for some time.
type point struct {
	from, to time.Time
	value    float64
}

// span is how far back the pictures go.
const span = time.Minute

// cells are the values of the last minute before end in n equal parts, oldest first: the mean over the time that is known of each. NaN is a part
// of which nothing is known.
func cells(points []point, n int, end time.Time) []float64 {
	out := make([]float64, n)
	step := span / time.Duration(max(1, n))
	for i := range out {
		from := end.Add(-span + time.Duration(i)*step)
		to := from.Add(step)
		sum, known := 0.0, 0.0
		for _, p := range points {
			if !p.to.After(from) || !p.from.Before(to) {
				continue
			}
			seconds := earlier(p.to, to).Sub(later(p.from, from)).Seconds()
			sum, known = sum+p.value*seconds, known+seconds
		}
		out[i] = math.NaN()
		if known > 0 {
			out[i] = sum / known
		}
	}
	return out
}

func earlier(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// most is the largest value, 0 where there is none.
func most(values []float64) (top float64) {
	for _, v := range values {
		if v > top {
			top = v
		}
	}
	return top
}

const eighths = " ▁▂▃▄▅▆▇█"

// level is a block so high as value is of top, in whole eighths. What is more than 0 is seen.
func level(value, top float64, highest int) int {
	if !(value > 0) || !(top > 0) {
		return 0
	}
	return max(1, min(highest, int(math.Round(value/top*float64(highest)))))
}

// spark is values in blocks of eight heights. The lowest is 0 alone; a space is what is not known.
func spark(values []float64, top float64) string {
	blocks := []rune(eighths)
	var b strings.Builder
	for _, v := range values {
		if math.IsNaN(v) {
			b.WriteByte(' ')
			continue
		}
		b.WriteRune(blocks[1+level(v, top, 7)])
	}
	return b.String()
}

// bar is a part of width columns, in eighths of a column.
func bar(part float64, width int) string {
	if !(part > 0) || width <= 0 {
		return ""
	}
	blocks := []rune(" ▏▎▍▌▋▊▉█")
	n := level(part, 1, width*8)
	text := strings.Repeat("█", n/8)
	if n%8 > 0 {
		text += string(blocks[n%8])
	}
	return text
}

// chart is values as columns of a picture of some lines, with the budget as a line across it.
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

// lineOf is the line of a chart on which a value lies, from above.
func lineOf(value, top float64, height int) int {
	return max(0, min(height-1, height-1-int(value/top*float64(height))))
}

// labels are the numbers on the left of a chart: of the budget, of its top and of its foot.
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
