package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// generation is one version of the scripts.
type generation struct {
	name      string
	configure func(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs) (lua.ConfigureReply, error)
	path      func(keys lua.Keys, session, lane string, limits []lua.Limit) asker
	// die leaves the records of replicas that announced themselves with these arguments an hour ago, and not since.
	die func(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs, replicas int) error
}

// asker makes calls with the limits of one route. Each version of the scripts has its own.
type asker interface {
	Acquire(ctx context.Context, rdb redis.UniversalClient, a *lua.AcquireArgs, r *lua.AcquireReply) error
}

// present returns this version of the scripts.
func present() generation {
	return generation{
		name: "now",
		configure: func(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs) (lua.ConfigureReply, error) {
			return lua.Configure(ctx, rdb, keys, a)
		},
		path: func(keys lua.Keys, session, lane string, limits []lua.Limit) asker {
			return lua.NewPath(keys, session, lane, limits)
		},
		die: dieNow,
	}
}

// dieNow announces the replicas, and then moves the clock by which records age by an hour. Announcements alone would move it by at most
// 10 s each.
func dieNow(ctx context.Context, rdb *redis.Client, keys lua.Keys, a lua.ConfigureArgs, replicas int) error {
	names := deadNames(replicas)
	if err := together(replicas, func(i int) error {
		b := a
		b.Replica, b.Session = names[i], names[i]
		_, err := lua.Configure(ctx, rdb, keys, b)
		return err
	}); err != nil {
		return err
	}
	text, err := rdb.HGet(ctx, keys.Wishes(), "clock").Result()
	if err != nil {
		return err
	}
	var version, seen, aged int64
	if _, err := fmt.Sscan(text, &version, &seen, &aged); err != nil {
		return fmt.Errorf("the clock of the replicas' records is %q: %w", text, err)
	}
	return rdb.HSet(ctx, keys.Wishes(), "clock", fmt.Sprint(version, seen, aged+time.Hour.Microseconds())).Err()
}

func deadNames(n int) []string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprint("dead-", i)
	}
	return names
}

// routesOfFleet is the number of routes of each replica. Each route has a bucket of its own and the shared one.
const routesOfFleet = 10

// fleetLimits returns the limits in the configuration of every replica: the buckets of the routes, the shared bucket, a bucket so slow that
// no lane in its line gets a token, and a window.
func fleetLimits() (routes []lua.Limit, shared, slow, window lua.Limit) {
	second, hour := time.Second.Microseconds(), time.Hour.Microseconds()
	fast := func(name string) lua.Limit {
		return lua.Limit{Field: lua.Field{Bucket: name, PerUS: second}, Tokens: plenty, PerUS: second, Burst: plenty}
	}
	for i := range routesOfFleet {
		routes = append(routes, fast(fmt.Sprint("api-", i)))
	}
	slow = lua.Limit{Field: lua.Field{Bucket: "slow", PerUS: hour}, Tokens: 1, PerUS: hour, Burst: 1}
	window = fast("window")
	window.Field.Window = true
	return routes, fast("shared"), slow, window
}

// tenant returns the limit of a bucket that a replica makes at run time.
func tenant(i int) lua.Limit {
	second := time.Second.Microseconds()
	return lua.Limit{
		Field: lua.Field{Bucket: fmt.Sprint("tenant-", i), PerUS: second}, Tokens: plenty, PerUS: second, Burst: plenty, Own: true,
	}
}

// world is a namespace with the records of a fleet.
type world struct {
	generation

	rdb  *redis.Client
	keys lua.Keys
	conf lua.ConfigureReply // the reply to its first replica
	seq  atomic.Int64
}

func newWorld(ctx context.Context, rdb *redis.Client, g generation, namespace string) (*world, error) {
	w := &world{generation: g, rdb: rdb, keys: lua.Keys(namespace)}
	var err error
	w.conf, err = g.configure(ctx, rdb, w.keys, w.announcement("replica-0"))
	return w, err
}

