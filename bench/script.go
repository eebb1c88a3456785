package main

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/bench/measure"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// scriptCost is workload S: the time of the acquire script as Redis reports it, and of the smallest script. The limiter makes most of the
// calls, so that the arguments are those of real calls.
func scriptCost(ctx context.Context, s *session) error {
	t := s.table("S", "time in Redis of one EVALSHA, as Redis reports it", []string{"script"}, median("µs", 2), median("runs", 0))
	one := redis.NewScript("return 1")
	for round := range s.rounds {
		key, err := s.fresh(ctx, fmt.Sprintf("S, round %d", round+1))
		if err != nil {
			return err
		}
		if err := one.Load(ctx, s.rdb).Err(); err != nil {
			return err
		}
		l, err := limiter.New(ctx, s.rdb, limiter.Config{
			Namespace: key,
			Buckets:   map[string][]limiter.Limit{"api": {limiter.PerSecond(plenty, plenty)}, "global": {limiter.PerSecond(plenty, plenty)}},
			Routes:    map[string][]string{"api": {"api", "global"}},
		})
		if err != nil {
			return err
		}
		if err := pause(ctx, 1500*time.Millisecond); err != nil { // a new bucket begins empty and in debt
			return err
		}
		for _, c := range []struct {
			name string
			do   func() error
		}{
			{"return 1", func() error { return one.EvalSha(ctx, s.rdb, nil).Err() }},
			{"one token on two buckets", func() error { return l.Wait(ctx, "api") }},
			{"16 tokens on two buckets", func() error {
				got, _, err := l.ReserveBatch(ctx, "api", limiter.Run{N: 16})
				if err == nil && len(got) != 16 {
					err = fmt.Errorf("%d reservations of 16", len(got))
				}
				for _, r := range got {
					if err == nil && !r.Use("api") {
						err = fmt.Errorf("a reservation that is due in %v could not be used", r.Delay())
					}
				}
				return err
			}},
			{"one token on one bucket", func() error { return l.Wait(ctx, "global") }},
			{"behind 64 lanes", behind(ctx, s.rdb, key+"-64", 64)},
			{"behind 1,000 lanes", behind(ctx, s.rdb, key+"-1000", 1000)},
		} {
			if err := c.do(); err != nil { // the first call loads the script, and queues the lanes of behind
				return fmt.Errorf("%s: %w", c.name, err)
			}
			v, err := s.scripts(ctx, c.do)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			t.add(v, c.name)
		}
		if err := l.Close(ctx); err != nil {
			return err
		}
	}
	return nil
}

// scripts repeats do, and returns the mean time of its EVALSHA commands in Redis.
func (s *session) scripts(ctx context.Context, do func() error) (values, error) {
	mark, err := measure.Begin(ctx, s.rdb)
	if err != nil {
		return nil, err
	}
	for began := time.Now(); time.Since(began) < s.during(time.Second, 300*time.Millisecond); {
		if err := do(); err != nil {
			return nil, err
		}
	}
	cost, err := mark.End(ctx, s.rdb)
	if err != nil {
		return nil, err
	}
	c := cost.Commands["evalsha"]
	return values{"µs": float64(c.Micros) / float64(max(1, c.Calls)), "runs": float64(c.Calls)}, nil
}

// behind returns a request that queues again behind a number of lanes, on a limit so slow that no lane gets a token. It calls
// the scripts directly, because a limiter would not ask again at once.
func behind(ctx context.Context, rdb *redis.Client, namespace string, lanes int) func() error {
	limit := lua.Limit{
		Field:  lua.Field{Bucket: "slow", PerUS: time.Hour.Microseconds()},
		Tokens: 1, PerUS: time.Hour.Microseconds(), Burst: 1,
	}
	keys, seq, horizon := lua.Keys(namespace), int64(0), limiter.DefaultHorizon.Microseconds()
	var conf lua.ConfigureReply
	ask := func(p *lua.Path, age int64) error {
		seq++
		var r lua.AcquireReply
		err := p.Acquire(ctx, rdb, &lua.AcquireArgs{
			Seq: seq, Epoch: conf.Epoch, Grants: conf.Grants, Version: conf.Version, HorizonUS: horizon,
			Asks: []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: -1, AgeUS: age}},
		}, &r)
		if err == nil && r.ComeBackUS < 0 {
			err = fmt.Errorf("a request behind %d lanes was served", lanes)
		}
		return err
	}
	var mine *lua.Path
	return func() error {
		if mine == nil {
			var err error
			if conf, err = lua.Configure(ctx, rdb, keys, lua.ConfigureArgs{
				Fresh: "epoch", HorizonUS: horizon, Replica: "bench", Session: "bench", Wish: []lua.Limit{limit},
				Empty: []lua.Field{limit.Field},
			}); err != nil {
				return err
			}
			for i := range lanes {
				if err := ask(lua.NewPath(keys, "bench", fmt.Sprint("lane-", i), []lua.Limit{limit}), int64(lanes-i)*1000); err != nil {
					return err
				}
			}
			mine = lua.NewPath(keys, "bench", "mine", []lua.Limit{limit})
		}
		return ask(mine, 0)
	}
}
