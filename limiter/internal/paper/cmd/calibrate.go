package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/paper"
	"github.com/weir-go/weir/lua"
)

// The sizes at which calibrate measures the constants.
const (
	callers   = 16 // that call Redis at once while a script is measured
	shortLine = 16
	longLine  = 4096
	manyAsks  = 17
	replicas  = 256 // that announce themselves
	recorded  = 600 // bytes of a record
)

// calibration measures how much CPU time Redis uses for each kind of request. Redis itself counts it, including parsing, reading and
// writing.
type calibration struct {
	*server

	mu   sync.Mutex
	seq  int64
	conf lua.ConfigureReply
}

// calibrate measures the constants of a world on a real Redis.
func calibrate(ctx context.Context, s *server) (paper.Costs, error) {
	c := &calibration{server: s}
	var p paper.Costs
	var err error
	note := func(into *time.Duration, measure func(context.Context) (time.Duration, error)) {
		if err == nil {
			*into, err = measure(ctx)
		}
	}
	note(&p.Presence, c.presence)
	note(&p.Announce, c.announce)
	note(&p.Publish, c.publish)
	note(&p.Plain, c.fast(1, 1, false))
	note(&p.Full, c.fast(1, 1, true))
	note(&p.Ask, c.fast(manyAsks, 1, false))
	note(&p.Limit, c.fast(1, 2, false))
	var short, long, twice time.Duration
	note(&short, c.behind(shortLine, false))
	note(&twice, c.behind(shortLine, true))
	note(&long, c.behind(longLine, false))
	if err != nil {
		return p, err
	}
	p.Ask = max(0, p.Ask-p.Plain) / (manyAsks - 1)
	p.Limit = max(0, p.Limit-p.Plain)
	doublings := math.Log2(1+longLine) - math.Log2(1+shortLine)
	p.Deep = time.Duration(max(0, float64(long-short)/2/doublings))
	p.Line = max(0, (short-p.Full)/2-time.Duration(math.Log2(1+shortLine)*float64(p.Deep)))
	p.Bail = max(0, twice-short)
	return p, c.trip(ctx, &p)
}

// each calls do from all callers at once, times times from each. It returns the CPU time that Redis used per call of do.
func (c *calibration) each(ctx context.Context, times int, do func(caller int) error) (time.Duration, error) {
	turn := func(times int) error {
		var wait sync.WaitGroup
		var first error
		for i := range callers {
			wait.Go(func() {
				for range times {
					if err := do(i); err != nil {
						c.mu.Lock()
						first = err
						c.mu.Unlock()
						return
					}
				}
			})
		}
		wait.Wait()
		return first
	}
	if err := turn(20); err != nil { // the first calls load scripts and open connections
		return 0, err
	}
	before, err := c.usage(ctx)
	if err == nil {
		err = turn(times)
	}
	if err != nil {
		return 0, err
	}
	after, err := c.usage(ctx)
	return (after.cpu - before.cpu) / time.Duration(times*callers), err
}

func limitOf(name string, tokens int64, per time.Duration) lua.Limit {
	return lua.Limit{Field: lua.Field{Bucket: name, PerUS: per.Microseconds()}, Tokens: tokens, PerUS: per.Microseconds(), Burst: tokens}
}

// limits returns the configured limits of every replica: two that never delay a call, and one that is so slow that its line does not
// move.
func limits() (a, b, slow lua.Limit) {
	const plenty = 1_000_000
	return limitOf("a", plenty, time.Second), limitOf("b", plenty, time.Second), limitOf("slow", 1, time.Hour)
}

func (c *calibration) announcement(replica string) lua.ConfigureArgs {
	a, b, slow := limits()
	return lua.ConfigureArgs{
		Epoch: c.conf.Epoch, Grants: c.conf.Grants, Fresh: "epoch", Version: c.conf.Version, Told: c.conf.Told, Force: c.conf.Force,
		HorizonUS: limiter.DefaultHorizon.Microseconds(), Replica: replica, Session: replica, Wish: []lua.Limit{a, b, slow}, Empty: []lua.Field{slow.Field},
	}
}

func (c *calibration) presence(ctx context.Context) (time.Duration, error) {
	var err error
	if c.conf, err = lua.Configure(ctx, c.rdb, lua.Keys("paper"), c.announcement("0")); err != nil {
		return 0, err
	}
	next := make([]int, callers)
	return c.each(ctx, 600, func(i int) error {
		next[i] = (next[i] + 1) % (replicas / callers)
		_, err := lua.Configure(ctx, c.rdb, lua.Keys("paper"), c.announcement(fmt.Sprint(i, "-", next[i])))
		return err
	})
}

