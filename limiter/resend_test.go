package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// answer is an error reply of Redis.
type answer string

func (a answer) Error() string { return string(a) }

func (answer) RedisError() {}

// TestWhatIsSentAgain: a request whose connection broke may have run, and is sent again at once. A request is not sent again if it could
// not be sent, if it has an answer, or if its time is over.
func TestWhatIsSentAgain(t *testing.T) {
	for _, row := range []struct {
		what string
		err  error
		want bool
	}{
		{"no error", nil, false},
		{"an end", io.EOF, true},
		{"an end within a reply", io.ErrUnexpectedEOF, true},
		{"a reset", &net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, true},
		{"a broken pipe", fmt.Errorf("lua: acquire: %w", &net.OpError{Op: "write", Err: syscall.EPIPE}), true},
		{"nobody listens", &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}, false},
		{"a timeout", &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, false},
		{"the end of a context", context.DeadlineExceeded, false},
		{"a context that was cancelled", context.Canceled, false},
		{"an answer", answer("READONLY You can't write against a read only replica."), false},
		{"no connection is free", redis.ErrPoolTimeout, false},
	} {
		if got := limiter.Broke(row.err); got != row.want {
			t.Errorf("after %s the request is sent again: %t", row.what, got)
		}
	}
}

// TestPatience: if a client respects contexts but reads for less than CallTimeout, the limiter adds a second client that waits as long.
func TestPatience(t *testing.T) {
	for _, row := range []struct {
		what string
		opts redis.Options
		want time.Duration
	}{
		{"respects contexts", redis.Options{ContextTimeoutEnabled: true, ReadTimeout: time.Second}, 5 * time.Second},
		{"ignores contexts", redis.Options{ReadTimeout: time.Second}, time.Second},
		{"waits longer", redis.Options{ContextTimeoutEnabled: true, ReadTimeout: 7 * time.Second}, 7 * time.Second},
		{"waits indefinitely", redis.Options{ContextTimeoutEnabled: true, ReadTimeout: -1}, 0},
	} {
		rdb := redis.NewClient(&row.opts)
		if got := limiter.Patient(rdb, 5*time.Second).Options().ReadTimeout; got != row.want {
			t.Errorf("%s: the client reads for %v, want %v", row.what, got, row.want)
		}
		if err := rdb.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestTurnedAway: a Redis that refuses the connection of a replica counts as away at once. A Redis that refuses a command counts as away
// after half a second of refusals.
func TestTurnedAway(t *testing.T) {
	for _, row := range []struct {
		reply string
		want  limiter.Mode
		why   string // in the log
	}{
		{"WRONGPASS invalid username-password pair or user is disabled.", limiter.Away, "wrong password: "},
		{"NOAUTH Authentication required.", limiter.Away, "no password: "},
		{"ERR max number of clients reached", limiter.Away, "max number of clients"},
		{"NOPERM this user has no permissions to run the 'evalsha' command", limiter.Connected, "NOPERM"},
		{"LOADING Redis is loading the dataset in memory", limiter.Connected, "LOADING"},
	} {
		t.Run(row.reply[:8], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				opts := limitertest.Options(m)
				opts.MaxRetries = -1
				var log logText
				cfg := one(40, 40)
				cfg.Logger = textLogger(&log)
				l, _ := member(t, opts, cfg)
				defer closeLimiter(t, l)
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Fatal(err)
				}
				m.SetError(row.reply)
				if _, err := l.Allow(t.Context(), "global"); !errors.Is(err, limiter.ErrUnavailable) {
					t.Errorf("a call that Redis refuses: %v", err)
				}
				synctest.Wait()
				if got := l.Health().Mode; got != row.want {
					t.Errorf("the mode is %s, want %s", got, row.want)
				}
				time.Sleep(time.Second)
				if got := l.Health().Mode; got != limiter.Away {
					t.Errorf("the mode is %s after a second", got)
				}
				time.Sleep(10 * time.Second)
				_, line, _ := strings.Cut(log.String(), "redis is away")
				line, _, _ = strings.Cut(line, "\n")
				if !strings.Contains(line, row.why) || strings.Count(log.String(), "redis is away") != 1 {
					t.Errorf("want one line \"redis is away\" with the reason %q:\n%s", row.why, log.String())
				}
				m.SetError("")
				time.Sleep(2 * time.Second)
				if got := l.Health().Mode; got != limiter.Connected {
					t.Errorf("the mode is %s after Redis serves again", got)
				}
			})
		})
	}
}
