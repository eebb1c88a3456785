package limiter_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestRefusalsAreNamed: if Redis refuses a request that it has never served, the call fails at once with ErrRefused and the reason.
// If Redis has served the request before, the error is ErrUnavailable, and the limiter logs the refusal every 30 s. Each row is an
// action of an administrator.
func TestRefusalsAreNamed(t *testing.T) {
	for _, c := range []struct{ reason, what string }{{"WRONGPASS", "a wrong password"}, {"NOAUTH", "no password"}} {
		t.Run(c.what, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				opts := limitertest.Options(m)
				if c.reason == "WRONGPASS" {
					m.RequireUserAuth("worker", "secret")
					opts.Username, opts.Password = "worker", "guessed"
				} else {
					m.RequireAuth("secret")
				}
				rdb := redis.NewClient(opts)
				defer rdb.Close()
				begin := time.Now()
				_, err := limiter.New(t.Context(), rdb, one(40, 40))
				if !errors.Is(err, limiter.ErrRefused) || errors.Is(err, limiter.ErrUnavailable) || !strings.Contains(err.Error(), c.reason) {
					t.Errorf("New: %v, want ErrRefused with the reason %s", err, c.reason)
				}
				if took := time.Since(begin); took > time.Second {
					t.Errorf("New returned the refusal after %v", took)
				}
			})
		})
	}
	t.Run("New is called each second", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, _ := limitertest.Redis(t)
			m.RequireAuth("secret")
			var log logText
			cfg := one(40, 40)
			cfg.Logger = textLogger(&log)
			answers := limitertest.Options(m)
			hangs := *answers
			hangs.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
			for n := range 60 {
				rdb := redis.NewClient([]*redis.Options{answers, &hangs}[n/30])
				if _, err := limiter.New(t.Context(), rdb, cfg); err == nil {
					t.Fatal("New succeeds without the password")
				}
				if err := rdb.Close(); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Second)
			}
			time.Sleep(time.Minute) // until the goroutines of the pools that dial have ended
			if log.String() != "" {
				t.Errorf("New returns the error and must not log it:\n%s", log.String())
			}
		})
	})
	t.Run("what was served before", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			m, _ := limitertest.Redis(t)
			var logged logText
			cfg := one(40, 40)
			cfg.Logger = textLogger(&logged)
			l, _ := member(t, limitertest.Options(m), cfg)
			defer closeLimiter(t, l)
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			m.SetError("NOPERM this user has no permissions to run the 'evalsha' command")
			for range 240 {
				_, err := l.Allow(t.Context(), "global")
				if !errors.Is(err, limiter.ErrUnavailable) || !strings.Contains(err.Error(), "NOPERM") {
					t.Fatalf("a call while Redis refuses: %v, want ErrUnavailable with the reason", err)
				}
				time.Sleep(500 * time.Millisecond)
			}
			if n := strings.Count(logged.String(), "refuses what it has served before"); n < 3 || n > 5 {
				t.Errorf("logged %d times in two minutes:\n%s", n, logged.String())
			}
			m.SetError("")
			time.Sleep(2 * time.Second) // until the limiter asks Redis again
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Errorf("a call after Redis serves again: %v", err)
			}
		})
	})
}

// TestRefusalsOfRedis: the same with a real Redis and its error texts. One row has a user with permission for some scripts only.
func TestRefusalsOfRedis(t *testing.T) {
	admin := limitertest.Server(t)
	if err := admin.Do(t.Context(), "ACL", "SETUSER", "some", "on", ">secret", "~*", "+@all", "-zadd").Err(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		reason string
		change func(o *redis.Options)
	}{
		"a wrong password":             {"WRONGPASS", func(o *redis.Options) { o.Username, o.Password = "some", "guessed" }},
		"a database that is not there": {"DB index is out of range", func(o *redis.Options) { o.DB = 99 }},
		"a permission that is missing": {"executing the script", func(o *redis.Options) { o.Username, o.Password = "some", "secret" }},
	} {
		t.Run(name, func(t *testing.T) {
			opts := *admin.Options()
			opts.Dialer = opts.NewDialer()
			c.change(&opts)
			rdb := redis.NewClient(&opts)
			defer rdb.Close()
			_, err := limiter.New(t.Context(), rdb, one(40, 40))
			if !errors.Is(err, limiter.ErrRefused) || errors.Is(err, limiter.ErrUnavailable) || !strings.Contains(strings.ToLower(err.Error()), strings.ToLower(c.reason)) {
				t.Errorf("New: %v, want ErrRefused with the reason %s", err, c.reason)
			}
		})
	}
}
