package limiter_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
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

// member starts a replica with a client of its own on a shared server. The client is returned to be cut off.
func member(t *testing.T, options *redis.Options, cfg limiter.Config) (*limiter.Limiter, *redis.Client) {
	t.Helper()
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	if cfg.Publish == 0 {
		cfg.Publish = -1 // nobody looks
	}
	l, err := limiter.New(t.Context(), rdb, waits(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return l, rdb
}

// waits has calls wait while Redis is away, unless the test says for how long they go on. Most tests are about what Redis grants.
func waits(cfg limiter.Config) limiter.Config {
	if cfg.WhenAway == limiter.FailLocal && cfg.LocalFor == 0 {
		cfg.WhenAway = limiter.FailClosed
	}
	return cfg
}

// startOf waits, and returns how long after a moment the call could start.
func startOf(t *testing.T, l *limiter.Limiter, route string, since time.Time) time.Duration {
	t.Helper()
	if err := l.Wait(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	return time.Since(since).Round(time.Millisecond)
}

// TestConfigureIsForTheWholeFleet: who tells it, who hears of it, and what stays.
func TestConfigureIsForTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		here, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, here)
		there, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, there)
		time.Sleep(time.Minute)

		// The number of tokens stays: 10 of 40 are left, whatever the burst is now.
		for range 30 {
			startOf(t, here, "global", time.Now())
		}
		if err := here.Configure(t.Context(), "global", limiter.PerSecond(10, 20)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var starts []time.Time
		for range 50 {
			startOf(t, there, "global", begin) // who has not been told finds out
			starts = append(starts, time.Now())
		}
		if err := limitertest.Law(starts, limiter.PerSecond(10, 10), time.Millisecond); err != nil {
			t.Errorf("after the change: %v", err)
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("50 calls on 10 that were left, or fewer by the smaller burst, and 10 a second took %v", took)
		}

		// A Redis that forgets is told by those who remember.
		m.FlushAll()
		loop(t, []*limiter.Limiter{there}, 1, 2*time.Second)
		if starts := loop(t, []*limiter.Limiter{here, there}, 5, 10*time.Second); float64(len(starts)) > 10*10+20 {
			t.Errorf("%d starts in 10 s at 10 a second after Redis forgot", len(starts))
		}
		s, err := limiter.ReadSnapshot(t.Context(), watcher, limiter.DefaultNamespace)
		if err != nil || !s.Buckets[0].Set || s.Buckets[0].Limit != limiter.PerSecond(10, 20) {
			t.Errorf("an onlooker sees %+v, %v", s.Buckets, err)
		}

		// As configured again.
		if err := there.Configure(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if per := float64(len(loop(t, []*limiter.Limiter{here, there}, 5, 10*time.Second))) / 10; per < 38 {
			t.Errorf("%.1f starts a second as configured", per)
		}
		if err := here.Configure(t.Context(), "nobody", limiter.PerSecond(1, 1)); err == nil {
			t.Error("a bucket that is not configured was")
		}
		if err := here.Configure(t.Context(), "global", limiter.PerSecond(-1, 1)); err == nil {
			t.Error("a negative rate was taken")
		}
	})
}

// TestNewRateReachesWhoStandsInLine: who was told to come back in an hour hears of a faster rate within 5 s, and of a
// burst that it can never have.
func TestNewRateReachesWhoStandsInLine(t *testing.T) {
	both(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 3}}}, nil), func(t *testing.T, l *limiter.Limiter) {
		if err := l.WaitN(t.Context(), "global", 3); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if took := startOf(t, l, "global", begin); took > 6*time.Second {
				t.Errorf("the one in line started after %v", took)
			}
		})
		waiting.Go(func() {
			if err := l.WaitN(t.Context(), "global", 3); !isExceedsBurst(err) {
				t.Errorf("4 tokens of a bucket that holds 2 now: %v", err)
			}
		})
		synctest.Wait()
		if err := l.Configure(t.Context(), "global", limiter.Limit{Tokens: 3600, Per: time.Hour, Burst: 2}); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
	})
}

func isExceedsBurst(err error) bool {
	_, ok := errors.AsType[*limiter.ExceedsBurstError](err)
	return ok
}

