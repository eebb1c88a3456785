package main

import (
	"cmp"
	"context"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/weir-go/weir/lua"
)

// waits collects from the spans of a replica when each task asked for a token and when it started. So the demonstration
// reports the same waiting times that an operator sees in the traces.
type waits struct {
	mu    sync.Mutex
	tasks []wait
}

// wait is the time from the request of a task for a token to its start.
type wait struct {
	asked, started time.Time
	token          time.Duration // the part of that time that the task waited for the token
}

// OnStart is part of [sdktrace.SpanProcessor].
func (w *waits) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd records the spans with the time that a task waited for its token.
func (w *waits) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.Name() != "acquire" {
		return
	}
	for _, a := range s.Attributes() {
		if a.Key == "weir.token_wait" {
			w.mu.Lock()
			w.tasks = append(w.tasks, wait{s.StartTime(), s.EndTime(), time.Duration(a.Value.AsFloat64() * float64(time.Second))})
			w.mu.Unlock()
		}
	}
}

// Shutdown is part of [sdktrace.SpanProcessor].
func (w *waits) Shutdown(context.Context) error { return nil }

// ForceFlush is part of [sdktrace.SpanProcessor].
func (w *waits) ForceFlush(context.Context) error { return nil }

func (w *waits) all() []wait {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.tasks)
}

// budgetUsed returns the share of the budget that was used while at least one task of the fleet waited for a token. An
// interval lasts as long as some task waits without a gap. The share is the sum of the tasks that started in all intervals,
// divided by the sum of (tokens in the bucket at the begin of the interval + rate × length of the interval). The level of
// the bucket is computed from its level at a time before the first start.
func budgetUsed(tasks []wait, level float64, at time.Time, rate, burst float64) float64 {
	slices.SortFunc(tasks, func(a, b wait) int { return a.started.Compare(b.started) })
	var intervals []wait
	for _, t := range tasks {
		if t.token > 0 {
			intervals = append(intervals, t)
		}
	}
	slices.SortFunc(intervals, func(a, b wait) int { return a.asked.Compare(b.asked) })
	var merged []wait
	for _, i := range intervals {
		if n := len(merged); n > 0 && !i.asked.After(merged[n-1].started) {
			if i.started.After(merged[n-1].started) {
				merged[n-1].started = i.started
			}
			continue
		}
		merged = append(merged, i)
	}
	if len(merged) == 0 {
		return 1 // no task waited
	}
	var started, there float64
	next := 0
	for _, m := range merged {
		for next < len(tasks) && tasks[next].started.Before(m.asked) {
			level = min(burst, level+rate*tasks[next].started.Sub(at).Seconds()) - 1
			at = tasks[next].started
			next++
		}
		level = min(burst, level+rate*m.asked.Sub(at).Seconds())
		at = m.asked
		there += level + rate*m.started.Sub(m.asked).Seconds()
		for next < len(tasks) && !tasks[next].started.After(m.started) {
			level = min(burst, level+rate*tasks[next].started.Sub(at).Seconds()) - 1
			at = tasks[next].started
			started++
			next++
		}
	}
	return started / there
}

// quantile sorts values and returns the smallest one that at least the share q of them do not exceed, or 0 if there are none.
func quantile[T cmp.Ordered](values []T, q float64) T {
	if len(values) == 0 {
		var zero T
		return zero
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(q*float64(len(values))))]
}

// jain returns Jain's index of fairness: 1 if all values are equal, 1/n if one value is the whole sum.
func jain(values []float64) float64 {
	var sum, squares float64
	for _, v := range values {
		sum += v
		squares += v * v
	}
	if squares == 0 {
		return 1
	}
	return sum * sum / (float64(len(values)) * squares)
}

// scripts counts the runs of the acquire script that a client requests from Redis.
type scripts struct{ runs atomic.Int64 }

// DialHook is part of [redis.Hook].
func (s *scripts) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

// ProcessHook counts each EVALSHA of the script, and each EVAL, with which a client sends a script that Redis does not have yet.
func (s *scripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		switch cmd.Name() {
		case "eval":
			s.runs.Add(1)
		case "evalsha":
			if digest, ok := cmd.Args()[1].(string); ok && slices.Contains(lua.AcquireSHAs(), digest) {
				s.runs.Add(1)
			}
		}
		return next(ctx, cmd)
	}
}

// ProcessPipelineHook is part of [redis.Hook].
func (s *scripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
