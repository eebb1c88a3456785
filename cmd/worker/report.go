package main

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/upstream"
)

// summary is the result of a demonstration, as --json prints it.
type summary struct {
	Replicas          int              `json:"replicas"`
	Tasks             int64            `json:"tasks"` // of all orchestrators
	Calls             map[string]int64 `json:"calls"` // arrived at the simulator, by provider
	Seconds           float64          `json:"seconds"`
	BudgetUsed        float64          `json:"budget_used"`
	Worst1s           int64            `json:"worst_1s"`
	Allowed1s         int64            `json:"allowed_1s"`
	HTTP429           int64            `json:"http_429"`
	Lost              int64            `json:"lost"` // tasks without an outcome
	WaitMS            waitMS           `json:"wait_ms"`
	RedisCallsPerTask float64          `json:"redis_calls_per_task"`
	Jain              float64          `json:"jain"` // of the calls that each replica started until the first replica had ended
	// Without is the run of the same calls without a limiter, nil without --without.
	Without *plainRun `json:"without,omitempty"`
}

// waitMS is how long tasks waited for a token, in milliseconds.
type waitMS struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

type report struct {
	summary summary
	rows    []replicaRow
	stats   upstream.Stats
	failed  []string
	limit   limiter.Limit
}

// measure returns the report of the run. before is the state of the buckets when the analyses began.
func (d *demo) measure(before limiter.Snapshot, began time.Time) *report {
	r := &report{stats: d.upstream.Stats(), limit: d.limit()}
	s := &r.summary
	s.Replicas, s.Calls = d.Replicas, map[string]int64{}
	for api, n := range r.stats.Arrivals {
		s.Calls[string(api)] = n
	}
	s.Worst1s, s.Allowed1s, s.HTTP429 = r.stats.Worst1s, r.stats.Allowed1s, r.stats.Refused

	var tasks []wait
	var runs int64
	ends := make([]time.Time, len(d.replicas))
	each := make([][]wait, len(d.replicas))
	for i, replica := range d.replicas {
		seen, mine := replica.now(), replica.waits.all()
		ends[i], each[i] = seen.ended, mine
		tasks = append(tasks, mine...)
		runs += replica.scripts.runs.Load()
		state := replica.worker.Snapshot()
		s.Tasks += state.Done + state.Failed
		s.Lost += int64(state.Pending + state.InFlight)
		if seen.failure != nil {
			r.failed = append(r.failed, fmt.Sprintf("replica %d: %s", i+1, seen.failure.Error))
			s.Lost += int64(seen.failure.Tasks - seen.failure.Ended)
		} else if seen.result != nil {
			s.Lost += int64(seen.result.Tasks - seen.result.Ended)
		}
		s.Seconds = max(s.Seconds, seen.ended.Sub(began).Seconds())
		ms := milliseconds(mine)
		r.rows = append(r.rows, replicaRow{
			replica: i + 1, done: state.Done, failed: state.Failed, took: seen.ended.Sub(began),
			p50: quantile(ms, 0.5), p99: quantile(ms, 0.99), redis: float64(replica.scripts.runs.Load()) / max(1, float64(state.Done+state.Failed)),
		})
	}
	level := 0.0
	for _, b := range before.Buckets {
		if b.Bucket == "global" {
			level = b.Tokens - b.Debt
		}
	}
	s.BudgetUsed = budgetUsed(tasks, level, began, r.limit.Rate(), float64(r.limit.Burst))
	ms := milliseconds(tasks)
	s.WaitMS = waitMS{P50: quantile(ms, 0.5), P99: quantile(ms, 0.99)}
	s.RedisCallsPerTask = float64(runs) / max(1, float64(s.Tasks))
	s.Jain = jain(startedBefore(each, ends))
	for _, v := range []*float64{&s.Seconds, &s.BudgetUsed, &s.WaitMS.P50, &s.WaitMS.P99, &s.RedisCallsPerTask, &s.Jain} {
		*v = math.Round(*v*10_000) / 10_000
	}
	return r
}

func milliseconds(tasks []wait) []float64 {
	ms := make([]float64, len(tasks))
	for i, t := range tasks {
		ms[i] = float64(t.started.Sub(t.asked)) / float64(time.Millisecond)
	}
	return ms
}

// startedBefore counts the tasks that each replica started before the first replica had ended.
func startedBefore(each [][]wait, ends []time.Time) []float64 {
	first := ends[0]
	for _, t := range ends {
		if t.Before(first) {
			first = t
		}
	}
	counts := make([]float64, len(each))
	for i, tasks := range each {
		for _, t := range tasks {
			if t.started.Before(first) {
				counts[i]++
			}
		}
	}
	return counts
}

// verdict returns an error if a provider refused a call, a task was lost, or an analysis failed.
func (r *report) verdict() error {
	switch s := r.summary; {
	case s.HTTP429 > 0:
		return fmt.Errorf("the providers refused %s", counted(int(s.HTTP429), "call", "calls"))
	case s.Lost > 0:
		return fmt.Errorf("%s no outcome", counted(int(s.Lost), "task has", "tasks have"))
	case len(r.failed) > 0:
		return fmt.Errorf("an analysis failed: %s", strings.Join(r.failed, "; "))
	}
	return nil
}
