package limiter_test

import (
	"context"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// tick is how often a test sets the clock of Redis.
const tick = 10 * time.Millisecond

// runClock runs Redis' clock until the returned function is called. off returns its error, by the time since now.
func (c *redisFleet) runClock(off func(since time.Duration) time.Duration) (stop func()) {
	zero, done := time.Now(), make(chan struct{})
	var ticking sync.WaitGroup
	ticking.Go(func() {
		ticker := time.NewTicker(tick)
		defer ticker.Stop()
		for {
			select {
			case <-done:
				return
			case now := <-ticker.C:
				c.server.SetTime(now.Add(off(now.Sub(zero))))
			}
		}
	})
	return func() {
		close(done)
		ticking.Wait()
	}
}

// closedLoops runs so many callers in each replica, each in a loop, until the returned function is called.
func (c *redisFleet) closedLoops(t *testing.T, waiters int, j *journal) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	for _, l := range c.fleet {
		for range waiters {
			running.Go(func() {
				for ctx.Err() == nil {
					if err := j.wait(ctx, l, 1); err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	return func() {
		cancel()
		running.Wait()
	}
}

// wanderings returns patterns of a clock that wanders by up to 1 to each side of the true time.
func wanderings() map[string]func(time.Duration) float64 {
	rnd := rand.New(rand.NewPCG(9, 9))
	drawn := make([]float64, 1000)
	for i := range drawn {
		drawn[i] = 2*rnd.Float64() - 1
	}
	// phase returns the elapsed part of a period.
	phase := func(since, period time.Duration) float64 { return float64(since%period) / float64(period) }
	steps := func(period time.Duration) func(time.Duration) float64 {
		return func(since time.Duration) float64 { return 1 - 2*math.Floor(2*phase(since, period)) }
	}
	random := func(every time.Duration) func(time.Duration) float64 {
		return func(since time.Duration) float64 { return drawn[int(since/every)%len(drawn)] }
	}
	return map[string]func(time.Duration) float64{
		"steps every second":            steps(2 * time.Second),
		"steps every tenth of a second": steps(200 * time.Millisecond),
		"steps every 5 s":               steps(10 * time.Second),
		"sawtooth that falls":           func(since time.Duration) float64 { return 2*phase(since, 2*time.Second) - 1 },
		"fast sawtooth that falls":      func(since time.Duration) float64 { return 2*phase(since, 300*time.Millisecond) - 1 },
		"sawtooth that jumps":           func(since time.Duration) float64 { return 1 - 2*phase(since, 2*time.Second) },
		"stairs":                        func(since time.Duration) float64 { return math.Floor(4*phase(since, time.Second))/1.5 - 1 },
		"sine":                          func(since time.Duration) float64 { return math.Sin(since.Seconds() * math.Pi) },
		"fast sine":                     func(since time.Duration) float64 { return math.Sin(since.Seconds() * math.Pi * 6) },
		"at random, 5 times a second":   random(200 * time.Millisecond),
		"at random, every 3 s":          random(3 * time.Second),
	}
}

// TestClockOfRedisWanders: a clock wanders within a range of a second at most. However often it does so, it adds only the
// tokens of that range, once.
func TestClockOfRedisWanders(t *testing.T) {
	const by = 300 * time.Millisecond
	uses := map[string]struct {
		limit limiter.Limit
		use   func(*redisFleet, *testing.T, *journal) (stop func())
	}{
		"10 a second":               {limiter.PerSecond(10, 10), (*redisFleet).alwaysWait},
		"5 a second, burst 2":       {limiter.PerSecond(5, 2), (*redisFleet).alwaysWait},
		"1 a second, burst 1":       {limiter.PerSecond(1, 1), (*redisFleet).alwaysWait},
		"40 a second":               {limiter.PerSecond(40, 40), (*redisFleet).alwaysWait},
		"1000 a second, burst 20":   {limiter.PerSecond(1000, 20), (*redisFleet).alwaysWait},
		"20 a second, now and then": {limiter.PerSecond(20, 40), (*redisFleet).nowAndThen},
	}
	patterns := wanderings()
	for i, pattern := range slices.Sorted(maps.Keys(patterns)) {
		off := patterns[pattern]
		for _, name := range rows(uses, i, 2) {
			c := uses[name]
			t.Run(pattern+", "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					rate, burst := c.limit.Rate(), float64(c.limit.Burst)
					length := min(time.Minute, time.Duration(1200/rate)*time.Second)
					j := wander(t, c.limit, c.use, length, by, off)
					most := rate*length.Seconds() + burst + max(burst, rate*2*by.Seconds())
					if started := float64(len(j.starts)); started > most {
						t.Errorf("%.0f calls started in %v, want %.0f at most", started, length, most)
					}
					j.law(t, c.limit, 2*by+tick)
				})
			})
		}
	}
}

// wander records the calls that a fleet starts while the clock of Redis wanders.
func wander(
	t *testing.T, limit limiter.Limit, use func(*redisFleet, *testing.T, *journal) func(), length, by time.Duration, off func(time.Duration) float64,
) *journal {
	f := newRedisFleet(t, 2, config(map[string][]limiter.Limit{"global": {limit}}, nil))
	defer f.close(t)
	defer f.runClock(func(since time.Duration) time.Duration { return time.Duration(float64(by) * off(since)) })()
	time.Sleep(5 * time.Second)
	j := &journal{}
	stop := use(f, t, j)
	time.Sleep(length)
	stop()
	t.Logf("%d started, %.3f of the rate", len(j.starts), float64(len(j.starts))/(limit.Rate()*length.Seconds()))
	return j
}

// alwaysWait runs enough callers that some of them wait at any time.
func (c *redisFleet) alwaysWait(t *testing.T, j *journal) (stop func()) {
	return c.closedLoops(t, 5, j)
}

// nowAndThen runs a caller that takes all tokens and then sleeps, so that scripts run up to 1.3 s apart.
func (c *redisFleet) nowAndThen(t *testing.T, j *journal) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for pause := 100 * time.Millisecond; ctx.Err() == nil; pause = pause%(1300*time.Millisecond) + 100*time.Millisecond {
			time.Sleep(pause)
			// With a wandering clock replies seem to take long, so calls start late, possibly as fast as new tokens come.
			for ok := true; ok && ctx.Err() == nil; {
				var err error
				if ok, err = c.fleet[0].Allow(ctx, "global"); err != nil && ctx.Err() == nil {
					t.Error(err)
					return
				}
				if ok {
					j.starts = append(j.starts, start{at: time.Now(), cost: 1})
				}
			}
		}
	})
	return func() {
		cancel()
		running.Wait()
	}
}

