package limiter_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// logText is a log that a test may read while the limiter writes to it.
type logText struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logText) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

func (l *logText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// textLogger returns a logger that writes text.
func textLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }

// slowLimits returns limits that take longer than 12 s from empty to full.
func slowLimits() map[string]limiter.Limit {
	return map[string]limiter.Limit{
		"1000 a day":     {Tokens: 1000, Per: 24 * time.Hour, Burst: 1000},
		"5 a day":        {Tokens: 5, Per: 24 * time.Hour, Burst: 5},
		"1000 an hour":   {Tokens: 1000, Per: time.Hour, Burst: 1000},
		"1/s, burst 60":  limiter.PerSecond(1, 60),
		"7 a minute, b5": {Tokens: 7, Per: time.Minute, Burst: 5},
		"100 in a day":   limiter.PerWindow(100, 24*time.Hour),
		"30 in 15 min":   limiter.PerWindow(30, 15*time.Minute),
		"9 in 20 s":      limiter.PerWindow(9, 20*time.Second),
	}
}

// holds returns the largest number of tokens of a limit.
func holds(l limiter.Limit) int64 {
	if l.Window {
		return l.Tokens
	}
	return l.Burst
}

// times returns a limit with a larger burst.
func times(l limiter.Limit, n, more int64) limiter.Limit {
	if l.Window {
		l.Tokens = n*l.Tokens + more
	} else {
		l.Burst = n*l.Burst + more
	}
	return l
}

// image is a copy of the data of a Redis.
type image struct {
	hashes  map[string]map[string]string
	sets    map[string][]redis.Z
	strings map[string]string
}

// imageOf copies the data of a Redis.
func imageOf(ctx context.Context, rdb *redis.Client) image {
	im := image{map[string]map[string]string{}, map[string][]redis.Z{}, map[string]string{}}
	for _, key := range rdb.Keys(ctx, "*").Val() {
		switch rdb.Type(ctx, key).Val() {
		case "hash":
			im.hashes[key] = rdb.HGetAll(ctx, key).Val()
		case "zset":
			im.sets[key] = rdb.ZRangeWithScores(ctx, key, 0, -1).Val()
		default:
			im.strings[key] = rdb.Get(ctx, key).Val()
		}
	}
	return im
}

// restore replaces the data of a Redis by the older copy, as after a failover to a lagging replica.
func (im image) restore(ctx context.Context, rdb *redis.Client) error {
	_, err := rdb.TxPipelined(ctx, func(p redis.Pipeliner) error {
		p.FlushAll(ctx)
		for key, fields := range im.hashes {
			p.HSet(ctx, key, fields)
		}
		for key, members := range im.sets {
			p.ZAdd(ctx, key, members...)
		}
		for key, text := range im.strings {
			p.Set(ctx, key, text, time.Minute)
		}
		return nil
	})
	return err
}

// loss is a world in which Redis loses its data.
type loss struct {
	limit    limiter.Limit
	replicas int
	share    float64 // of the burst that was used before the loss
	dead     int     // replicas that die with Redis
	lags     bool    // Redis comes back with older data; otherwise with none
	twice    bool    // Redis loses its data once more, some seconds later
}

// play returns how long after the loss the first call started, and the largest number of tokens that no live replica knows to be
// used.
func (w loss) play(t *testing.T, rnd *rand.Rand) (first time.Duration, unknown int64) {
	const name = "window:%1" // any word may be in a name
	c := newRedisFleet(t, w.replicas, config(map[string][]limiter.Limit{name: {w.limit}}, map[string][]string{"global": {name}}))
	defer c.close(t)
	j, ctx := &journal{}, t.Context()
	now := func() (context.Context, context.CancelFunc) { return context.WithTimeout(ctx, time.Millisecond) }
	take := func(l *limiter.Limiter) bool {
		soon, cancel := now()
		defer cancel()
		return j.wait(soon, l, 1) == nil
	}
	// The whole burst, or a share of it, is used over some time.
	most := int(w.share * float64(holds(w.limit)))
	var old image
	for i := range most {
		take(c.fleet[rnd.IntN(w.replicas)])
		if i%3 == 0 {
			time.Sleep(time.Duration(rnd.Int64N(int64(20 * time.Second / time.Duration(1+most/20)))))
		}
		if i == most/2 {
			old = imageOf(ctx, c.rdb)
		}
	}
	live := c.fleet[w.dead:]
	lost := time.Now()
	for _, wire := range c.wires[:w.dead] {
		wire.Cut()
	}
	if w.dead > 0 {
		for _, s := range j.since(lost.Add(-10 * time.Second)) { // dead replicas took no more since the last announcement of the others
			unknown += s.cost
		}
	}
	if w.lags { // grants that the older data lacks are repeated until a replica that saw them asks
		unknown += int64(most - most/2)
	}
	forget := func() {
		if w.lags && old.hashes != nil {
			if err := old.restore(ctx, c.rdb); err != nil {
				t.Fatal(err)
			}
		} else {
			c.server.FlushAll()
		}
	}
	forget()
	for i := range 60 {
		if w.twice && i == 12 {
			forget()
		}
		if take(live[i%len(live)]) && first == 0 {
			first = time.Since(lost)
		}
		time.Sleep(250 * time.Millisecond)
	}
	for range 80 {
		take(live[rnd.IntN(len(live))])
		time.Sleep(time.Duration(rnd.Int64N(int64(8 * time.Second))))
	}
	j.law(t, times(w.limit, 1, unknown), limiter.DefaultSlack)
	return first, unknown
}

