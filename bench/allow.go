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

// crowd is the number of replicas, and of goroutines in each that call Allow at the same time.
type crowd struct{ replicas, goroutines int }

func (c crowd) String() string {
	if c.replicas == 1 {
		return fmt.Sprint(c.goroutines)
	}
	return fmt.Sprintf("%d × %d", c.replicas, c.goroutines)
}

// slices returns how often a crowd is measured in a round. While the kernel keeps a single caller on the same CPU as Redis, its
// round trip takes a fifth of the usual time. The median of several shorter measurements is the usual time.
func (c crowd) slices() int {
	if c == (crowd{1, 1}) {
		return 5
	}
	return 1
}

func crowds() []crowd { return []crowd{{1, 1}, {1, 8}, {1, 64}, {1, 256}, {8, 8}} }

// allow is workload A: Allow with a limit that is never reached.
func allow(ctx context.Context, s *session) error {
	var columns []column
	for _, c := range crowds() {
		columns = append(columns, median(c.String()+": a second", 0), median("p50 µs", 0))
		columns[len(columns)-1].name = c.String() + ": p50 µs"
	}
	columns = append(columns, median("allocs/op", 1), most("errors %", 1))
	t := s.table("A", "Allow, a limit that is never reached, by goroutines (8 × 8: of 8 replicas)", []string{"limiter"}, columns...)
	for round := range s.rounds {
		for _, crowd := range crowds() {
			for range crowd.slices() {
				for _, c := range s.contestants {
					v, err := s.hammer(ctx, c, crowd, round)
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

// hammer measures a crowd that calls Allow all the time.
func (s *session) hammer(ctx context.Context, c contestant.Contestant, crowd crowd, round int) (values, error) {
	key, err := s.fresh(ctx, fmt.Sprintf("A %v, round %d: %s", crowd, round+1, c.Name))
	if err != nil {
		return nil, err
	}
	sh := shape{replicas: crowd.replicas, waiters: crowd.goroutines, rate: plenty, burst: plenty}
	if c.OneProcess {
		sh.rate, sh.burst = aLot, aLot
	}
	fleet, life, end, err := s.open(ctx, c, key, sh)
	if err != nil {
		return nil, err
	}
	var counting, over atomic.Bool
	tallies := make([]tally, crowd.replicas*crowd.goroutines)
	var running sync.WaitGroup
	for n := range tallies {
		y, r := &tallies[n], fleet.Replicas[n/crowd.goroutines]
		y.took = make([]time.Duration, 0, 1<<14)
		running.Go(func() { y.hammer(life, r, &counting, &over) })
	}
	// In this time the clients connect, and a bucket that begins empty and in debt is refilled.
	err = pause(ctx, 400*time.Millisecond)
	mark, failed := measure.Begin(ctx, s.rdb)
	if err == nil {
		err = failed
	}
	counting.Store(true)
	if err == nil {
		err = pause(ctx, s.during(time.Second, 300*time.Millisecond)/time.Duration(min(2, crowd.slices())))
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
	return sum(tallies, crowd, cost), nil
}

// tally has the counts of one goroutine of a crowd.
type tally struct {
	allowed, failed int64           // failed counts errors and also refusals, because the limit is never reached
	took            []time.Duration // of the timed calls that were allowed
}

// hammer calls Allow until over is set, and counts the calls that end while counting is set.
func (y *tally) hammer(ctx context.Context, r contestant.Replica, counting, over *atomic.Bool) {
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

func sum(tallies []tally, crowd crowd, cost measure.Cost) values {
	var allowed, failed int64
	var took []time.Duration
	for _, y := range tallies {
		allowed, failed = allowed+y.allowed, failed+y.failed
		took = slices.Concat(took, y.took)
	}
	v := values{
		crowd.String() + ": a second": float64(allowed) / cost.Took.Seconds(),
		crowd.String() + ": p50 µs":   measure.Quantile(took, 0.5) / float64(time.Microsecond),
		"errors %":                    100 * float64(failed) / float64(max(1, allowed+failed)),
	}
	if crowd.replicas*crowd.goroutines == 1 {
		v["allocs/op"] = float64(cost.Mallocs) / float64(max(1, allowed+failed))
	}
	return v
}