// TestClockOfRedisWandersBehindSlowReplies: replicas whose replies are slow keep the law, too, while own time stands still.
func TestClockOfRedisWandersBehindSlowReplies(t *testing.T) {
	const by = 300 * time.Millisecond
	for _, pattern := range []string{"steps every second", "sine", "at random, 5 times a second", "sawtooth that falls"} {
		t.Run(pattern, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				limit := limiter.PerSecond(20, 10)
				c := &redisFleet{}
				c.server, c.rdb = limitertest.Redis(t)
				for i := range 3 {
					opts := limitertest.Options(c.server)
					dial := opts.Dialer
					opts.Dialer = func(ctx context.Context, network, addr string) (net.Conn, error) {
						conn, err := dial(ctx, network, addr)
						rnd := rand.New(rand.NewPCG(5, uint64(i)))
						return slowConn{conn, func() time.Duration { return time.Duration(1+rnd.Int64N(20)) * time.Millisecond }}, err
					}
					l, _ := member(t, opts, config(map[string][]limiter.Limit{"global": {limit}}, nil))
					c.fleet = append(c.fleet, l)
				}
				defer c.close(t)
				off := wanderings()[pattern]
				defer c.runClock(func(since time.Duration) time.Duration { return time.Duration(float64(by) * off(since)) })()
				time.Sleep(5 * time.Second)
				j := &journal{}
				stop := c.alwaysWait(t, j)
				time.Sleep(time.Minute)
				stop()
				t.Logf("%d started, %.3f of the rate", len(j.starts), float64(len(j.starts))/(limit.Rate()*60))
				if most := limit.Rate()*60 + 2*float64(limit.Burst); float64(len(j.starts)) > most {
					t.Errorf("%d calls started, want %.0f at most", len(j.starts), most)
				}
				j.law(t, limit, 2*by+limiter.DefaultSlack)
			})
		})
	}
}