// TestPauseAndResume: nothing starts while a bucket is paused, and soon after it is not.
func TestPauseAndResume(t *testing.T) {
	cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {limiter.PerSecond(10, 10)}},
		map[string][]string{"spotify": {"spotify", "global"}})
	both(t, cfg, func(t *testing.T, l *limiter.Limiter) {
		time.Sleep(time.Minute)
		if err := l.Pause(t.Context(), "spotify", limiter.UntilResumed); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		soon, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if err := l.Wait(soon, "spotify"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) > 0 {
			t.Errorf("who would wait for a minute: %v after %v", err, time.Since(begin))
		}
		if ok, err := l.Allow(t.Context(), "spotify"); ok || err != nil {
			t.Errorf("allowed: %v, %v", ok, err)
		}
		if took := startOf(t, l, "global", begin); took > 0 {
			t.Errorf("another route waited %v", took)
		}
		if s, err := l.Snapshot(t.Context()); err != nil || s.Buckets[1].PausedFor != limiter.UntilResumed {
			t.Errorf("the snapshot says %+v, %v", s, err)
		}
		var waiting sync.WaitGroup
		const others = 5
		took := make([]time.Duration, others)
		for i := range others {
			waiting.Go(func() { took[i] = startOf(t, l, "spotify", begin) })
		}
		time.Sleep(time.Hour)
		if err := l.Resume(t.Context(), "spotify"); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		if first, last := slices.Min(took), slices.Max(took); first < time.Hour || last > time.Hour+6*time.Second {
			t.Errorf("resumed after an hour, calls started from %v to %v", first, last)
		}

		if err := l.Pause(t.Context(), "global", 10*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := startOf(t, l, "spotify", time.Now()); took < 10*time.Second || took > 10*time.Second+50*time.Millisecond { // it opens empty, and a token takes 25 ms
			t.Errorf("paused for 10s, started after %v", took)
		}
		if err := l.Pause(t.Context(), "global", 0); err == nil {
			t.Error("a pause of nothing was taken")
		}
		if err := l.Pause(t.Context(), "global", -1); err == nil {
			t.Error("paused for less than nothing")
		}
	})
}

// TestPauseIsForTheWholeFleet: a replica that was not told starts nothing, and one that has heard of it nothing even after
// Redis forgot; one in line hears of it.
func TestPauseIsForTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		here, _ := member(t, limitertest.Options(m), one(1, 1))
		defer closeLimiter(t, here)
		there, _ := member(t, limitertest.Options(m), one(1, 1))
		defer closeLimiter(t, there)
		time.Sleep(time.Minute)
		begin := time.Now()
		var waiting sync.WaitGroup
		starts := make(chan time.Duration, 20)
		for range cap(starts) {
			waiting.Go(func() { starts <- startOf(t, there, "global", begin) })
		}
		time.Sleep(5500 * time.Millisecond)
		if err := here.Pause(t.Context(), "global", limiter.UntilResumed); err != nil {
			t.Fatal(err)
		}
		before := len(starts)
		time.Sleep(limiter.DefaultHorizon)
		reserved := len(starts)
		time.Sleep(6 * time.Second) // who stands in line has heard of it now
		m.FlushAll()
		time.Sleep(time.Minute)
		if before == 0 || reserved-before > 1 || len(starts) != reserved {
			t.Errorf("%d started before the pause, %d within a horizon of it, %d in a minute after", before, reserved-before, len(starts)-reserved)
		}
		resumed := time.Since(begin)
		if err := here.Resume(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		waiting.Wait()
		close(starts)
		var all []time.Duration
		for s := range starts {
			all = append(all, s)
		}
		slices.Sort(all)
		if next := all[reserved] - resumed; next > 6*time.Second {
			t.Errorf("the first start after it was resumed came %v later", next)
		}
	})
}

// TestPresence: who is live, who left, and who died.
func TestPresence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		stays, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, stays)
		leaves, _ := member(t, limitertest.Options(m), one(40, 40))
		dies, rdb := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, dies)
		expect := func(want int, when string) {
			t.Helper()
			s, err := limiter.ReadSnapshot(t.Context(), watcher, limiter.DefaultNamespace)
			if got := stays.Replicas(); err != nil || got != want || s.Live != want {
				t.Errorf("%s: %d live, an onlooker sees %d, %v; want %d", when, got, s.Live, err, want)
			}
		}
		time.Sleep(11 * time.Second)
		expect(3, "idle for some time")
		closeLimiter(t, leaves)
		time.Sleep(11 * time.Second)
		expect(2, "one has left")
		_ = rdb.Close()
		time.Sleep(20 * time.Second)
		expect(2, "one died some seconds ago")
		time.Sleep(22 * time.Second)
		expect(1, "one died more than half a minute ago")
	})
}

