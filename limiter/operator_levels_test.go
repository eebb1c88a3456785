package limiter_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// operated runs a test with a fleet of one replica, and an operator.
func operated(t *testing.T, cfg limiter.Config, play func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := newRedisFleet(t, 1, cfg)
		defer c.close(t)
		time.Sleep(63 * time.Second) // the replica announces itself every 10 s, but not at the moment in which the operator acts
		o, err := limiter.NewOperator(c.rdb, limiter.DefaultNamespace, "ops")
		if err != nil {
			t.Fatal(err)
		}
		play(t, c, c.fleet[0], o)
	})
}

func levelOf(t *testing.T, c *redisFleet, bucket string) limiter.BucketSnapshot {
	t.Helper()
	s, err := limiter.ReadSnapshot(t.Context(), c.rdb, limiter.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range s.Buckets {
		if b.Bucket == bucket {
			return b
		}
	}
	t.Fatalf("no bucket %s", bucket)
	return limiter.BucketSnapshot{}
}

func did(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestOperatorLeavesOtherLevelsAlone: an operator's change does not affect other levels, whatever the horizon of the fleet, even after
// a loss. A daily quota is not granted twice.
func TestOperatorLeavesOtherLevelsAlone(t *testing.T) {
	daily := limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}
	t.Run("a debt of minutes", func(t *testing.T) {
		cfg := limiter.Config{Horizon: 10 * time.Minute, Buckets: map[string][]limiter.Limit{"slow": {{Tokens: 1, Per: time.Minute, Burst: 1}}, "other": {limiter.PerSecond(40, 40)}}}
		operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
			for range 8 {
				if _, err := l.Reserve(t.Context(), "slow"); err != nil {
					t.Fatal(err)
				}
			}
			before := levelOf(t, c, "slow").Debt
			did(t, o.Pause(t.Context(), "other", time.Second))
			if after := levelOf(t, c, "slow").Debt; before < 6 || after < before-0.5 {
				t.Errorf("the debt was %v, and %v after another bucket was paused", before, after)
			}
		})
	})
	t.Run("a level that was lost", func(t *testing.T) {
		cfg := limiter.Config{Buckets: map[string][]limiter.Limit{"slow": {daily}, "other": {limiter.PerSecond(40, 40)}}}
		operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
			if _, err := l.ReserveN(t.Context(), "slow", 900); err != nil {
				t.Fatal(err)
			}
			c.server.HDel("{weir}:state", "limit:86400000000:slow")
			did(t, o.Pause(t.Context(), "other", time.Second))
			time.Sleep(30 * time.Second)
			if b := levelOf(t, c, "slow"); b.Tokens > 110 {
				t.Errorf("after 900 of 1000 tokens were used the bucket has %v", b.Tokens)
			}
		})
	})
	t.Run("a lost level of a fleet that reserves far ahead", func(t *testing.T) {
		cfg := limiter.Config{Horizon: 10 * time.Minute, Buckets: map[string][]limiter.Limit{"slow": {{Tokens: 1, Per: time.Minute, Burst: 1}}, "other": {limiter.PerSecond(40, 40)}}}
		operated(t, cfg, func(t *testing.T, c *redisFleet, _ *limiter.Limiter, o *limiter.Operator) {
			c.server.HDel("{weir}:state", "limit:60000000:slow")
			did(t, o.Pause(t.Context(), "other", time.Second))
			time.Sleep(15 * time.Second) // the replica has announced itself, and reported that the bucket was full
			if b := levelOf(t, c, "slow"); b.Debt < 8.5 {
				t.Errorf("the debt is %v calls, want at most ten outstanding calls, less the one token that the replica reported", b.Debt)
			}
		})
	})
	t.Run("a bucket that begins empty", func(t *testing.T) {
		cfg := limiter.Config{Buckets: map[string][]limiter.Limit{"slow": {{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000, Begin: limiter.Empty}}}}
		operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
			did(t, o.Configure(t.Context(), "slow", limiter.PerWindow(1000, 24*time.Hour)), o.Configure(t.Context(), "slow"))
			if b := levelOf(t, c, "slow"); b.Tokens > 1 && !b.Limit.Window {
				t.Errorf("the bucket after its limit was changed and changed back is %+v, want it empty", b)
			}
		})
	})
}

