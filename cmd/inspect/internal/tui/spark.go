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
