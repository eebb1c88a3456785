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

// member starts a replica with its own client on a shared server. It returns the client, so that a test can cut it off.
func member(t *testing.T, options *redis.Options, cfg limiter.Config) (*limiter.Limiter, *redis.Client) {
	t.Helper()
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	if cfg.Publish == 0 {
		cfg.Publish = -1 // no test reads the record
	}
	l, err := limiter.New(t.Context(), rdb, waits(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return l, rdb
}

// waits makes calls wait while Redis is away, unless the test sets LocalFor. Most tests are about the grants of Redis.
func waits(cfg limiter.Config) limiter.Config {
	if cfg.WhenAway == limiter.FailLocal && cfg.LocalFor == 0 {
		cfg.WhenAway = limiter.FailClosed
	}
	return cfg
}

// startOf makes a call, and returns how long after since it could start.
func startOf(t *testing.T, l *limiter.Limiter, route string, since time.Time) time.Duration {
	t.Helper()
	if err := l.Wait(t.Context(), route); err != nil {
		t.Fatal(err)
	}
	return time.Since(since).Round(time.Millisecond)
}

// TestConfigureIsForTheWholeFleet: a change of one replica applies to all replicas, and the bucket keeps its tokens.
func TestConfigureIsForTheWholeFleet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		here, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, here)
		there, _ := member(t, limitertest.Options(m), one(40, 40))
		defer closeLimiter(t, there)
		time.Sleep(time.Minute)

		// The number of tokens stays: 10 of 40, whatever the new burst is.
		for range 30 {
			startOf(t, here, "global", time.Now())
		}
		if err := here.Configure(t.Context(), "global", limiter.PerSecond(10, 20)); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var starts []time.Time
		for range 50 {
			startOf(t, there, "global", begin) // the other replica learns of the change with this call
			starts = append(starts, time.Now())
		}
		if err := limitertest.Law(starts, limiter.PerSecond(10, 10), time.Millisecond); err != nil {
			t.Errorf("the starts after the change: %v", err)
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("50 calls on 10 tokens, or fewer by the smaller burst, and 10 a second took %v", took)
		}

		// After Redis has lost its data, the replicas send the change again.
		m.FlushAll()
		loop(t, []*limiter.Limiter{there}, 1, 2*time.Second)
		if starts := loop(t, []*limiter.Limiter{here, there}, 5, 10*time.Second); float64(len(starts)) > 10*10+20 {
			t.Errorf("%d starts in 10 s at 10 a second after Redis lost its data", len(starts))
		}
		s, err := limiter.ReadSnapshot(t.Context(), watcher, limiter.DefaultNamespace)
		if err != nil || !s.Buckets[0].Set || s.Buckets[0].Limit != limiter.PerSecond(10, 20) {
			t.Errorf("the snapshot has %+v, %v", s.Buckets, err)
		}

		// The configured limits are in force again.
		if err := there.Configure(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		if per := float64(len(loop(t, []*limiter.Limiter{here, there}, 5, 10*time.Second))) / 10; per < 38 {
			t.Errorf("%.1f starts a second after the configured limits were restored", per)
		}
		if err := here.Configure(t.Context(), "nobody", limiter.PerSecond(1, 1)); err == nil {
			t.Error("Configure of an unknown bucket: no error")
		}
		if err := here.Configure(t.Context(), "global", limiter.PerSecond(-1, 1)); err == nil {
			t.Error("Configure with a negative rate: no error")
		}
	})
}

