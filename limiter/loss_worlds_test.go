package limiter_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestLossBesideOtherThings: Redis loses its data during other activity: calls of several tokens, several limits in a bucket,
// several buckets on a route, limits set for the fleet, a pause, returned reservations, replicas that disagree. The started tokens
// keep the law of each limit.
func TestLossBesideOtherThings(t *testing.T) {
	hour := limiter.Limit{Tokens: 1000, Per: time.Hour, Burst: 1000}
	day := limiter.PerWindow(90, 24*time.Hour)
	for name, c := range map[string]struct {
		limits []limiter.Limit // of the bucket global
		narrow []limiter.Limit // of a bucket before it; nil for none
		set    *limiter.Limit  // the limit that Configure sets for global; nil for none
		other  *limiter.Limit  // the limit that one more replica wants for global; nil for none
		pause  time.Duration   // of global, just before the loss
		costs  int64           // calls cost 1 to this
		back   int             // one of so many reservations is returned; 0 for none
	}{
		"costs of 1 to 7":             {limits: []limiter.Limit{hour}, costs: 7},
		"a fast limit and a slow one": {limits: []limiter.Limit{limiter.PerSecond(5, 5), hour}, costs: 3},
		"a bucket and a window":       {limits: []limiter.Limit{limiter.PerSecond(5, 5), day}, costs: 2},
		"a daily one before a shared": {limits: []limiter.Limit{limiter.PerSecond(5, 5)}, narrow: []limiter.Limit{day}, costs: 1},
		"a set limit":                 {limits: []limiter.Limit{hour}, set: &limiter.Limit{Tokens: 600, Per: time.Hour, Burst: 300}, costs: 2},
		"replicas that disagree":      {limits: []limiter.Limit{hour}, other: &limiter.Limit{Tokens: 300, Per: time.Hour, Burst: 200}, costs: 1},
		"a pause":                     {limits: []limiter.Limit{hour}, pause: 20 * time.Second, costs: 1},
		"returned reservations":       {limits: []limiter.Limit{hour}, costs: 4, back: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				rnd := rand.New(rand.NewPCG(3, 4))
				buckets, routes := map[string][]limiter.Limit{"global": c.limits}, map[string][]string{}
				route := "global"
				if c.narrow != nil {
					route = "both"
					buckets["narrow"], routes[route] = c.narrow, []string{"narrow", "global"}
				}
				f := newRedisFleet(t, 3, config(buckets, routes))
				defer f.close(t)
				force := c.limits
				if c.set != nil {
					if err := f.fleet[0].Configure(t.Context(), "global", *c.set); err != nil {
						t.Fatal(err)
					}
					force = []limiter.Limit{*c.set}
				}
				if c.other != nil {
					l, _ := member(t, limitertest.Options(f.server), config(map[string][]limiter.Limit{"global": {*c.other}}, nil))
					defer closeLimiter(t, l)
					force = []limiter.Limit{*c.other}
				}
				time.Sleep(11 * time.Second) // every replica knows the change
				var mu sync.Mutex
				var tokens []time.Time
				take := func(l *limiter.Limiter) bool {
					soon, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
					defer cancel()
					cost := 1 + rnd.Int64N(c.costs)
					r, err := l.ReserveN(soon, route, cost)
					if err != nil {
						return false
					}
					if c.back > 0 && rnd.IntN(c.back) == 0 {
						r.Cancel()
						return true
					}
					time.Sleep(r.Delay())
					if !r.Use(route) {
						return false
					}
					mu.Lock()
					defer mu.Unlock()
					for range cost {
						tokens = append(tokens, time.Now())
					}
					return true
				}
				use := func(calls int, pause time.Duration) (served int) {
					for i := range calls {
						if take(f.fleet[i%3]) {
							served++
						}
						time.Sleep(time.Duration(rnd.Int64N(int64(pause))))
					}
					return served
				}
				before := use(60, time.Second)
				if c.pause > 0 {
					if err := f.fleet[1].Pause(t.Context(), "global", c.pause); err != nil {
						t.Fatal(err)
					}
				}
				f.server.FlushAll()
				during := use(24, time.Second)
				after := use(200, time.Second)
				t.Logf("%d calls before the loss, %d in about 12 s after it, %d in the minutes after these", before, during, after)
				if after == 0 && c.narrow == nil {
					t.Error("no call started after the loss")
				}
				for _, l := range append(force, c.narrow...) {
					if err := limitertest.Law(tokens, l, limiter.DefaultSlack); err != nil {
						t.Error(err)
					}
				}
			})
		})
	}
}
