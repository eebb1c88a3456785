package main

import (
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"charm.land/lipgloss/v2"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/upstream"
)

// summary is what a demonstration measured, in the form that programs read.
type summary struct {
	Replicas          int              `json:"replicas"`
	Tasks             int64            `json:"tasks"` // of the orchestrators
	Calls             map[string]int64 `json:"calls"` // that arrived at the simulator
	Seconds           float64          `json:"seconds"`
	BudgetUsed        float64          `json:"budget_used"`
	Worst1s           int64            `json:"worst_1s"`
	Allowed1s         int64            `json:"allowed_1s"`
	HTTP429           int64            `json:"http_429"`
	Lost              int64            `json:"lost"` // tasks without an outcome
	WaitMS            waitMS           `json:"wait_ms"`
	RedisCallsPerTask float64          `json:"redis_calls_per_task"`
	Jain              float64          `json:"jain"` // of the calls that replicas started while all of them were busy
}

// waitMS is how long tasks waited for a token, in milliseconds.
type waitMS struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

type report struct {
	summary summary
	rows    [][]string // of replicas
	stats   upstream.Stats
	failed  []string
	limit   limiter.Limit
}

// measure turns what was seen into what is said. before is the state of the buckets when the analyses began.
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
		r.rows = append(r.rows, []string{
			strconv.Itoa(i + 1), strconv.FormatInt(state.Done, 10), strconv.FormatInt(state.Failed, 10),
			fmt.Sprintf("%.1f s", seen.ended.Sub(began).Seconds()),
			fmt.Sprintf("%.0f ms", quantile(ms, 0.5)), fmt.Sprintf("%.0f ms", quantile(ms, 0.99)),
			fmt.Sprintf("%.2f", float64(replica.scripts.runs.Load())/max(1, float64(state.Done+state.Failed))),
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

// startedBefore counts what each replica started until the first of them had ended.
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

// verdict is an error if a call was refused, a task was lost, or an analysis failed.
func (r *report) verdict() error {
	switch s := r.summary; {
	case s.HTTP429 > 0:
		return fmt.Errorf("the providers refused %d calls", s.HTTP429)
	case s.Lost > 0:
		return fmt.Errorf("%d tasks have no outcome", s.Lost)
	case len(r.failed) > 0:
		return fmt.Errorf("an analysis failed: %s", strings.Join(r.failed, "; "))
	}
	return nil
}

// print writes the summary for a person.
func (r *report) print(out io.Writer) error {
	s := r.summary
	replicas := cli.Table("REPLICA", "DONE", "FAILED", "TOOK", "WAIT P50", "P99", "REDIS CALLS/TASK").Rows(r.rows...)
	apis := cli.Table("PROVIDER", "CALLS", "429")
	for _, api := range []upstream.API{upstream.Anthropic, upstream.Spotify, upstream.LastFM} {
		apis.Row(string(api), strconv.FormatInt(r.stats.Arrivals[api], 10), strconv.FormatInt(r.stats.HTTP429[api], 10))
	}
	text := fmt.Sprintf(`%s

%s

%d calls in %.1f s: %.1f %% of the budget used while anybody waited, %d refused, %d lost.
In the busiest second %d calls arrived; %v and 50 ms of slack allow %d.
A call waited %.0f ms for its token (median), 99 of 100 at most %.0f ms.
%.2f Redis calls a task; fairness between replicas (Jain) %.4f.

%s
`, replicas, apis, r.stats.Total, s.Seconds, 100*s.BudgetUsed, s.HTTP429, s.Lost,
		s.Worst1s, r.limit, s.Allowed1s, s.WaitMS.P50, s.WaitMS.P99, s.RedisCallsPerTask, s.Jain,
		plot(r.stats.Per100ms, r.limit.Rate()/10, 76))
	_, err := lipgloss.Fprint(out, text)
	return err
}
