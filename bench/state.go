package main

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/bench/measure"
)

// The worlds of workload M.
const (
	emptyWorld  = "empty fleet"
	liveWorld   = "live replicas"
	tenantWorld = "tenants"
	deadWorld   = "dead replicas"
)

// Names of scripts that are measured in each world. The last two have no goal. The loop reads nothing and shows the time that the
// machine adds. The first configure of this version over the records of the former one happens only once.
const (
	callConfigure = "configure"
	callBeside    = "acquire, one call, 1,000 were returned"
	callLoop      = "a loop, for comparison"
	callUpgrade   = "configure, once over former records"
)

// keptState is workload M: the time of the scripts in a Redis with many records, and the size of these records.
func keptState(ctx context.Context, s *session) error {
	replicas, tenants, dead := 1000, 50_000, 50_000
	if s.quick {
		tenants, dead = 5000, 5000
	}
	costs := s.table("M", fmt.Sprintf("µs of one script in Redis, as Redis reports it: %s live replicas of %d routes, %s tenants, %s dead replicas",
		number(float64(replicas), 0), routesOfFleet, number(float64(tenants), 0), number(float64(dead), 0)),
		[]string{"world", "script"}, median("median", 0), median("÷ empty", 2), median("p90", 0), most("longest", 0),
		median("before", 0), median("before ÷ empty", 2), most("longest before", 0))
	kept := s.table("M, kept", "what Redis keeps, and the longest script while a world was made and measured",
		[]string{"world"}, median("fields", 0), median("bytes each", 0), most("longest µs", 0),
		median("fields before", 0), median("bytes each before", 0), most("longest before µs", 0))
	for round := range s.rounds {
		for _, c := range []struct {
			name string
			each int // number of replicas or tenants, by which the memory is divided
			make func(w *world) error
		}{
			{emptyWorld, 0, func(*world) error { return nil }},
			{liveWorld, replicas, func(w *world) error { return w.live(ctx, replicas) }},
			{tenantWorld, tenants, func(w *world) error { return w.use(ctx, tenants) }},
			{deadWorld, dead, func(w *world) error { return w.addDead(ctx, dead) }},
		} {
			scripts, size := map[string]values{}, values{}
			for _, g := range []generation{present(), former()} {
				key, err := s.fresh(ctx, fmt.Sprintf("M, round %d: %s, %s", round+1, c.name, g.name))
				if err == nil {
					v := visit{session: s, scripts: scripts, size: size, dead: c.name == deadWorld, each: c.each}
					err = v.run(ctx, g, key, c.make)
				}
				if err != nil {
					return fmt.Errorf("%s, %s: %w", c.name, g.name, err)
				}
			}
			for _, name := range append(callNames(), callLoop, callUpgrade) {
				costs.add(scripts[name], c.name, name)
			}
			kept.add(size, c.name)
		}
	}
	return nil
}

// visit makes a world and measures it, with one version of the scripts.
type visit struct {
	*session

	scripts map[string]values // by script
	size    values
	dead    bool // the world has dead replicas, which are made again before each former configure
	each    int  // number of replicas or tenants
}

func (v *visit) run(ctx context.Context, g generation, key string, build func(*world) error) error {
	empty, err := newWorld(ctx, v.rdb, g, key+"-empty")
	if err != nil {
		return err
	}
	full, err := newWorld(ctx, v.rdb, g, key)
	if err != nil {
		return err
	}
	before, err := usedMemory(ctx, v.rdb)
	if err != nil {
		return err
	}
	if err := watch(ctx, v.rdb, 500*time.Microsecond); err != nil {
		return err
	}
	if err := build(full); err != nil {
		return err
	}
	seen, err := watched(ctx, v.rdb)
	if err != nil {
		return err
	}
	longest := slices.Max(append(seen[full.keys.State()], 0))
	after, err := usedMemory(ctx, v.rdb)
	if err != nil {
		return err
	}
	fields, err := v.rdb.HLen(ctx, full.keys.State()).Result()
	if err != nil {
		return err
	}
	now := g.name == present().name
	for i, c := range full.calls() {
		other := empty.calls()[i]
		times := 300
		switch {
		case c.name == callConfigure && !now:
			times = 5
		case v.quick:
			times = 60 // each configure forgets 64 dead replicas, and a quick run has only 5,000
		}
		do := func() error { return c.do(ctx) }
		if c.name == callConfigure && v.dead && !now {
			do = func() error { // the configure before has forgotten all dead replicas
				if err := build(full); err != nil {
					return err
				}
				return c.do(ctx)
			}
		}
		took, err := v.took(ctx, times, do, func() error { return other.do(ctx) })
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		mine := took[full.keys.State()]
		if c.name != callLoop {
			longest = max(longest, slices.Max(mine))
		}
		v.enter(c.name, now, mine, took[empty.keys.State()])
	}
	if now {
		v.size["fields"], v.size["longest µs"] = float64(fields), longest
		if v.each > 0 {
			v.size["bytes each"] = (after - before) / float64(v.each)
		}
		return nil
	}
	v.size["fields before"], v.size["longest before µs"] = float64(fields), longest
	if v.each > 0 {
		v.size["bytes each before"] = (after - before) / float64(v.each)
	}
	return v.upgrade(ctx, full, build)
}

// upgrade measures the first configure of this version in a world of the former one.
func (v *visit) upgrade(ctx context.Context, w *world, build func(*world) error) error {
	if v.dead {
		if err := build(w); err != nil {
			return err
		}
	}
	next := &world{generation: present(), rdb: w.rdb, keys: w.keys}
	took, err := v.took(ctx, 1, func() error { return next.announce(ctx, "replica-0") })
	if err != nil {
		return fmt.Errorf("%s: %w", callUpgrade, err)
	}
	v.scripts[callUpgrade] = values{"median": took[w.keys.State()][0], "longest": took[w.keys.State()][0]}
	return nil
}

// enter adds the times of a script to the results: in a world (mine), and in an empty one that was measured in turn with it.
func (v *visit) enter(name string, now bool, mine, empty []float64) {
	row := v.scripts[name]
	if row == nil {
		row = values{}
		v.scripts[name] = row
	}
	if now {
		row["median"], row["p90"], row["longest"] = measure.Median(mine), quantile(mine, 0.9), slices.Max(mine)
		row["÷ empty"] = measure.Median(mine) / measure.Median(empty)
		return
	}
	row["before"], row["longest before"] = measure.Median(mine), slices.Max(mine)
	row["before ÷ empty"] = measure.Median(mine) / measure.Median(empty)
}

func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1)]
}

func usedMemory(ctx context.Context, rdb *redis.Client) (float64, error) {
	sections, err := rdb.InfoMap(ctx, "memory").Result()
	if err != nil {
		return 0, err
	}
	return strconv.ParseFloat(sections["Memory"]["used_memory"], 64)
}