// TestWhatDiesLeavesNothingBehind: the one hash without TTL does not grow with the processes that came and went.
func TestWhatDiesLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		stays, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, stays)
		startOf(t, stays, "global", time.Now())
		time.Sleep(2 * time.Minute)
		before := watcher.HLen(t.Context(), "{weir}:state").Val()
		for range 10 {
			l, _ := member(t, limitertest.Options(m), one(41, 40))
			startOf(t, l, "global", time.Now())
			r, err := l.Reserve(t.Context(), "global")
			if err != nil {
				t.Fatal(err)
			}
			r.Cancel()
			closeLimiter(t, l)
		}
		time.Sleep(2 * time.Minute)
		if after := watcher.HLen(t.Context(), "{weir}:state").Val(); after != before {
			t.Errorf("%d fields before, %d after: %v", before, after, watcher.HKeys(t.Context(), "{weir}:state").Val())
		}
		m.FastForward(2 * time.Minute) // what has a time to live
		keys := slices.DeleteFunc(watcher.Keys(t.Context(), "*").Val(), func(key string) bool {
			return key == "{weir}:live" // the one that stays may have announced itself since
		})
		if len(keys) != 2 {
			t.Errorf("keys %v, want the state and what replicas want", keys)
		}
	})
}

// TestDisagreementIsSaidOnce: in the log, not with each call.
func TestDisagreementIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		var said bytes.Buffer
		cfg := one(40, 40)
		cfg.Logger = slog.New(slog.NewTextHandler(&said, nil))
		l, _ := member(t, limitertest.Options(m), cfg)
		other, _ := member(t, limitertest.Options(m), one(60, 40))
		loop(t, []*limiter.Limiter{l, other}, 2, time.Minute)
		closeLimiter(t, other)
		time.Sleep(time.Minute)
		closeLimiter(t, l)
		if text := said.String(); strings.Count(text, "disagree about") != 1 || strings.Count(text, "agree about the limits of a bucket again") != 1 ||
			!strings.Contains(text, "bucket=global") {
			t.Errorf("the log says\n%s", text)
		}
	})
}

// TestAnotherPeriodKeepsTheTokens: a limit per another time comes in the place of one that was told to go, with the number of
// tokens; so it is when the former one comes back.
func TestAnotherPeriodKeepsTheTokens(t *testing.T) {
	perMinute := limiter.Limit{Tokens: 2400, Per: time.Minute, Burst: 40}
	both(t, config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}}, nil), func(t *testing.T, l *limiter.Limiter) {
		take := func() (n int) {
			for {
				if ok, err := l.Allow(t.Context(), "global"); err != nil {
					t.Fatal(err)
				} else if !ok {
					return n
				}
				n++
			}
		}
		if n := take(); n != 40 {
			t.Fatalf("%d of 40", n)
		}
		time.Sleep(250 * time.Millisecond) // 10 tokens
		if err := l.Configure(t.Context(), "global", perMinute); err != nil {
			t.Fatal(err)
		}
		if n := take(); n != 10 {
			t.Errorf("%d tokens after the change, want 10", n)
		}
		time.Sleep(125 * time.Millisecond) // 5
		if err := l.Configure(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if n := take(); n != 5 {
			t.Errorf("%d tokens after the change back, want 5", n)
		}
		// A limit that is added begins as it says, and the other keeps its tokens.
		if err := l.Configure(t.Context(), "global", limiter.PerSecond(40, 40), limiter.Limit{Tokens: 100, Per: time.Hour, Burst: 100}); err != nil {
			t.Fatal(err)
		}
		if n := take(); n != 0 {
			t.Errorf("%d tokens of a limit that was not changed, want none", n)
		}
		time.Sleep(time.Second)
		if n := take(); n != 40 {
			t.Errorf("%d tokens after a second, want 40: the other limit holds 100", n)
		}
	})
}