// announcement returns the arguments of the configure that a replica makes every 10 s.
func (w *world) announcement(replica string) lua.ConfigureArgs {
	routes, shared, slow, window := fleetLimits()
	return lua.ConfigureArgs{
		Epoch: w.conf.Epoch, Grants: w.conf.Grants, Fresh: "epoch", Version: w.conf.Version, Told: w.conf.Told, Force: w.conf.Force,
		HorizonUS: limiter.DefaultHorizon.Microseconds(), Replica: replica, Session: replica,
		Wish: append(routes, shared, slow, window), Empty: []lua.Field{slow.Field},
	}
}

func (w *world) announce(ctx context.Context, replica string) error {
	_, err := w.configure(ctx, w.rdb, w.keys, w.announcement(replica))
	return err
}

// ask makes one request for reservations.
func (w *world) ask(ctx context.Context, p asker, asks ...lua.Ask) (lua.AcquireReply, error) {
	return w.give(ctx, p, limiter.DefaultHorizon, nil, asks...)
}

// give makes one request that also returns reservations.
func (w *world) give(ctx context.Context, p asker, horizon time.Duration, backs []lua.Back, asks ...lua.Ask) (lua.AcquireReply, error) {
	var r lua.AcquireReply
	err := p.Acquire(ctx, w.rdb, &lua.AcquireArgs{
		Seq: w.seq.Add(1), Epoch: w.conf.Epoch, Version: w.conf.Version, HorizonUS: horizon.Microseconds(), Backs: backs, Asks: asks,
	}, &r)
	return r, err
}

// live makes a fleet of live replicas. Each makes a call on each of its routes.
func (w *world) live(ctx context.Context, replicas int) error {
	routes, shared, _, _ := fleetLimits()
	if err := together(replicas, func(i int) error { return w.announce(ctx, fmt.Sprint("replica-", i)) }); err != nil {
		return err
	}
	return together(replicas*len(routes), func(i int) error {
		replica, route := fmt.Sprint("replica-", i/len(routes)), i%len(routes)
		_, err := w.ask(ctx, w.path(w.keys, replica, fmt.Sprint("route-", route), []lua.Limit{routes[route], shared}), oneCall())
		return err
	})
}

// use makes one call for each tenant, from one of four replicas.
func (w *world) use(ctx context.Context, tenants int) error {
	_, shared, _, _ := fleetLimits()
	const replicas = 4
	if err := together(replicas, func(i int) error { return w.announce(ctx, fmt.Sprint("replica-", i)) }); err != nil {
		return err
	}
	return together(tenants, func(i int) error {
		p := w.path(w.keys, fmt.Sprint("replica-", i%replicas), fmt.Sprint("tenant-", i), []lua.Limit{tenant(i), shared})
		_, err := w.ask(ctx, p, oneCall())
		return err
	})
}

// addDead adds the records of replicas that died an hour ago.
func (w *world) addDead(ctx context.Context, dead int) error {
	return w.die(ctx, w.rdb, w.keys, w.announcement(""), dead)
}

func oneCall() lua.Ask { return lua.Ask{Count: 1, Costs: []int64{1}, PatienceUS: -1} }

// unequal returns 64 asks, no two of which can be served together.
func unequal() []lua.Ask {
	asks := make([]lua.Ask, 64)
	for i := range asks {
		asks[i] = lua.Ask{Count: 1, Costs: []int64{int64(1 + i%3)}, PatienceUS: time.Second.Microseconds() + int64(i)}
	}
	return asks
}

// together calls do for each i below n, from 16 goroutines, and returns the first error.
func together(n int, do func(i int) error) error {
	var next atomic.Int64
	var once sync.Once
	var first error
	var running sync.WaitGroup
	for range 16 {
		running.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				if err := do(i); err != nil {
					once.Do(func() { first = err })
					next.Store(int64(n))
				}
			}
		})
	}
	running.Wait()
	return first
}
