package table

import (
	"slices"
	"time"
)

// fate is the result of a task in the ideal queue.
type fate struct {
	at    time.Duration // the start, or Never
	bound int           // the limit that it waited for last, or -1
}

// ideal serves the tasks of a run, sorted by arrival, as well as the limits allow: first come, first served. A task
// starts as soon as every limit of its route has its tokens and no older task waits for tokens of these limits. An
// older task that waits for another limit does not delay the limits that have its tokens. A task leaves when it left in
// the run.
func ideal(r Row, tasks []Task, end time.Duration) []fate {
	fates := make([]fate, len(tasks))
	for i := range fates {
		fates[i] = fate{Never, -1}
	}
	levels := make([]*level, len(r.Limits))
	for i, l := range r.Limits {
		levels[i] = newLevel(l)
	}
	queues, next := make([][]int, len(r.Routes)), 0
	for now := time.Duration(0); now <= end; {
		for ; next < len(tasks) && tasks[next].Arrived <= now; next++ {
			queues[tasks[next].Route] = append(queues[tasks[next].Route], next)
		}
		for serve(r, tasks, fates, levels, queues, now) {
		}
		wake := Never
		if next < len(tasks) {
			wake = tasks[next].Arrived
		}
		for k, q := range queues {
			if len(q) == 0 {
				continue
			}
			t, ready := tasks[q[0]], time.Duration(0)
			for _, l := range r.Routes[k].Limits {
				ready = max(ready, levels[l].ready(t.Cost))
			}
			if ready > now { // otherwise an older task delays it, which has its own time
				wake = min(wake, ready)
			}
			wake = min(wake, t.Gone)
		}
		if wake == Never {
			break
		}
		now = wake
	}
	return fates
}

// serve starts one task at a time, the oldest that can start, and reports whether one did.
func serve(r Row, tasks []Task, fates []fate, levels []*level, queues [][]int, now time.Duration) bool {
	var heads []int
	for k, q := range queues {
		for len(q) > 0 && tasks[q[0]].Gone <= now {
			q = q[1:]
		}
		if queues[k] = q; len(q) > 0 {
			heads = append(heads, q[0])
		}
	}
	slices.Sort(heads)
	wanted := make([]bool, len(levels)) // limits that an older task waits for
	for _, i := range heads {
		t, free, last := tasks[i], true, time.Duration(-1)
		for _, l := range r.Routes[t.Route].Limits {
			ready := levels[l].ready(t.Cost)
			if ready <= now && !wanted[l] {
				continue
			}
			free, wanted[l] = false, true
			if ready > last {
				last, fates[i].bound = ready, l
			}
		}
		if free {
			for _, l := range r.Routes[t.Route].Limits {
				levels[l].take(now, t.Cost)
			}
			fates[i].at = now
			queues[t.Route] = queues[t.Route][1:]
			return true
		}
	}
	return false
}