// TestSlowLimitSurvivesALoss: after Redis has lost its data, a slow limit continues at its former level within 12 s, without the
// used tokens. The tokens that a replica took before it died with Redis may be granted twice, unless another replica knew of
// them.
func TestSlowLimitSurvivesALoss(t *testing.T) {
	limits := slowLimits()
	for i, name := range slices.Sorted(maps.Keys(limits)) {
		limit, worlds := limits[name], map[string]loss{
			"one replica":                 {replicas: 1, share: 0.6},
			"three, nearly all used":      {replicas: 3, share: 0.99},
			"three, all used":             {replicas: 3, share: 1},
			"four, one dies":              {replicas: 4, share: 0.6, dead: 1},
			"three, Redis lags":           {replicas: 3, share: 0.6, lags: true},
			"four, Redis lags, two die":   {replicas: 4, share: 0.8, lags: true, dead: 2},
			"three, twice in 3 s":         {replicas: 3, share: 0.6, twice: true},
			"two, it forgets what it had": {replicas: 2, share: 0},
		}
		for _, what := range rows(worlds, i, 2) {
			w := worlds[what]
			w.limit = limit
			t.Run(name+", "+what, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					first, unknown := w.play(t, rand.New(rand.NewPCG(1, 2)))
					t.Logf("first start after %v, %d tokens that no live replica knew", first.Round(time.Millisecond), unknown)
					latest := 12 * time.Second
					if w.twice {
						latest += 3 * time.Second
					}
					if there := float64(holds(limit)) * (1 - w.share); there > 1 && (first == 0 || first > latest) {
						t.Errorf("the first call started %v after the loss, with %.0f tokens in the bucket", first, there)
					}
				})
			})
		}
	}
}

// TestFreshProcessAfterALoss: if a process that remembers nothing asks first, the limit begins as configured. At most one burst
// is granted twice, until a replica that remembers the limit asks.
func TestFreshProcessAfterALoss(t *testing.T) {
	limits := slowLimits()
	for _, name := range rows(limits, 0, 2) {
		limit := limits[name]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				cfg := config(map[string][]limiter.Limit{"global": {limit}}, nil)
				c := newRedisFleet(t, 2, cfg)
				defer c.close(t)
				j, burst := &journal{}, holds(limit)
				take := func(l *limiter.Limiter) {
					soon, cancel := context.WithTimeout(t.Context(), time.Millisecond)
					defer cancel()
					_ = j.wait(soon, l, 1)
				}
				for range burst * 6 / 10 {
					take(c.fleet[0])
				}
				c.server.FlushAll()
				fresh, _ := member(t, limitertest.Options(c.server), cfg)
				defer closeLimiter(t, fresh)
				for i := range 3 * burst {
					take(fresh)
					if i%10 == 0 {
						time.Sleep(time.Duration(12*time.Second) / time.Duration(burst))
					}
				}
				time.Sleep(12 * time.Second)
				began := len(j.since(time.Time{}))
				for range burst {
					take(c.fleet[1])
				}
				j.law(t, times(limit, 2, 0), limiter.DefaultSlack)
				t.Logf("%d of %d started, then %d", began, burst, len(j.since(time.Time{}))-began)
			})
		})
	}
}

// TestNoReplicaSurvives: if no replica remembers the namespace, it begins as configured, and the limiter logs that.
func TestNoReplicaSurvives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := limiter.Limit{Tokens: 5, Per: 24 * time.Hour, Burst: 5}
		var logged logText
		cfg := config(map[string][]limiter.Limit{"global": {limit}}, nil)
		c := newRedisFleet(t, 1, cfg)
		for range 5 {
			if ok, err := c.fleet[0].Allow(t.Context(), "global"); !ok || err != nil {
				t.Fatalf("Allow: %t, %v, want true", ok, err)
			}
		}
		c.close(t)
		c.server.FlushAll()
		cfg.Logger = textLogger(&logged)
		fresh, _ := member(t, limitertest.Options(c.server), cfg)
		defer closeLimiter(t, fresh)
		if ok, err := fresh.Allow(t.Context(), "global"); !ok || err != nil {
			t.Errorf("a call on a limit that no replica remembers: %v, %v, want it allowed", ok, err)
		}
		if text := logged.String(); strings.Count(text, "\n") != 1 || !strings.Contains(text, "the namespace is new") {
			t.Errorf("the log does not say that the namespace is new:\n%s", text)
		}
	})
}

