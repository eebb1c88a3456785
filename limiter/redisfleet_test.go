package limiter_test

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// redisFleet is a fleet on one in-process Redis. A test can cut its replicas off permanently.
type redisFleet struct {
	fleet  []*limiter.Limiter
	wires  []*wire
	server *miniredis.Miniredis
	rdb    *redis.Client // a client of the test
}

// newRedisFleet starts replicas of one configuration. The test that makes a redisFleet closes it, within the bubble.
func newRedisFleet(t *testing.T, replicas int, cfg limiter.Config) *redisFleet {
	t.Helper()
	c := &redisFleet{}
	c.server, c.rdb = limitertest.Redis(t)
	for i := range replicas {
		opts := limitertest.Options(c.server)
		w := &wire{dial: opts.Dialer, rnd: rand.New(rand.NewPCG(1, uint64(i)))}
		opts.Dialer = w.Dial
		cfg.CallTimeout = 2 * time.Second
		l, _ := member(t, opts, cfg)
		c.fleet, c.wires = append(c.fleet, l), append(c.wires, w)
	}
	return c
}

func (c *redisFleet) close(t *testing.T) {
	var ending sync.WaitGroup
	for _, l := range c.fleet { // all at once: a replica that was cut off takes a while
		ending.Go(func() { closeLimiter(t, l) })
	}
	ending.Wait()
}

// onFleets runs a test over fleets of several sizes on Redis, and over one limiter in memory, which is a fleet of one.
// Each has had a minute, so that a bucket that fills in that time is full.
func onFleets(t *testing.T, cfg limiter.Config, test func(t *testing.T, fleet []*limiter.Limiter), sizes ...int) {
	for _, n := range sizes {
		t.Run(fmt.Sprintf("%d replicas", n), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newRedisFleet(t, n, cfg)
				defer c.close(t)
				time.Sleep(time.Minute)
				test(t, c.fleet)
			})
		})
	}
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			l, err := limiter.NewMemory(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer closeLimiter(t, l)
			test(t, []*limiter.Limiter{l})
		})
	})
}

// empty takes all whole tokens of a bucket.
func empty(t *testing.T, l *limiter.Limiter, burst int64) {
	t.Helper()
	for n := burst; n > 0; {
		ok, err := l.AllowN(t.Context(), "global", n)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			n /= 2
		}
	}
}

// start is a call that started.
type start struct {
	at   time.Time
	took time.Duration
	cost int64
}

// journal records the starts of many callers.
type journal struct {
	mu     sync.Mutex
	starts []start
}

// wait makes one call and records its start.
func (j *journal) wait(ctx context.Context, l *limiter.Limiter, cost int64) error {
	begin := time.Now()
	err := l.WaitN(ctx, "global", cost)
	if err == nil {
		now := time.Now()
		j.mu.Lock()
		j.starts = append(j.starts, start{now, now.Sub(begin), cost})
		j.mu.Unlock()
	}
	return err
}

// since returns the starts from a time on, in order.
func (j *journal) since(from time.Time) []start {
	j.mu.Lock()
	defer j.mu.Unlock()
	var out []start
	for _, s := range j.starts {
		if !s.at.Before(from) {
			out = append(out, s)
		}
	}
	slices.SortStableFunc(out, func(a, b start) int { return cmp.Compare(a.at.Sub(b.at), 0) })
	return out
}

// law checks that the started tokens keep the law of the limit.
func (j *journal) law(t *testing.T, limit limiter.Limit, slack time.Duration) {
	t.Helper()
	var times []time.Time
	for _, s := range j.since(time.Time{}) {
		for range s.cost {
			times = append(times, s.at)
		}
	}
	if err := limitertest.Law(times, limit, slack); err != nil {
		t.Error(err)
	}
}

// used returns the share of the rate that the starts used, from the first until the last. If callers always wait at a
// bucket, each start takes the tokens refilled since the one before.
func used(starts []start, rate float64) float64 {
	if len(starts) < 2 {
		return 0
	}
	first, last, sum := starts[0].at, starts[len(starts)-1].at, int64(0)
	for _, s := range starts {
		if s.at.After(first) {
			sum += s.cost
		}
	}
	return float64(sum) / (rate * last.Sub(first).Seconds())
}

// interval returns the time between two tokens.
func interval(l limiter.Limit) time.Duration { return time.Duration(float64(time.Second) / l.Rate()) }
