package main

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/lua"
)

// call is one run of a script.
type call struct {
	name string
	do   func(ctx context.Context) error
}

// callNames returns the names of the calls that have a goal: all except the loop.
func callNames() []string {
	var names []string
	for _, c := range (&world{generation: present()}).calls() {
		if c.name != callLoop {
			names = append(names, c.name)
		}
	}
	return names
}

// calls returns the calls that are measured. The first replica of a world makes them.
func (w *world) calls() []call {
	routes, shared, slow, window := fleetLimits()
	path := func(lane string, limits ...lua.Limit) asker { return w.path(w.keys, "replica-0", lane, limits) }
	asks := func(p asker, asks ...lua.Ask) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := w.ask(ctx, p, asks...)
			return err
		}
	}
	loop := redis.NewScript("local n = 0 for i = 1, 10000 do n = n + i % 7 end return n")
	eight, hundred := oneCall(), unequal()
	eight.Count = 8
	for i := range hundred {
		hundred[i].Costs = []int64{1}
		if i < 36 {
			hundred[i].Count = 2
		}
	}
	return []call{
		{callConfigure, func(ctx context.Context) error { return w.announce(ctx, "replica-0") }},
		{"acquire, one call", asks(path("route-0", routes[0], shared), oneCall())},
		{"acquire, one call of a tenant", asks(path("tenant-0", tenant(0), shared), oneCall())},
		{"acquire, one call of a window", asks(path("window", window, shared), oneCall())},
		{"acquire, one call behind 64 lanes", w.behind(path("behind", slow), 64)},
		{"acquire, 8 calls, 8 returned", w.returned(path("returned", spent("returned"), shared), 0, 8, eight)},
		{"acquire, 64 unequal asks", asks(path("unequal", routes[1], shared), unequal()...)},
		{"acquire, 64 unequal asks of a tenant", asks(path("unequal-own", tenant(1), shared), unequal()...)},
		{"acquire, 64 unequal asks of a window", asks(path("unequal-window", window, tenant(2), shared), unequal()...)},
		{"acquire, 64 unequal asks, 100 returned", w.returned(path("unequal-returned", spent("unequal"), shared), 0, 100, hundred...)},
		{callBeside, w.returned(path("beside", spent("beside"), shared), 1000, 1, oneCall())},
		{callLoop, func(ctx context.Context) error { return loop.Run(ctx, w.rdb, []string{w.keys.State()}).Err() }},
	}
}

// behind returns a call that queues again behind a number of lanes. Its first run queues these lanes.
func (w *world) behind(mine asker, lanes int) func(context.Context) error {
	_, _, slow, _ := fleetLimits()
	filled := false
	return func(ctx context.Context) error {
		for i := 0; i < lanes && !filled; i++ {
			ask := oneCall()
			ask.AgeUS = int64(lanes-i) * 1000
			if _, err := w.ask(ctx, w.path(w.keys, "replica-0", fmt.Sprint("lane-", i), []lua.Limit{slow}), ask); err != nil {
				return err
			}
		}
		filled = true
		_, err := w.ask(ctx, mine, oneCall())
		return err
	}
}

// returned returns a call that returns a number of reservations (backs) and asks for reservations, on limits without a token. Its first
// run also returns further reservations (beside), which stay in Redis.
func (w *world) returned(p asker, beside, backs int, asks ...lua.Ask) func(context.Context) error {
	var now int64
	back := func(n int, in time.Duration) []lua.Back {
		out := make([]lua.Back, n)
		for i := range out {
			out[i] = lua.Back{DueUS: now + in.Microseconds() + int64(i), Costs: []int64{1}}
		}
		return out
	}
	horizon := limiter.DefaultHorizon
	if beside > 0 {
		horizon = time.Minute // these reservations must not be due before a slow machine has measured the calls
	}
	return func(ctx context.Context) error {
		if now == 0 {
			r, err := w.ask(ctx, p)
			if err != nil {
				return err
			}
			now = r.NowUS
			for i := 0; i < beside; i += 100 {
				if _, err := w.give(ctx, p, horizon, back(100, 50*time.Second)); err != nil {
					return err
				}
			}
		}
		r, err := w.give(ctx, p, horizon, back(backs, 100*time.Millisecond), asks...)
		now = r.NowUS
		return err
	}
}

// spent returns the limit of a bucket that has no token for an hour.
func spent(name string) lua.Limit {
	hour := time.Hour.Microseconds()
	return lua.Limit{Field: lua.Field{Bucket: name, PerUS: hour}, Tokens: 1, PerUS: hour, Burst: 200, Own: true, Empty: true}
}
