package table

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Tolerance is how far a run may deviate because of the machine, not because of the limiter.
type Tolerance struct {
	// Slack is how late a start may be in the law.
	Slack time.Duration
	// Trip is the time of a round trip, and of a timer that fires late: it may be added to the mean wait, and tasks
	// that arrive or start within it have no order.
	Trip time.Duration
	// Idle is how long a limit may be idle each time that a caller begins to wait.
	Idle time.Duration
	// Loose is subtracted from every share of the budget that has to be used, and makes the mean wait longer by the
	// same part.
	Loose float64
}

// Judge compares a run with the law of every limit and with the ideal queue.
func Judge(r Row, log Log, t Tolerance) Result {
	j := &judge{Row: r, Tolerance: t, end: log.End, tasks: log.sorted()}
	j.fates = ideal(r, j.tasks, j.end)
	j.best = slices.Clone(j.tasks)
	for i, f := range j.fates {
		j.best[i].Started = f.at
	}
	perfect := r
	perfect.Length = log.End
	j.perfect = Log{Tasks: Best(perfect).Tasks, End: log.End}.sorted()
	j.result = Result{Row: r, Used: 1}
	j.law()
	for _, p := range phases(r, j.end) {
		j.use(p)
	}
	j.waits()
	j.order()
	j.result.describe(j.tasks, log, r)
	return j.result
}

type judge struct {
	Row
	Tolerance

	end         time.Duration
	tasks, best []Task // the run, and the ideal queue for the same arrivals
	perfect     []Task // the ideal queue for the row: in a closed loop its arrivals are others
	fates       []fate
	result      Result
}

func (j *judge) law() {
	worst := 0.0
	for i, l := range j.Limits {
		worst = max(worst, excess(l, starts(j.Row, i, j.tasks), j.Slack))
	}
	j.result.mark(Mark{Name: "law", Got: worst, Want: 0, Most: true})
}

// use marks how much of the budget was used in a phase. The end may cut one call.
func (j *judge) use(p phase) {
	name, cut := "used", float64(j.Costs.Most)
	if p.from > 0 {
		name = fmt.Sprintf("used from %v", p.from.Round(time.Second))
	}
	mark := func(name string, got, could float64) {
		if could > cut {
			share := min(1, got/could)
			j.result.Used = min(j.result.Used, share)
			j.result.mark(Mark{Name: name, Got: share, Want: p.want - j.Loose - cut/could})
		}
	}
	if len(j.Routes) == 1 {
		waited := func(tasks []Task) []stretch {
			return waiting(tasks, func(i int) time.Duration { return tasks[i].left(j.end) }, p)
		}
		share, could := used(j.Row, j.tasks, waited(j.tasks), j.Idle)
		// Where callers give up, not even the ideal queue uses every token.
		most, _ := used(j.Row, j.perfect, waited(j.perfect), 0)
		mark(name, share*could, min(1, most)*could)
		return
	}
	// On several routes: what a limiter that loses nothing takes of each limit that it uses up.
	for i, l := range j.Limits {
		got, could := given(starts(j.Row, i, j.tasks), p), given(starts(j.Row, i, j.perfect), p)
		if could+cut >= 0.99*l.Rate()*(p.to-p.from).Seconds() {
			mark(fmt.Sprintf("%s of limit %d", name, i), got, could)
		}
	}
}

// waits marks the mean wait of the tasks that start both in the run and in the ideal queue.
func (j *judge) waits() {
	var ours, best time.Duration
	n := time.Duration(0)
	for i, t := range j.tasks {
		if t.Started != Never && j.fates[i].at != Never {
			ours, best, n = ours+t.Started-t.Arrived, best+j.fates[i].at-t.Arrived, n+1
		}
	}
	if n == 0 {
		return
	}
	factor := 1.05
	if j.Arrivals.Open() && j.burst() == 1 {
		factor = 1.08
	}
	least := 0.99
	for _, p := range phases(j.Row, j.end) {
		least = min(least, p.want)
	}
	factor *= 0.99 / (least - j.Loose) // tokens that may be lost are waited for
	j.result.Mean, j.result.Ideal = ours/n, best/n
	if !j.Arrivals.Open() {
		// In a closed loop each lost token makes the ideal queue of the same arrivals permanently shorter, once.
		j.result.Ideal = max(j.result.Ideal, meanWait(j.perfect))
	}
	j.result.mark(Mark{Name: "mean wait", Got: j.result.Mean.Seconds(), Want: factor*j.result.Ideal.Seconds() + j.Trip.Seconds(), Most: true})
}

func meanWait(tasks []Task) time.Duration {
	sum, n := time.Duration(0), time.Duration(0)
	for _, t := range tasks {
		if t.Started != Never {
			sum, n = sum+t.Started-t.Arrived, n+1
		}
	}
	return sum / max(1, n)
}

// order marks how far tasks were overtaken: on one route by all others, on several by those that the same limit bound.
func (j *judge) order() {
	groups := map[int][]int{}
	for i := range j.tasks {
		limit := j.slowest()
		if len(j.Routes) > 1 {
			limit = j.fates[i].bound
		}
		if limit >= 0 {
			groups[limit] = append(groups[limit], i)
		}
	}
	lanes, worst := ahead(j.Row, j.tasks, j.end), 0.0
	for limit, group := range groups {
		worst = max(worst, j.overtaken(group, lanes, j.Limits[limit]))
	}
	j.result.mark(Mark{Name: "overtaken", Got: worst, Want: 1, Most: true})
}

// slowest returns the limit of the smallest rate.
func (j *judge) slowest() int {
	at, least := 0, math.Inf(1)
	for i, l := range j.Limits {
		if l.Rate() < least {
			at, least = i, l.Rate()
		}
	}
	return at
}