func (c *calibration) announce(ctx context.Context) (time.Duration, error) {
	record := []byte(strings.Repeat("x", recorded))
	return c.each(ctx, 600, func(i int) error {
		_, err := lua.Heartbeat(ctx, c.rdb, lua.Keys("paper"), fmt.Sprint(i), record, time.Minute, time.Minute)
		return err
	})
}

func (c *calibration) publish(ctx context.Context) (time.Duration, error) {
	record := []byte(strings.Repeat("x", recorded))
	return c.each(ctx, 1500, func(i int) error {
		return lua.Publish(ctx, c.rdb, lua.Keys("paper"), fmt.Sprint(i), record, time.Minute)
	})
}

// fast measures a request that Redis serves at once, with one limit or two. Its asks alternate in cost, so that no two of them can be
// merged. An urgent request runs the script that knows the line.
func (c *calibration) fast(asks, of int, urgent bool) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		a, b, _ := limits()
		var paths []*lua.Path
		for i := range callers {
			paths = append(paths, lua.NewPath(lua.Keys("paper"), fmt.Sprint("session-", i), fmt.Sprintf("fast-%d-%d-%v", asks, of, urgent), []lua.Limit{a, b}[:of]))
		}
		var all []lua.Ask
		for i := range asks {
			all = append(all, lua.Ask{Count: 1, Costs: []int64{int64(1 + i%2)}, PatienceUS: -1, Urgent: urgent})
		}
		return c.each(ctx, 1500, func(i int) error { return c.ask(ctx, paths[i], all, false) })
	}
}

// behind measures the request of a lane that is already in line and stays there, with so many other lanes in line. If unknowing, the
// lane does not know yet that there is a line, so its request runs both scripts.
func (c *calibration) behind(lanes int, unknowing bool) func(context.Context) (time.Duration, error) {
	return func(ctx context.Context) (time.Duration, error) {
		_, _, slow := limits()
		path := func(lane string) *lua.Path {
			return lua.NewPath(lua.Keys("paper"), "session", lane, []lua.Limit{slow})
		}
		ask := func(age int64) []lua.Ask {
			return []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: -1, AgeUS: age}}
		}
		for i := range lanes {
			if err := c.ask(ctx, path(fmt.Sprint("other-", i)), ask(int64(lanes-i)*1000), true); err != nil {
				return 0, err
			}
		}
		var paths []*lua.Path
		for i := range callers {
			paths = append(paths, path(fmt.Sprint("mine-", i)))
		}
		return c.each(ctx, 1000, func(i int) error {
			p := paths[i]
			if unknowing {
				p = path(fmt.Sprint("mine-", i))
			}
			return c.ask(ctx, p, ask(0), true)
		})
	}
}

// ask makes a request. It returns an error unless the request has to wait (waits), or is served.
func (c *calibration) ask(ctx context.Context, p *lua.Path, asks []lua.Ask, waits bool) error {
	c.mu.Lock()
	c.seq++
	a := lua.AcquireArgs{Seq: c.seq, Epoch: c.conf.Epoch, Version: c.conf.Version, HorizonUS: limiter.DefaultHorizon.Microseconds(), Asks: asks}
	c.mu.Unlock()
	var r lua.AcquireReply
	err := p.Acquire(ctx, c.rdb, &a, &r)
	if err == nil && waits != (r.ComeBackUS >= 0) {
		err = fmt.Errorf("has the request to wait: want %v, got a reply to ask again in %d µs", waits, r.ComeBackUS)
	}
	return err
}

// trip measures round trips of callers that are idle most of the time, as lanes are. It sets the shortest, and how much longer the mean
// is. Between two round trips each caller sleeps, as a task does. trip also sets how late the callers wake up, in the mean.
func (c *calibration) trip(ctx context.Context, p *paper.Costs) error {
	const turns, sleep = 100, 20 * time.Millisecond
	var trips []time.Duration
	late := time.Duration(0)
	work, err := c.each(ctx, turns, func(int) error {
		if err := pause(ctx, rand.N(sleep)); err != nil { // else all callers would continue in the same moment
			return err
		}
		began := time.Now()
		if err := pause(ctx, sleep); err != nil {
			return err
		}
		sent := time.Now()
		err := c.rdb.Ping(ctx).Err()
		took := time.Since(sent)
		c.mu.Lock()
		defer c.mu.Unlock()
		trips, late = append(trips, took), late+sent.Sub(began)-sleep
		return err
	})
	if err != nil {
		return err
	}
	slices.Sort(trips)
	sum, n := time.Duration(0), time.Duration(len(trips))
	for _, d := range trips {
		sum += d
	}
	shortest := trips[len(trips)/20]
	p.Trip, p.Spread, p.Late = max(0, shortest-work), max(0, sum/n-shortest), max(0, late/n)
	return nil
}