// TestClockOfRedisFlaps: Redis alternates between two servers whose clocks differ by seconds. That adds a burst at most.
func TestClockOfRedisFlaps(t *testing.T) {
	for i, by := range []time.Duration{700 * time.Millisecond, 1500 * time.Millisecond, 5 * time.Second} {
		for k, pattern := range []string{"steps every second", "steps every tenth of a second", "steps every 5 s"} {
			if !many() && i != k {
				continue
			}
			t.Run(fmt.Sprintf("%v, %s", by, pattern), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					const length = time.Minute
					limit := limiter.PerSecond(10, 10)
					j := wander(t, limit, (*redisFleet).alwaysWait, length, by, wanderings()[pattern])
					if most := limit.Rate()*length.Seconds() + 2*float64(limit.Burst); float64(len(j.starts)) > most {
						t.Errorf("%d calls started in %v, want %.0f at most", len(j.starts), length, most)
					}
				})
			})
		}
	}
}

// TestClockOfRedisRunsFastAndFalls: no rule can distinguish a fast clock from real time. If the clock runs ahead without a
// step and then falls back by more than a second, each fall adds the tokens of the time beyond that second, and no more.
func TestClockOfRedisRunsFastAndFalls(t *testing.T) {
	for _, by := range []time.Duration{600 * time.Millisecond, 1500 * time.Millisecond, 3 * time.Second} {
		t.Run(by.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const length = time.Minute
				limit := limiter.PerSecond(10, 10)
				j := wander(t, limit, (*redisFleet).alwaysWait, length, by, wanderings()["sawtooth that falls"])
				falls := float64(length / (2 * time.Second))
				most := limit.Rate()*(length.Seconds()+falls*(2*by-time.Second).Seconds()) + 2*float64(limit.Burst)
				if started := float64(len(j.starts)); started > most || started < limit.Rate()*length.Seconds() {
					t.Errorf("%.0f calls started in %v, want %.0f at most", started, length, most)
				}
			})
		})
	}
}

// TestClockOfRedisStepsForward: a clock that is wrong for half a minute and then corrected adds one burst.
func TestClockOfRedisStepsForward(t *testing.T) {
	for name, step := range map[string]time.Duration{"a minute": time.Minute, "an hour": time.Hour, "half a second": 500 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				limit := limiter.PerSecond(10, 10)
				f := newRedisFleet(t, 2, config(map[string][]limiter.Limit{"global": {limit}}, nil))
				defer f.close(t)
				defer f.runClock(func(since time.Duration) time.Duration {
					if since >= 20*time.Second && since < 50*time.Second {
						return step
					}
					return 0
				})()
				time.Sleep(5 * time.Second)
				empty(t, f.fleet[0], limit.Burst)
				j := &journal{}
				stop := f.alwaysWait(t, j)
				time.Sleep(time.Minute)
				stop()
				starts := j.since(time.Time{})
				share := used(starts, limit.Rate())
				t.Logf("%d started, %.3f of the rate", len(starts), share)
				given := min(float64(limit.Burst), limit.Rate()*step.Seconds())
				// Less the tokens of one second in which own time stands still, and a request that ran when the clock was set.
				if whole := limit.Rate() * time.Minute.Seconds(); float64(len(starts)) > whole+given+1 || float64(len(starts)) < whole-10 {
					t.Errorf("%d calls started, want %.0f and %.0f more at most", len(starts), whole, given)
				}
				twice := limit
				twice.Burst += int64(given)
				j.law(t, twice, tick)
			})
		})
	}
}

