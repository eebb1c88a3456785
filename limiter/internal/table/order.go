package table

import (
	"cmp"
	"slices"
	"time"
)

// passing returns, for each task of a group by arrival, the tokens of the tasks of the group that arrived later and
// started before the task left. Events within trip have no order.
func passing(tasks []Task, group []int, trip, end time.Duration) []int64 {
	byStart := slices.Clone(group)
	slices.SortFunc(byStart, func(a, b int) int { return cmp.Compare(tasks[a].Started, tasks[b].Started) })
	times, place := make([]time.Duration, len(group)), make(map[int]int, len(group))
	for at, i := range byStart {
		times[at], place[i] = tasks[i].Started, at+1
	}
	// From the last arrival to the first. The sums are a Fenwick tree over the starts of later arrivals.
	out, sums, later := make([]int64, len(group)), make([]int64, len(group)+1), len(group)-1
	for at := len(group) - 1; at >= 0; at-- {
		t := tasks[group[at]]
		for ; later >= 0 && tasks[group[later]].Arrived > t.Arrived+trip; later-- {
			for n := place[group[later]]; n < len(sums); n += n & -n {
				sums[n] += tasks[group[later]].Cost
			}
		}
		n, _ := slices.BinarySearch(times, t.left(end)-trip)
		for ; n > 0; n -= n & -n {
			out[at] += sums[n]
		}
	}
	return out
}

// overtaken returns how far the worst task of a group was overtaken, as a multiple of what is allowed. Allowed are the
// tokens of one horizon, or the largest cost, for each lane that was ahead of the task, and what overtakes it in the
// ideal queue. In the ideal queue only calls of other routes overtake, while a narrow limit delays the task.
func (j *judge) overtaken(group []int, lanesAhead []int, limit Limit) float64 {
	each, late, worst := max(limit.HorizonTokens(), float64(j.Costs.Most)), 0.0, 0.0
	if j.Callers == Late { // meanwhile the others pass a lane whose request is late
		late = limit.Rate() * j.LateBy().Seconds()
	}
	ours, best := passing(j.tasks, group, j.Trip, j.end), passing(j.best, group, 0, j.end)
	for at, i := range group {
		worst = max(worst, float64(ours[at]-best[at])/(each*float64(max(1, lanesAhead[i]))+late))
	}
	return worst
}

// ahead returns, for each task, the lanes in which an older task waits when it arrives.
func ahead(r Row, tasks []Task, end time.Duration) []int {
	type event struct {
		at   time.Duration
		task int
	}
	var leaving []event
	for i, t := range tasks {
		leaving = append(leaving, event{t.left(end), i})
	}
	slices.SortFunc(leaving, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	out, waiting, lanes := make([]int, len(tasks)), make([]int, len(r.Lanes)), 0
	for i, t := range tasks {
		for len(leaving) > 0 && leaving[0].at < t.Arrived {
			lane := tasks[leaving[0].task].Lane
			if waiting[lane]--; waiting[lane] == 0 {
				lanes--
			}
			leaving = leaving[1:]
		}
		out[i] = lanes
		if waiting[t.Lane]++; waiting[t.Lane] == 1 {
			lanes++
		}
	}
	return out
}
