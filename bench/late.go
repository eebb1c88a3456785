package main

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/bench/contestant"
	"github.com/weir-go/weir/bench/measure"
)

// lateness is workload D: one waiter at 40 a second. It measures how long after the time of its token each call starts.
func lateness(ctx context.Context, s *session) error {
	t := s.table("D", "lateness of one waiter at 40 a second, ms after the time of its token", []string{"limiter"},
		median("p50", 3), median("p99", 3), median("longest", 3), least("earliest", 3))
	rounds := s.rounds
	if !s.quick {
		rounds = max(rounds, 5)
	}
	for round := range rounds {
		for _, c := range s.contestants {
			if c.Yardstick {
				continue
			}
			late, err := s.late(ctx, c, round)
			if err != nil {
				return fmt.Errorf("%s: %w", c.Name, err)
			}
			ms := float64(time.Millisecond)
			t.add(values{
				"p50": measure.Quantile(late, 0.5) / ms, "p99": measure.Quantile(late, 0.99) / ms,
				"longest": measure.Quantile(late, 1) / ms, "earliest": measure.Quantile(late, 0) / ms,
			}, label(c))
		}
	}
	return nil
}

// late returns how late each call of a single waiter started.
func (s *session) late(ctx context.Context, c contestant.Contestant, round int) (late []time.Duration, err error) {
	key, err := s.fresh(ctx, fmt.Sprintf("D, round %d: %s", round+1, c.Name))
	if err != nil {
		return nil, err
	}
	sh := shape{replicas: 1, waiters: 1, rate: 40, burst: 40, length: s.during(6*time.Second, 3*time.Second)}
	fleet, life, end, err := s.open(ctx, c, key, sh)
	if err != nil {
		return nil, err
	}
	defer func() {
		end()
		if closed := fleet.Close(ctx); err == nil {
			err = closed
		}
	}()
	r := fleet.Replicas[0]
	ideal, err := anchor(life, r, sh)
	if err != nil {
		return nil, err
	}
	// A fixed number of calls, so that the quantiles of all contestants are over the same tokens.
	for range int(sh.length.Seconds() * float64(sh.rate)) {
		if err := r.Wait(life); err != nil {
			return nil, err
		}
		late = append(late, time.Since(ideal))
		ideal = ideal.Add(time.Second / time.Duration(sh.rate))
	}
	return slices.Clip(late), nil
}

// anchor empties the bucket and returns the time of the next token. If the limiter does not know it, anchor assumes that the bucket
// was full just before the first call. The true time is later by up to half a round trip.
func anchor(ctx context.Context, r contestant.Replica, sh shape) (time.Time, error) {
	if a, ok := r.(contestant.Anchored); ok {
		return a.Anchor(ctx)
	}
	began := time.Now()
	for range sh.burst {
		if err := r.Wait(ctx); err != nil {
			return time.Time{}, err
		}
	}
	return began.Add(time.Second / time.Duration(sh.rate)), nil
}
