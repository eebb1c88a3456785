package tui

import (
	"math"
	"strings"
	"time"
)

// point is a value that applied during a time.
type point struct {
	from, to time.Time
	value    float64
}

// span is the time that a picture covers.
const span = time.Minute

// cells divides the last minute before end into n equal parts and returns the mean value of each, oldest first. The mean is over the known time of the
// part. It is NaN if nothing is known about the part.
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

// most returns the largest value, 0 if there is none.
func most(values []float64) (top float64) {
	for _, v := range values {
		if v > top {
			top = v
		}
	}
	return top
}

const eighths = " ▁▂▃▄▅▆▇█"

// level returns the height of a block for value: highest if value is top. A value above 0 has at least 1.
func level(value, top float64, highest int) int {
	if !(value > 0) || !(top > 0) {
		return 0
	}
	return max(1, min(highest, int(math.Round(value/top*float64(highest)))))
}

// spark returns values as blocks of eight heights. The lowest block is only for 0. A space is an unknown value.
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

// bar returns a bar of part × width columns, in eighths of a column.
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