// TestRestoreHolds: the level that Restore sets stays after a pause is over, during the collection after a loss, and for a limit whose
// starts a window counts.
func TestRestoreHolds(t *testing.T) {
	daily := limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}
	cfg := limiter.SingleBucket("global", daily)
	for name, before := range map[string]func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) error{
		"nothing": func(*testing.T, *redisFleet, *limiter.Limiter, *limiter.Operator) error { return nil },
		"a pause that was resumed": func(t *testing.T, _ *redisFleet, _ *limiter.Limiter, o *limiter.Operator) error {
			if err := o.Pause(t.Context(), "global", limiter.UntilResumed); err != nil {
				return err
			}
			return o.Resume(t.Context(), "global")
		},
		"a pause that has ended": func(t *testing.T, _ *redisFleet, _ *limiter.Limiter, o *limiter.Operator) error {
			err := o.Pause(t.Context(), "global", 5*time.Second)
			time.Sleep(10 * time.Second)
			return err
		},
		"a Redis that has forgotten": func(t *testing.T, c *redisFleet, l *limiter.Limiter, _ *limiter.Operator) error {
			_, err := l.ReserveN(t.Context(), "global", 400)
			time.Sleep(15 * time.Second)
			c.server.FlushAll()
			time.Sleep(10500 * time.Millisecond)
			return err
		},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
				did(t, before(t, c, l, o), o.Restore(t.Context(), "global", 300))
				time.Sleep(90 * time.Second)
				if b := levelOf(t, c, "global"); b.Tokens < 299 || b.Tokens > 303 {
					t.Errorf("the bucket has %v tokens, 300 were set 90 s ago", b.Tokens)
				}
				if ok, err := l.AllowN(t.Context(), "global", 299); !ok || err != nil {
					t.Errorf("a call on these tokens: %t, %v", ok, err)
				}
			})
		})
	}
	operated(t, limiter.SingleBucket("global", limiter.PerWindow(10, time.Hour)), func(t *testing.T, c *redisFleet, _ *limiter.Limiter, o *limiter.Operator) {
		if err := o.Restore(t.Context(), "global", 5); err == nil || !strings.Contains(err.Error(), "windows only") {
			t.Error(err)
		}
		did(t, o.Pause(t.Context(), "global", time.Hour))
		for _, err := range []error{o.Restore(t.Context(), "global", 5), o.Pause(t.Context(), "global", time.Second)} {
			if err == nil || !strings.Contains(err.Error(), "resume it first") {
				t.Error(err)
			}
		}
	})
}

// TestRestoreLeavesWindowsAlone: on a bucket with a rate and a window, Restore sets the level of the rate. The starts of the window
// stay.
func TestRestoreLeavesWindowsAlone(t *testing.T) {
	cfg := limiter.SingleBucket("global", limiter.Limit{Tokens: 100, Per: time.Hour, Burst: 100}, limiter.PerWindow(10, 24*time.Hour))
	operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
		for range 10 {
			if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
				t.Fatalf("Allow: %t, %v, want true", ok, err)
			}
		}
		before := c.server.HGet("{weir}:state", "window:86400000000:global")
		did(t, o.Restore(t.Context(), "global", 100))
		if after := c.server.HGet("{weir}:state", "window:86400000000:global"); after != before || before == "" {
			t.Errorf("the window was %q, and is %q", before, after)
		}
		if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
			t.Errorf("an eleventh call in the window: %t, %v", ok, err)
		}
	})
}

// TestReplacedLimitsAreNotShown: the snapshot does not show replaced limits, although Redis keeps their levels until they are full.
func TestReplacedLimitsAreNotShown(t *testing.T) {
	cfg := limiter.SingleBucket("global", limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000})
	operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
		if _, err := l.ReserveN(t.Context(), "global", 900); err != nil {
			t.Fatal(err)
		}
		did(t, o.Configure(t.Context(), "global", limiter.PerSecond(5, 5)))
		s, err := limiter.ReadSnapshot(t.Context(), c.rdb, limiter.DefaultNamespace)
		if err != nil || len(s.Buckets) != 1 || s.Buckets[0].Limit.Rate() != 5 {
			t.Errorf("the snapshot has %+v, %v, want only the new limit", s.Buckets, err)
		}
	})
}

// TestDrainIsForOneProcess: an order to drain does not apply to a later process with the same replica name.
func TestDrainIsForOneProcess(t *testing.T) {
	cfg := one(1, 1)
	cfg.Replica, cfg.Publish = "pod-0", limiter.DefaultPublish
	operated(t, cfg, func(t *testing.T, c *redisFleet, l *limiter.Limiter, o *limiter.Operator) {
		did(t, o.Drain(t.Context(), "pod-0"), l.Close(t.Context()))
		again, err := limiter.New(t.Context(), c.rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, again)
		time.Sleep(time.Minute)
		select {
		case <-again.Draining():
			t.Error("the later process got the order to drain")
		default:
		}
	})
}