// TestClockOfRedisStepsBack: a step back delays no call for long, and after it the fleet uses the whole rate.
func TestClockOfRedisStepsBack(t *testing.T) {
	for name, c := range map[string]struct {
		limit             limiter.Limit
		replicas, waiters int
		step, delay       time.Duration
	}{
		"an hour":             {limiter.PerSecond(10, 10), 1, 10, time.Hour, time.Second},
		"an hour, 4 replicas": {limiter.PerSecond(5, 5), 4, 3, time.Hour, time.Second},
		"a day":               {limiter.PerSecond(4, 1), 2, 1, 24 * time.Hour, time.Second},
		"2 s":                 {limiter.PerSecond(8, 4), 2, 5, 2 * time.Second, time.Second},
		"half a second":       {limiter.PerSecond(8, 4), 2, 5, 500 * time.Millisecond, 500 * time.Millisecond},
		// Scripts run more than a second apart: the owed time is paid at once, and the time since the last script is lost.
		"an hour, seldom used": {limiter.Limit{Tokens: 1, Per: 4 * time.Second, Burst: 1}, 1, 1, time.Hour, 15 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, c.replicas, config(map[string][]limiter.Limit{"global": {c.limit}}, nil))
				defer f.close(t)
				const settle, before, after = 2 * time.Second, 5 * time.Second, time.Minute
				// The time between the last script and the step is lost, too. Callers that ask while own time stands still
				// count as of the same moment, so one may overtake another.
				grace := c.delay + time.Second
				defer f.runClock(func(since time.Duration) time.Duration {
					if since >= settle+before {
						return -c.step
					}
					return 0
				})()
				time.Sleep(settle)
				empty(t, f.fleet[0], c.limit.Burst)
				j := &journal{}
				stop := f.closedLoops(t, c.waiters, j)
				time.Sleep(before)
				stepped := time.Now()
				time.Sleep(grace + after)
				stop()
				// Besides, each caller waits for those before it.
				turn := time.Duration(c.replicas*c.waiters) * interval(c.limit)
				longest := time.Duration(0)
				for _, s := range j.since(stepped) {
					longest = max(longest, s.took)
				}
				// No tokens are lost once own time runs again.
				all, late := used(j.since(stepped.Add(grace)), c.limit.Rate()), used(j.since(stepped.Add(after/4)), c.limit.Rate())
				t.Logf("the longest wait was %v, a turn is %v; then used %.4f, and %.4f when it is over", longest, turn, all, late)
				if longest > turn+grace {
					t.Errorf("a call waited %v, and a turn takes %v", longest, turn)
				}
				if all < 0.995 || all > 1.005 || late < 0.995 || late > 1.005 {
					t.Errorf("the fleet used %.4f of the rate after the step, and %.4f later, want 0.995 to 1.005", all, late)
				}
				j.law(t, c.limit, 25*time.Millisecond)
			})
		})
	}
}

// TestClockStepIsSaid: each replica, even an idle one, logs a step of Redis' clock of a second or more.
func TestClockStepIsSaid(t *testing.T) {
	for _, step := range []time.Duration{time.Minute, -time.Hour, 1500 * time.Millisecond, 200 * time.Millisecond, 0} {
		t.Run(step.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged logText
				cfg := one(40, 40)
				cfg.Logger = textLogger(&logged)
				f := newRedisFleet(t, 1, cfg)
				defer f.close(t)
				defer f.runClock(func(since time.Duration) time.Duration {
					if since < 25*time.Second {
						return 0
					}
					return step
				})()
				time.Sleep(time.Minute)
				want := 1
				if step.Abs() < time.Second {
					want = 0
				}
				if n := strings.Count(logged.String(), "clock of redis has stepped"); n != want {
					t.Errorf("the step was logged %d times, want %d:\n%s", n, want, logged.String())
				}
			})
		})
	}
}
