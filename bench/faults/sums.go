package main

import (
	"cmp"
	"fmt"
	"time"

	"github.com/weir-go/weir/integration/faults"
)

// slack is the slack of weir, which starts at most burst + rate·(T + slack) calls in any window of length T.
const slack = 50 * time.Millisecond

// sum is a line of the summary.
type sum struct {
	name string
	of   func(all figures, limiter string) string
}

func sums() []sum {
	return []sum{
		count("rows played", func(faults.Row, record) bool { return true }),
		count("rows with an excess above rate × 50 ms", func(r faults.Row, l record) bool { return *l.Excess > perSecond(r)*slack.Seconds()+0.05 }), // 0.05, because the figures are rounded to one digit
		count("rows with an excess above 31.7, which is 1.7 and what windows of 34 calls explain", func(_ faults.Row, l record) bool { return *l.Excess > 31.75 }),
		count("rows with more than 40 calls in a second, of a limit of 34 a second", func(r faults.Row, l record) bool { return r.Config.Rate == 0 && *l.Max1s > 40 }),
		count("rows with a silence of more than 15 s, where no fault lasts longer than 10 s", func(r faults.Row, l record) bool {
			return r.Config.Rate == 0 && r.Number != slowerThanTimeout && *l.SilenceMS > 15_000
		}),
		count("rows in which overdue calls did not come (†)", func(_ faults.Row, l record) bool { return l.GivenUp != nil }),
		count("rows with failed tasks", func(_ faults.Row, l record) bool { return *l.Failed > 0 }),
		figure("used without a fault (row 1)", func(l record) string { return fmt.Sprintf("%.1f %%", 100**l.Used) }),
		figure("requests to Redis a call without a fault (row 1)", func(l record) string { return fmt.Sprintf("%.2f", *l.CallsPerTask) }),
	}
}

// slowerThanTimeout is the number of the row whose fault lasts for 20 s.
const slowerThanTimeout = 3

// perSecond returns the rate of a row in calls a second.
func perSecond(r faults.Row) float64 {
	return float64(cmp.Or(r.Config.Rate, 34)) / cmp.Or(r.Config.Per, time.Second).Seconds()
}

// count returns a line with the number of played rows for which a condition holds.
func count(name string, holds func(faults.Row, record) bool) sum {
	return sum{name, func(all figures, limiter string) string {
		n := 0
		for _, r := range fleetRows() {
			if l, there := all.of(r.Name, limiter); there && l.Error == "" && holds(r, l) {
				n++
			}
		}
		return fmt.Sprint(n)
	}}
}

// figure returns a line with a figure of the row without a fault.
func figure(name string, of func(record) string) sum {
	return sum{name, func(all figures, limiter string) string {
		l, there := all.of("saturation", limiter)
		if !there || l.Error != "" {
			return "not played"
		}
		return of(l)
	}}
}
