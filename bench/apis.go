package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/bench/measure"
	"github.com/weir-go/weir/limiter"
)

const (
	global   = "global"
	budgeted = 40 // rate of the shared bucket, tokens a second
)

// apis returns the rates of three APIs, in tokens a second. The burst is the tokens of a second. Together they are below the rate of
// the shared bucket.
func apis() map[string]int { return map[string]int{"a": 5, "b": 20, "c": 2} }

// above returns the rates of three APIs that together exceed the 40 a second of the shared bucket.
func above() map[string]int { return map[string]int{"a": 30, "b": 30, "c": 5} }

// threeAPIs is workload T: 64 replicas of weir keep buckets busy, and then send an urgent call every second. They play four demands:
// three APIs under one shared bucket, three faster APIs under it, and the shared bucket alone with ten waiters in each replica or with one.
func threeAPIs(ctx context.Context, s *session) error {
	if len(s.of("weir")) == 0 {
		return nil
	}
	t := s.table("T", "64 replicas of weir: three APIs (5, 20, 2 a second) under 40 a second, and 40 a second alone", []string{"demand", "bucket"},
		median("use", 4), most("over, no slack", 0), most("over the law", 0), median("calls/token", 3),
		median("urgent mean ms", 0), most("urgent longest ms", 0))
	for round := range s.rounds {
		for _, d := range []demand{
			{name: "three APIs", rates: apis(), of: 5, urgent: "b"},
			{name: "three APIs above", rates: above(), of: 5, urgent: "b"},
			{name: "shared alone", of: 10, urgent: global},
			{name: "shared alone, one waiter", of: 1, urgent: global},
		} {
			if err := d.run(ctx, s, t, round); err != nil {
				return fmt.Errorf("%s: %w", d.name, err)
			}
		}
	}
	return nil
}

// demand says how many waiters wait on which routes.
type demand struct {
	name   string
	rates  map[string]int // of the APIs; nil if the waiters wait only on the shared bucket
	of     int            // waiters of each replica on each API, or on the shared bucket
	urgent string         // route of the urgent calls
}

// waiters returns the routes on which waiters wait.
func (d demand) waiters() []string {
	if d.rates == nil {
		return []string{global}
	}
	return slices.Sorted(maps.Keys(d.rates))
}

// replicasOfDemand is the number of replicas of each demand.
const replicasOfDemand = 64

func (d demand) run(ctx context.Context, s *session, t *table, round int) error {
	key, err := s.fresh(ctx, fmt.Sprintf("T, round %d: %s", round+1, d.name))
	if err != nil {
		return err
	}
	fleet, closeClients, err := d.fleet(ctx, s.addr, key)
	defer closeClients()
	if err != nil {
		return err
	}
	life, end := context.WithCancel(ctx)
	defer end()
	diaries := map[string][]diary{}
	var running sync.WaitGroup
	zero := time.Now()
	for _, route := range d.waiters() {
		diaries[route] = make([]diary, replicasOfDemand*d.of)
		for n := range diaries[route] {
			l, mine := fleet[n/d.of], &diaries[route][n]
			running.Go(func() {
				mine.loop(life, zero, nil, func(ctx context.Context) error { return l.Wait(ctx, route) })
			})
		}
	}
	sh := shape{warm: 4 * time.Second, length: s.during(time.Minute, 20*time.Second)}
	w, cost, err := s.watch(ctx, zero, sh)
	urgent := diary{}
	if err == nil {
		err = d.sendUrgent(life, zero, fleet, &urgent, s.urgentCalls())
	}
	end()
	running.Wait()
	for _, l := range fleet {
		err = errors.Join(err, l.Close(ctx))
	}
	for _, all := range diaries {
		for i := range all {
			err = errors.Join(err, all[i].err)
		}
	}
	if err != nil {
		return err
	}
	d.report(t, diaries, urgent, w, cost)
	return nil
}

// urgentCalls returns the number of urgent calls.
func (s *session) urgentCalls() int {
	if s.quick {
		return 6
	}
	return 20
}

func (d demand) fleet(ctx context.Context, addr, key string) (fleet []*limiter.Limiter, closeClients func(), err error) {
	var clients []*redis.Client
	closeClients = func() {
		for _, rdb := range clients {
			_ = rdb.Close() // the run has ended
		}
	}
	cfg := limiter.Config{
		Namespace: key,
		Buckets:   map[string][]limiter.Limit{global: {limiter.PerSecond(budgeted, 0)}},
		Routes:    map[string][]string{},
	}
	for name, rate := range d.rates {
		cfg.Buckets[name] = []limiter.Limit{limiter.PerSecond(int64(rate), 0)}
		cfg.Routes[name] = []string{name, global}
	}
	for range replicasOfDemand {
		rdb := redis.NewClient(&redis.Options{Addr: addr})
		clients = append(clients, rdb)
		l, err := limiter.New(ctx, rdb, cfg)
		if err != nil {
			return nil, closeClients, err
		}
		fleet = append(fleet, l)
	}
	return fleet, closeClients, nil
}

// sendUrgent sends urgent calls, a second apart, each from another replica.
func (d demand) sendUrgent(ctx context.Context, zero time.Time, fleet []*limiter.Limiter, mine *diary, calls int) error {
	for i := range calls {
		mine.once(ctx, zero, nil, func(ctx context.Context) error {
			return fleet[i%len(fleet)].Wait(ctx, d.urgent, limiter.Urgent())
		})
		if mine.err != nil {
			return mine.err
		}
		if err := pause(ctx, time.Second-(time.Since(zero)-mine.asked)); err != nil {
			return err
		}
	}
	return nil
}

// report adds a row for each bucket, from all calls through it, urgent ones included. The window ends before the urgent calls begin, so
// use and calls/token are numbers of the other calls.
func (d demand) report(t *table, diaries map[string][]diary, urgent diary, w window, cost measure.Cost) {
	through := map[string][]time.Duration{d.urgent: slices.Clone(urgent.starts)}
	tokens := 0
	for route, all := range diaries {
		through[route] = append(through[route], allStarts(all)...)
		for i := range all {
			tokens += all[i].within(w)
		}
	}
	if d.urgent != global {
		for _, route := range d.waiters() {
			through[global] = append(through[global], through[route]...)
		}
	}
	rates := map[string]int{global: budgeted}
	maps.Copy(rates, d.rates)
	for _, bucket := range slices.Sorted(maps.Keys(through)) {
		starts := through[bucket]
		slices.Sort(starts)
		inside := 0
		for _, at := range starts {
			if w.holds(at) {
				inside++
			}
		}
		law := measure.Law{Rate: int64(rates[bucket]), Burst: int64(rates[bucket])}
		v := values{
			"use":            float64(inside) / (float64(rates[bucket]) * (w.to - w.from).Seconds()),
			"over, no slack": float64(law.Over(starts)),
		}
		law.Slack = slack
		v["over the law"] = float64(law.Over(starts))
		if bucket == d.urgent {
			v["urgent mean ms"], v["urgent longest ms"] = waited(urgent.waits)
		}
		if bucket == global {
			v["calls/token"] = float64(cost.Calls()["evalsha"]+cost.Calls()["eval"]) / float64(max(1, tokens))
		}
		t.add(v, d.name, bucket)
	}
}

// waited returns the mean and the longest of some waits, in ms.
func waited(waits []time.Duration) (mean, longest float64) {
	var sum time.Duration
	for _, t := range waits {
		sum += t
	}
	ms := float64(time.Millisecond)
	return float64(sum) / float64(len(waits)) / ms, measure.Quantile(waits, 1) / ms
}
