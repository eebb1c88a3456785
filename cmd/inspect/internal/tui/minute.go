package tui

import (
	"fmt"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// minute returns the last minute of a bucket in three lines: used, refused, held.
func minute(d *data, b *report.Bucket, width int) []string {
	samples := d.history.Samples(b.Name)
	var usedP, refusedP, holds []point
	for _, v := range samples {
		from, shut := v.At.Add(-v.Over), 0.0
		if v.Shut {
			shut = 1
		}
		usedP, refusedP, holds = append(usedP, point{from, v.At, v.UsedPerS}), append(refusedP, point{from, v.At, v.RefusedPerS}), append(holds, point{from, v.At, shut})
	}
	n, end := min(60, max(10, width-34)), d.history.Last().At
	line := func(name string, points []point, k kind, unit string) string {
		values := cells(points, n, end)
		return "  " + pad(name, 10, false) + paint(k, pad(spark(values, most(values)), n, false)) + paint(faint, " up to "+short(most(values))+unit)
	}
	held := cells(holds, n, end)
	seconds := 0.0
	for _, v := range held {
		if v > 0 {
			seconds += v * span.Seconds() / float64(n)
		}
	}
	return []string{
		"", paint(strong, "LAST 60 s"),
		line("used/s", usedP, info, "/s"), line("429/s", refusedP, odd, "/s"),
		"  " + pad("held", 10, false) + paint(bad, pad(spark(held, 1), n, false)) + paint(faint, fmt.Sprintf(" %.0f s shut", seconds)),
	}
}

// budget returns a chart of the use of a bucket against its budget.
func budget(d *data, b *report.Bucket, width, height int) []string {
	n := min(60, max(10, width-14))
	var usedP, allowed []point
	for _, v := range d.history.Samples(b.Name) {
		from := v.At.Add(-v.Over)
		usedP, allowed = append(usedP, point{from, v.At, v.UsedPerS}), append(allowed, point{from, v.At, v.Budget})
	}
	end := d.history.Last().At
	return append([]string{"", paint(strong, "USED/s AGAINST THE BUDGET ") + paint(odd, "─") + paint(faint, " of 60 s")},
		chart(cells(usedP, n, end), cells(allowed, n, end), height)...)
}