// TestNewRateReachesWhoStandsInLine: a caller whose turn is in an hour learns of a faster rate within 5 s, and of a burst
// that is smaller than its cost.
func TestNewRateReachesWhoStandsInLine(t *testing.T) {
	both(t, config(map[string][]limiter.Limit{"global": {{Tokens: 1, Per: time.Hour, Burst: 3}}}, nil), func(t *testing.T, l *limiter.Limiter) {
		if err := l.WaitN(t.Context(), "global", 3); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if took := startOf(t, l, "global", begin); took > 6*time.Second {
				t.Errorf("the call in line started after %v", took)
			}
		})
		waiting.Go(func() {
			if err := l.WaitN(t.Context(), "global", 3); !isExceedsBurst(err) {
				t.Errorf("a call of 4 tokens on a bucket whose burst is 2 now: %v", err)
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

// TestPauseAndResume: no call starts while a bucket is paused, and calls start soon after Resume.
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
			t.Errorf("a call with a deadline in a minute: %v after %v, want it refused at once", err, time.Since(begin))
		}
		if ok, err := l.Allow(t.Context(), "spotify"); ok || err != nil {
			t.Errorf("Allow during a pause: %v, %v", ok, err)
		}
		if took := startOf(t, l, "global", begin); took > 0 {
			t.Errorf("a call on another route waited %v", took)
		}
		if s, err := l.Snapshot(t.Context()); err != nil || s.Buckets[1].PausedFor != limiter.UntilResumed {
			t.Errorf("the snapshot during a pause is %+v, %v", s, err)
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
			t.Errorf("after Resume calls started from %v to %v", first, last)
		}

		if err := l.Pause(t.Context(), "global", 10*time.Second); err != nil {
			t.Fatal(err)
		}
		if took := startOf(t, l, "spotify", time.Now()); took < 10*time.Second || took > 10*time.Second+50*time.Millisecond { // the bucket opens empty, and a token takes 25 ms
			t.Errorf("after a pause of 10 s the call started after %v", took)
		}
		if err := l.Pause(t.Context(), "global", 0); err == nil {
			t.Error("Pause for 0 s: no error")
		}
		if err := l.Pause(t.Context(), "global", -1); err == nil {
			t.Error("Pause for less than 0 s: no error")
		}
	})
}

// TestPauseIsForTheWholeFleet: a pause stops all replicas, including lanes in line. Replicas that know it start nothing even
// after Redis has lost its data.
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
		time.Sleep(6 * time.Second) // by now the lanes in line know the change
		m.FlushAll()
		time.Sleep(time.Minute)
		if before == 0 || reserved-before > 1 || len(starts) != reserved {
			t.Errorf("%d calls started before the pause, %d within a horizon of it, %d in the minute after", before, reserved-before, len(starts)-reserved)
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
			t.Errorf("the first call started %v after Resume", next)
		}
	})
}

// TestPresence: the fleet counts its live replicas, and no longer counts those that closed or died.
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
				t.Errorf("%s: a replica counts %d live replicas, the snapshot %d, %v; want %d", when, got, s.Live, err, want)
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

// TestWhatDiesLeavesNothingBehind: the one hash without a TTL does not grow with processes that start and end.
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
			t.Errorf("the state had %d fields before and has %d afterwards: %v", before, after, watcher.HKeys(t.Context(), "{weir}:state").Val())
		}
		m.FastForward(2 * time.Minute) // keys with a time to live expire
		keys := slices.DeleteFunc(watcher.Keys(t.Context(), "*").Val(), func(key string) bool {
			return key == "{weir}:live" // the remaining replica may have announced itself since
		})
		if len(keys) != 2 {
			t.Errorf("the keys are %v, want the state and the wanted limits", keys)
		}
	})
}

// TestDisagreementIsSaidOnce: the limiter logs a disagreement once, not with each request.
func TestDisagreementIsSaidOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		var logged bytes.Buffer
		cfg := one(40, 40)
		cfg.Logger = slog.New(slog.NewTextHandler(&logged, nil))
		l, _ := member(t, limitertest.Options(m), cfg)
		other, _ := member(t, limitertest.Options(m), one(60, 40))
		loop(t, []*limiter.Limiter{l, other}, 2, time.Minute)
		closeLimiter(t, other)
		time.Sleep(time.Minute)
		closeLimiter(t, l)
		if text := logged.String(); strings.Count(text, "disagree about") != 1 || strings.Count(text, "agree about the limits of a bucket again") != 1 ||
			!strings.Contains(text, "bucket=global") {
			t.Errorf("the log does not have the disagreement once:\n%s", text)
		}
	})
}

// TestAnotherPeriodKeepsTheTokens: Configure replaces a limit by one with another period. The new limit keeps the number of
// tokens. So does the former limit when it comes back.
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
			t.Fatalf("%d of 40 calls were allowed", n)
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
		// An added limit begins as configured, and the other limit keeps its tokens.
		if err := l.Configure(t.Context(), "global", limiter.PerSecond(40, 40), limiter.Limit{Tokens: 100, Per: time.Hour, Burst: 100}); err != nil {
			t.Fatal(err)
		}
		if n := take(); n != 0 {
			t.Errorf("%d calls on a limit that was not changed and is empty, want none", n)
		}
		time.Sleep(time.Second)
		if n := take(); n != 40 {
			t.Errorf("%d calls after a second, want 40: the other limit has 100 tokens", n)
		}
	})
}
