package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/weir-go/weir/bench/contestant"
	"github.com/weir-go/weir/bench/measure"
)

// plenty is a rate that no contestant reaches with Redis. aLot is a rate that none reaches within a process.
const (
	plenty = 10_000_000
	aLot   = 1_000_000_000
)

// callers is the number of replicas, and of goroutines in each that call Allow at the same time.
type callers struct{ replicas, goroutines int }

func (c callers) String() string {
	if c.replicas == 1 {
		return fmt.Sprint(c.goroutines)
	}
	return fmt.Sprintf("%d × %d", c.replicas, c.goroutines)
}

// slices returns how often callers are measured in a round. While the kernel keeps a single caller on the same CPU as Redis, its
// round trip takes a fifth of the usual time. The median of several shorter measurements is the usual time.
func (c callers) slices() int {
	if c == (callers{1, 1}) {
		return 5
	}
	return 1
}

func callerCounts() []callers { return []callers{{1, 1}, {1, 8}, {1, 64}, {1, 256}, {8, 8}} }

// allow is workload A: Allow with a limit that is never reached.
func allow(ctx context.Context, s *session) error {
	var columns []column
	for _, c := range callerCounts() {
		columns = append(columns, median(c.String()+": a second", 0), median("p50 µs", 0))
		columns[len(columns)-1].name = c.String() + ": p50 µs"
	}
	columns = append(columns, median("allocs/op", 1), most("errors %", 1))
	t := s.table("A", "Allow, a limit that is never reached, by goroutines (8 × 8: of 8 replicas)", []string{"limiter"}, columns...)
	for round := range s.rounds {
		for _, callers := range callerCounts() {
			for range callers.slices() {
				for _, c := range s.contestants {
					v, err := s.measureAllow(ctx, c, callers, round)
					if err != nil {
						return err
					}
					t.add(v, label(c))
				}
			}
		}
	}
	return nil
}

// label returns the name of a contestant. It marks one that shares nothing with other processes.
func label(c contestant.Contestant) string {
	if c.OneProcess {
		return c.Name + " (one process)"
	}
	return c.Name
}

// sampled: one of so many calls is timed, because reading the clock costs as much as a call within the process.
const sampled = 16

// measureAllow measures callers that call Allow all the time.
func (s *session) measureAllow(ctx context.Context, c contestant.Contestant, callers callers, round int) (values, error) {
	key, err := s.fresh(ctx, fmt.Sprintf("A %v, round %d: %s", callers, round+1, c.Name))
	if err != nil {
		return nil, err
	}
	sh := shape{replicas: callers.replicas, waiters: callers.goroutines, rate: plenty, burst: plenty}
	if c.OneProcess {
		sh.rate, sh.burst = aLot, aLot
	}
	fleet, life, end, err := s.open(ctx, c, key, sh)
	if err != nil {
		return nil, err
	}
	var counting, over atomic.Bool
	tallies := make([]tally, callers.replicas*callers.goroutines)
	var running sync.WaitGroup
	for n := range tallies {
		y, r := &tallies[n], fleet.Replicas[n/callers.goroutines]
		y.took = make([]time.Duration, 0, 1<<14)
		running.Go(func() { y.loop(life, r, &counting, &over) })
	}
	// In this time the clients connect, and a bucket that begins empty and in debt is refilled.
	err = pause(ctx, 400*time.Millisecond)
	mark, failed := measure.Begin(ctx, s.rdb)
	if err == nil {
		err = failed
	}
	counting.Store(true)
	if err == nil {
		err = pause(ctx, s.during(time.Second, 300*time.Millisecond)/time.Duration(min(2, callers.slices())))
	}
	over.Store(true)
	cost, failed := mark.End(ctx, s.rdb)
	if err == nil {
		err = failed
	}
	running.Wait() // before end, which would cancel running calls, so that they count as errors
	end()
	if closed := fleet.Close(ctx); err == nil {
		err = closed
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	return sum(tallies, callers, cost), nil
}

// tally has the counts of one goroutine of the callers.
type tally struct {
	allowed, failed int64           // failed counts errors and also refusals, because the limit is never reached
	took            []time.Duration // of the timed calls that were allowed
}

// loop calls Allow until over is set, and counts the calls that end while counting is set.
func (y *tally) loop(ctx context.Context, r contestant.Replica, counting, over *atomic.Bool) {
	for n := 0; ctx.Err() == nil; n++ {
		var began time.Time
		sample := n%sampled == 0 && counting.Load()
		if sample {
			began = time.Now()
		}
		ok, err := r.Allow(ctx)
		if sample && ok {
			y.took = append(y.took, time.Since(began))
		}
		switch {
		case over.Load():
			return
		case !counting.Load():
		case ok && err == nil:
			y.allowed++
		default:
			y.failed++
		}
	}
}

func sum(tallies []tally, callers callers, cost measure.Cost) values {
	var allowed, failed int64
	var took []time.Duration
	for _, y := range tallies {
		allowed, failed = allowed+y.allowed, failed+y.failed
		took = slices.Concat(took, y.took)
	}
	v := values{
		callers.String() + ": a second": float64(allowed) / cost.Took.Seconds(),
		callers.String() + ": p50 µs":   measure.Quantile(took, 0.5) / float64(time.Microsecond),
		"errors %":                      100 * float64(failed) / float64(max(1, allowed+failed)),
	}
	if callers.replicas*callers.goroutines == 1 {
		v["allocs/op"] = float64(cost.Mallocs) / float64(max(1, allowed+failed))
	}
	return v
}
