package main

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/bench/contestant"
)

// budget is workload B: 40 a second with a burst of 40, for 1, 4 and 16 replicas. Each replica has 10 waiters, which wait again as
// soon as they have started. weir also runs for a minute, in which every waiter should get the same share.
func budget(ctx context.Context, s *session) error {
	t := s.table("B", "40 a second, burst 40, 10 waiters a replica, after the first burst", []string{"replicas", "limiter"}, sharing()...)
	for _, replicas := range []int{1, 4, 16} {
		sh := shape{
			replicas: replicas, waiters: 10, rate: 40, burst: 40,
			warm: 2 * time.Second, length: s.during(8*time.Second, 4*time.Second),
		}
		if err := s.sharing(ctx, t, sh, fmt.Sprint(replicas), s.contestants); err != nil {
			return err
		}
	}
	sh := shape{
		replicas: 16, waiters: 10, rate: 40, burst: 40,
		warm: 2 * time.Second, length: s.during(time.Minute, 20*time.Second),
	}
	return s.sharing(ctx, t, sh, longRun, s.of("weir"))
}

// longRun is the label of the row over a minute.
const longRun = "16, a minute"

// fast is workload C: rates at which a limiter cannot make a round trip for each token.
func fast(ctx context.Context, s *session) error {
	t := s.table("C", "8 replicas × 32 waiters, burst = rate, after the first burst", []string{"a second", "limiter"}, sharing()...)
	for _, rate := range []int{1_000, 20_000} {
		sh := shape{
			replicas: 8, waiters: 32, rate: rate, burst: rate,
			warm: 3 * time.Second, length: s.during(5*time.Second, 2*time.Second),
		}
		if err := s.sharing(ctx, t, sh, number(float64(rate), 0), s.contestants); err != nil {
			return err
		}
	}
	return nil
}

// givingUp is workload X: each waiter gives up after a random time below 2 s. In the order of arrival a wait would take 1 s.
func givingUp(ctx context.Context, s *session) error {
	t := s.table("X", "40 a second, burst 40, 4 replicas × 10 waiters of which each gives up after a random time below 2 s", []string{"limiter"}, sharing()...)
	sh := shape{
		replicas: 4, waiters: 10, rate: 40, burst: 40, patience: 2 * time.Second,
		warm: 2 * time.Second, length: s.during(10*time.Second, 5*time.Second),
	}
	var able []contestant.Contestant
	for _, c := range s.contestants {
		if !c.NoCancel {
			able = append(able, c)
		}
	}
	return s.sharing(ctx, t, sh, "", able)
}

// sharing measures the contestants with a shape, in interleaved rounds. The name is the first label of each row; if it is empty, the
// contestant is the first label.
func (s *session) sharing(ctx context.Context, t *table, sh shape, name string, contestants []contestant.Contestant) error {
	for round := range s.rounds {
		for _, c := range contestants {
			if c.Yardstick {
				continue // a yardstick has no limit to share
			}
			v, err := s.share(ctx, c, sh, t.letter+" "+name, round)
			if err != nil {
				return err
			}
			labels := []string{label(c)}
			if name != "" {
				labels = []string{name, label(c)}
			}
			t.add(v, labels...)
		}
	}
	return nil
}

// of returns the contestant with a name, or none if the run leaves it out.
func (s *session) of(name string) []contestant.Contestant {
	for _, c := range s.contestants {
		if c.Name == name {
			return []contestant.Contestant{c}
		}
	}
	return nil
}
