package paper

import "time"

// Mean runs a world several times and returns the mean of each number, except the largest Slowest and the sum of Lost. The callers arrive
// at the same times in each run. Everything else that is random differs.
func Mean(w World, times int) (mean Result) {
	n, by := float64(times), time.Duration(times)
	for range times {
		r := Run(w)
		w.again++
		mean.Used += r.Used / n
		mean.Scripts += r.Scripts / n
		mean.PerToken += r.PerToken / n
		mean.Busy += r.Busy / n
		mean.Jain += r.Jain / n
		mean.Turns += r.Turns / n
		mean.Median += r.Median / by
		mean.Longest += r.Longest / by
		mean.Slowest = max(mean.Slowest, r.Slowest)
		mean.Starts += r.Starts / int64(times)
		mean.Lost += r.Lost
	}
	return mean
}
