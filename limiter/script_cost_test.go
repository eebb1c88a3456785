package limiter_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// slowLog makes Redis log the time of every command. scripts returns the times of the scripts.
func slowLog(t *testing.T, rdb *redis.Client) (scripts func() []time.Duration) {
	t.Helper()
	for _, pair := range [][2]string{{"slowlog-log-slower-than", "0"}, {"slowlog-max-len", "20000"}} {
		if err := rdb.ConfigSet(t.Context(), pair[0], pair[1]).Err(); err != nil {
			t.Fatal(err)
		}
	}
	return func() (out []time.Duration) {
		entries, err := rdb.SlowLogGet(t.Context(), -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if strings.EqualFold(e.Args[0], "evalsha") || strings.EqualFold(e.Args[0], "eval") {
				out = append(out, e.Duration)
			}
		}
		slices.Sort(out)
		return out
	}
}

// TestLargeCallsOnALargeWindow: a call that costs the whole window takes one entry in its log and one short run of a
// script.
func TestLargeCallsOnALargeWindow(t *testing.T) {
	for name, c := range map[string]struct {
		window limiter.Limit
		cost   int64
		calls  int
	}{
		"100,000 in a second":          {limiter.PerWindow(100_000, time.Second), 100_000, 1},
		"100,000 in 100 ms":            {limiter.PerWindow(100_000, 100*time.Millisecond), 100_000, 6},
		"a tenth of 100,000 in 300 ms": {limiter.PerWindow(100_000, 300*time.Millisecond), 10_000, 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := limitertest.Server(t)
			l, err := limiter.New(t.Context(), rdb, config(map[string][]limiter.Limit{"global": {c.window}}, nil))
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			scripts := slowLog(t, rdb)
			log := lua.Keys(limiter.DefaultNamespace).Log(lua.Field{Bucket: "global", PerUS: c.window.Per.Microseconds(), Window: true})
			for range c.calls {
				if err := l.WaitN(t.Context(), "global", c.cost); err != nil {
					t.Fatal(err)
				}
				// Each call of the last window and of the horizon has at most one entry.
				most := 2*c.window.Tokens/c.cost + 2
				if n, err := rdb.ZCard(t.Context(), log).Result(); err != nil || n < 1 || n > most {
					t.Errorf("the log has %d entries, %v, want %d at most", n, err, most)
				}
			}
			took := scripts()
			t.Logf("%d scripts: median %v, longest %v", len(took), took[len(took)/2], took[len(took)-1])
			if half := took[len(took)/2]; half > 5*time.Millisecond { // on a busy machine some are slow
				t.Errorf("half of the scripts took %v or longer", half)
			}
		})
	}
}

// TestManyCallersOnManyLimits: however many callers ask at once on a route of many limits, each run of the script is
// short.
func TestManyCallersOnManyLimits(t *testing.T) {
	for name, c := range map[string]struct {
		limits, callers int
		rate, burst     int64
		cost            int64
		urgent          bool
	}{
		"256 urgent on 20 limits":           {20, 256, 10_000, 10_000, 1, true},
		"256 urgent on 20 limits, burst 10": {20, 256, 10_000, 10, 1, true},
		"256 ordinary on 20 limits":         {20, 256, 10_000, 100, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := limitertest.Server(t)
			cfg := config(map[string][]limiter.Limit{}, map[string][]string{"route": nil})
			for i := range c.limits {
				bucket := fmt.Sprintf("b%d", i)
				cfg.Buckets[bucket] = []limiter.Limit{limiter.PerSecond(c.rate, c.burst)}
				cfg.Routes["route"] = append(cfg.Routes["route"], bucket)
			}
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			time.Sleep(300 * time.Millisecond) // until the initial debt of a bucket is paid
			scripts := slowLog(t, rdb)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var opts []limiter.Option
			if c.urgent {
				opts = append(opts, limiter.Urgent())
			}
			var running sync.WaitGroup
			end := time.Now().Add(250 * time.Millisecond)
			for range c.callers {
				running.Go(func() {
					for time.Now().Before(end) {
						if err := l.WaitN(ctx, "route", c.cost, opts...); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			running.Wait()
			took := scripts()
			sum := time.Duration(0)
			quick := took[:max(1, len(took)*9/10)] // the rest ran while the machine was busy with other work
			for _, d := range quick {
				sum += d
			}
			mean := sum / time.Duration(len(quick))
			t.Logf("%d scripts: mean %v, median %v, longest %v", len(took), mean, took[len(took)/2], took[len(took)-1])
			if mean > 3*time.Millisecond {
				t.Errorf("the faster nine tenths of the scripts took %v in the mean", mean)
			}
		})
	}
}