// TestLossIsSaid: the limiter logs that Redis has lost its data, and when the slow limits are restored.
func TestLossIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged logText
		cfg := config(map[string][]limiter.Limit{"global": {{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}}}, nil)
		cfg.Logger = textLogger(&logged)
		c := newRedisFleet(t, 3, cfg)
		defer c.close(t)
		time.Sleep(15 * time.Second)
		c.wires[2].Cut()
		c.server.FlushAll()
		time.Sleep(30 * time.Second)
		text := logged.String()
		for _, want := range []string{"redis has forgotten the namespace", "continue where they were", "replicas=2 replicas_before=3"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("the log does not have %q once:\n%s", want, text)
			}
		}
	})
}

// TestDisputeSurvivesALoss: replicas want different limits. If a replica from before asks first, no loss and no step of the
// clock raises the limit in force. If a new process asks first, the limit may be higher until the next announcement.
func TestDisputeSurvivesALoss(t *testing.T) {
	for i, c := range []struct {
		name   string
		flush  bool
		step   time.Duration // of the server's clock
		fresh  bool          // a new process asks first
		bursts float64       // how many bursts may start at once
	}{
		{"FLUSHALL", true, 0, false, 1},
		{"the clock is a minute ahead", false, time.Minute, false, 2}, // a step forward adds one burst
		{"the clock is an hour ahead", false, time.Hour, false, 2},
		{"FLUSHALL, a new process asks first", true, 0, true, 1},
	} {
		for k, small := range []limiter.Limit{limiter.PerSecond(33, 33), limiter.PerSecond(1, 1), limiter.PerSecond(33, 5)} {
			if !many() && k != i%3 {
				continue
			}
			t.Run(fmt.Sprint(c.name, ", ", small), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					large := limiter.PerSecond(400, 400)
					f := newRedisFleet(t, 1, config(map[string][]limiter.Limit{"global": {large}}, nil))
					defer f.close(t)
					idle, _ := member(t, limitertest.Options(f.server), config(map[string][]limiter.Limit{"global": {small}}, nil))
					defer closeLimiter(t, idle)
					time.Sleep(15 * time.Second)
					j := &journal{}
					stop := f.closedLoops(t, 1, j)
					time.Sleep(3 * time.Second)
					lost := time.Now()
					if c.flush {
						f.server.FlushAll()
					}
					if c.step > 0 {
						defer f.runClock(func(time.Duration) time.Duration { return c.step })()
					}
					if c.fresh {
						fresh, _ := member(t, limitertest.Options(f.server), config(map[string][]limiter.Limit{"global": {large}}, nil))
						defer closeLimiter(t, fresh)
						defer (&redisFleet{fleet: []*limiter.Limiter{fresh}}).closedLoops(t, 1, j)()
					}
					time.Sleep(20 * time.Second)
					stop()
					later := lost
					if c.fresh {
						later = lost.Add(10*time.Second + limiter.DefaultHorizon)
					}
					over := 0.0
					in := j.since(lost)
					for i, s := range in { // in any period
						if n := float64(len(in) - i); s.at.After(later) {
							over = max(over, n-small.Rate()*(in[len(in)-1].at.Sub(s.at)+limiter.DefaultSlack).Seconds()-c.bursts*float64(small.Burst))
						}
					}
					t.Logf("%d starts in 20 s, %.1f above the smaller limit", len(in), over)
					if over > 0 {
						t.Errorf("%.1f starts above the limit in force", over)
					}
				})
			})
		}
	}
}

// TestSlowLimitSurvivesALossOnRedis: the same in real time, on a real Redis whose data is deleted.
func TestSlowLimitSurvivesALossOnRedis(t *testing.T) {
	t.Parallel()
	rdb := limitertest.Server(t)
	limit := limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}
	var fleet []*limiter.Limiter
	for range 3 {
		opts := *rdb.Options()
		opts.Dialer = opts.NewDialer()
		l, _ := member(t, &opts, config(map[string][]limiter.Limit{"global": {limit}}, nil))
		defer closeLimiter(t, l)
		fleet = append(fleet, l)
	}
	for i := range 600 {
		if ok, err := fleet[i%3].Allow(t.Context(), "global"); !ok || err != nil {
			t.Fatalf("Allow: %t, %v, want true", ok, err)
		}
	}
	if err := rdb.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	lost := time.Now()
	if err := fleet[0].Wait(t.Context(), "global"); err != nil {
		t.Fatal(err)
	}
	took, left := time.Since(lost), 1
	for i := 0; ; i++ {
		if ok, err := fleet[i%3].Allow(t.Context(), "global"); err != nil {
			t.Fatal(err)
		} else if !ok {
			break
		}
		left++
	}
	t.Logf("600 of 1000 a day were used; %v after FLUSHALL calls started again, %d of them", took.Round(time.Millisecond), left)
	if took > 12*time.Second || left > 400 || left < 399 {
		t.Errorf("the first call started %v after FLUSHALL, and %d in all, want 12s and 400 at most", took, left)
	}
}
