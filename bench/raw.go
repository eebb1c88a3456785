package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/bench/measure"
)

// raw is workload R: the best figures that one go-redis client, Redis and the timers of this machine reach.
func raw(ctx context.Context, s *session) error {
	t := s.table("R", "raw limits of this machine: commands of one go-redis client", []string{"what"},
		median("a second", 0), median("p50 µs", 0), median("p99 µs", 0), median("client µs of CPU/s", 0), median("Redis µs of CPU/s", 0))
	one := redis.NewScript("return 1")
	rdb := redis.NewClient(&redis.Options{Addr: s.addr})
	defer rdb.Close()
	if err := one.Load(ctx, rdb).Err(); err != nil {
		return err
	}
	ping := func() error { return rdb.Ping(ctx).Err() }
	script := func() error { return one.EvalSha(ctx, rdb, nil).Err() }
	pipe := func(p func(redis.Pipeliner)) func() error {
		return func() error {
			_, err := rdb.Pipelined(ctx, func(pl redis.Pipeliner) error {
				for range 64 {
					p(pl)
				}
				return nil
			})
			return err
		}
	}
	for round := range s.rounds {
		for _, c := range []struct {
			name            string
			goroutines, per int
			do              func() error
		}{
			{"PING, 1 goroutine", 1, 1, ping},
			{"PING, 64", 64, 1, ping},
			{"EVALSHA return 1, 1 goroutine", 1, 1, script},
			{"EVALSHA return 1, 64", 64, 1, script},
			{"pipelines of 64 PING, 1 goroutine", 1, 64, pipe(func(p redis.Pipeliner) { p.Ping(ctx) })},
			{"pipelines of 64 EVALSHA return 1, 1 goroutine", 1, 64, pipe(func(p redis.Pipeliner) { one.EvalSha(ctx, p, nil) })},
		} {
			if _, err := s.fresh(ctx, fmt.Sprintf("R, round %d: %s", round+1, c.name)); err != nil {
				return err
			}
			v, err := s.fire(ctx, c.goroutines, c.per, c.do)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			t.add(v, c.name)
		}
		v, err := s.idle(ctx, round)
		if err != nil {
			return err
		}
		t.add(v, "nothing at all")
		t.add(s.sleeps(), "time.Sleep(25 ms), late by")
	}
	return nil
}

// fire repeats do from a number of goroutines. Each do sends per commands.
func (s *session) fire(ctx context.Context, goroutines, per int, do func() error) (values, error) {
	var mu sync.Mutex
	var took []time.Duration
	var first error
	var over atomic.Bool
	var running sync.WaitGroup
	began := time.Now()
	for range goroutines {
		running.Go(func() {
			mine, failed := make([]time.Duration, 0, 1<<14), error(nil)
			for !over.Load() && failed == nil {
				at := time.Now()
				failed = do()
				mine = append(mine, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			took = append(took, mine...)
			if first == nil {
				first = failed
			}
		})
	}
	err := pause(ctx, s.during(time.Second, 300*time.Millisecond))
	over.Store(true)
	running.Wait()
	if err == nil {
		err = first
	}
	if err != nil {
		return nil, err
	}
	return values{
		"a second": float64(len(took)*per) / time.Since(began).Seconds(),
		"p50 µs":   measure.Quantile(took, 0.5) / float64(time.Microsecond),
		"p99 µs":   measure.Quantile(took, 0.99) / float64(time.Microsecond),
	}, nil
}

// idle measures the CPU that this process and Redis use while they are idle. Each CPU figure of the other tables includes it.
func (s *session) idle(ctx context.Context, round int) (values, error) {
	if _, err := s.fresh(ctx, fmt.Sprintf("R, round %d: idle", round+1)); err != nil {
		return nil, err
	}
	mark, err := measure.Begin(ctx, s.rdb)
	if err != nil {
		return nil, err
	}
	if err := pause(ctx, s.during(2*time.Second, time.Second)); err != nil {
		return nil, err
	}
	cost, err := mark.End(ctx, s.rdb)
	if err != nil {
		return nil, err
	}
	return values{
		"client µs of CPU/s": float64(cost.Process.Microseconds()) / cost.Took.Seconds(),
		"Redis µs of CPU/s":  float64(cost.Server.Microseconds()) / cost.Took.Seconds(),
	}, nil
}

// sleeps measures how late time.Sleep returns.
func (s *session) sleeps() values {
	var late []time.Duration
	for began := time.Now(); time.Since(began) < s.during(3*time.Second, time.Second); {
		at := time.Now()
		time.Sleep(25 * time.Millisecond)
		late = append(late, time.Since(at)-25*time.Millisecond)
	}
	return values{
		"p50 µs": measure.Quantile(late, 0.5) / float64(time.Microsecond),
		"p99 µs": measure.Quantile(late, 0.99) / float64(time.Microsecond),
	}
}
