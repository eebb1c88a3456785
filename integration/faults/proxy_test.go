package faults

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// TestFramesAreReadWhole: readFrame reads exactly one frame of each type of RESP. It returns an error for a frame that is cut short and for
// other bytes.
func TestFramesAreReadWhole(t *testing.T) {
	for _, frame := range []string{
		"+OK\r\n", "-ERR no\r\n", ":1\r\n", "_\r\n", ",1.5\r\n", "#t\r\n", "(12345678901234567890\r\n",
		"$5\r\na\r\nbc\r\n", "$-1\r\n", "$0\r\n\r\n", "=7\r\ntxt:abc\r\n", "!3\r\nERR\r\n",
		"*0\r\n", "*-1\r\n", "*2\r\n$1\r\na\r\n*1\r\n:1\r\n", "~1\r\n+a\r\n", ">2\r\n+a\r\n+b\r\n", "%1\r\n+a\r\n:1\r\n", "|1\r\n+a\r\n:1\r\n+b\r\n",
	} {
		r := bufio.NewReader(strings.NewReader(frame + "+next\r\n"))
		got, err := readFrame(r)
		if err != nil || string(got) != frame {
			t.Errorf("%q was read as %q, error %v", frame, got, err)
		}
		if next, err := readFrame(r); err != nil || string(next) != "+next\r\n" {
			t.Errorf("the frame after %q was read as %q, error %v", frame, next, err)
		}
		for k := range len(frame) {
			if got, err := readFrame(bufio.NewReader(strings.NewReader(frame[:k]))); err == nil {
				t.Errorf("the first %d bytes of %q were read as %q, want an error", k, frame, got)
			}
		}
	}
	for _, none := range []string{"GET a\r\n", "\r\n", "+a\n", "*x\r\n", "$x\r\n", strings.Repeat("*1\r\n", 100)} {
		if got, err := readFrame(bufio.NewReader(strings.NewReader(none))); err == nil {
			t.Errorf("%q was read as %q, want an error", none, got)
		}
	}
	for frame, want := range map[string]string{"*2\r\n$7\r\nevalsha\r\n$1\r\na\r\n": "EVALSHA", "*1\r\n$4\r\nPING\r\n": "PING", "+OK\r\n": "", "*0\r\n": "", "": ""} {
		if got := commandOf([]byte(frame)); got != want {
			t.Errorf("%q has the command %q, want %q", frame, got, want)
		}
	}
}

// through starts a miniredis, a proxy in front of it, and a client of the proxy. The client does not retry commands.
func through(t *testing.T) (*miniredis.Miniredis, *Proxy, *redis.Client) {
	t.Helper()
	m := miniredis.RunT(t)
	p, err := StartProxy(t.Context(), m.Addr())
	if err != nil {
		t.Fatal(err)
	}
	rdb := redis.NewClient(&redis.Options{
		Addr: p.Addr, MaxRetries: -1, DialerRetries: 1, PoolSize: 1, ContextTimeoutEnabled: true, DisableIdentity: true,
		DialTimeout: time.Second, MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = rdb.Close(); p.Close() })
	return m, p, rdb
}

func TestProxyForwards(t *testing.T) {
	_, p, rdb := through(t)
	for range 3 {
		if err := rdb.Incr(t.Context(), "n").Err(); err != nil {
			t.Fatal(err)
		}
	}
	pipe := rdb.Pipeline()
	first, last := pipe.Get(t.Context(), "n"), pipe.Incr(t.Context(), "n")
	if _, err := pipe.Exec(t.Context()); err != nil || first.Val() != "3" || last.Val() != 4 {
		t.Errorf("a pipeline: %v, %v, %v", first, last, err)
	}
	if n := p.Count("INCR"); n != 4 {
		t.Errorf("%d commands INCR were counted, want 4", n)
	}
}

// TestReplyIsLostAfterTheCommand: Redis executes the command, and its caller gets no reply. Other commands get theirs.
func TestReplyIsLostAfterTheCommand(t *testing.T) {
	for name, harm := range map[string]Harm{"reset": Reset, "finish": Finish} {
		t.Run(name, func(t *testing.T) {
			m, p, rdb := through(t)
			p.Lose("INCR", 1, harm, 1)
			if err := rdb.Set(t.Context(), "other", 1, 0).Err(); err != nil {
				t.Errorf("another command: %v", err)
			}
			// The test sends the bytes itself, because a Redis client may report a reset as an end of the connection.
			var dialer net.Dialer
			c, err := dialer.DialContext(t.Context(), "tcp", p.Addr)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if _, err := c.Write([]byte("*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n")); err != nil {
				t.Fatal(err)
			}
			_, err = c.Read(make([]byte, 1))
			if want := map[Harm]error{Reset: syscall.ECONNRESET, Finish: io.EOF}[harm]; !errors.Is(err, want) {
				t.Errorf("the caller got %v, want %v", err, want)
			}
			if n, err := m.Get("n"); n != "1" {
				t.Errorf("the counter is %q, error %v, want that the command was executed once", n, err)
			}
			if err := p.AwaitHarmed(t.Context(), 1); err != nil || p.Harmed() != 1 {
				t.Errorf("%d replies were dropped, error %v, want 1", p.Harmed(), err)
			}
			if err := p.Heal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n, err := rdb.Incr(t.Context(), "n").Result(); n != 2 || err != nil {
				t.Errorf("after healing the counter is %d, error %v, want 2", n, err)
			}
		})
	}
}

func TestShareOfRepliesIsLost(t *testing.T) {
	_, p, rdb := through(t)
	p.Lose("INCR", 0.3, Finish, 7)
	failed := 0
	for range 300 {
		if rdb.Incr(t.Context(), "n").Err() != nil {
			failed++
		}
	}
	if n, err := rdb.Get(t.Context(), "n").Int(); n != 300 || err != nil {
		t.Errorf("%d commands were executed, error %v, want 300", n, err)
	}
	if failed < 60 || failed > 120 || p.Harmed() != failed {
		t.Errorf("%d of 300 commands failed and %d replies were dropped, want about 90 of both", failed, p.Harmed())
	}
}

// TestReplyIsTruncated: wherever the proxy cuts a reply, the caller gets an error and never a shorter value. The next command gets its own reply.
func TestReplyIsTruncated(t *testing.T) {
	_, p, rdb := through(t)
	if err := rdb.Set(t.Context(), "k", "0123456789", 0).Err(); err != nil {
		t.Fatal(err)
	}
	const whole = len("$10\r\n0123456789\r\n")
	for k := range whole + 1 {
		p.Truncate("GET", k, Reset)
		got, err := rdb.Get(t.Context(), "k").Result()
		if k < whole && err == nil {
			t.Errorf("from the first %d bytes of a reply the caller got %q, want an error", k, got)
		}
		if got, err := rdb.Get(t.Context(), "k").Result(); got != "0123456789" || err != nil {
			t.Errorf("the command after a reply of %d bytes: %q, error %v", k, got, err)
		}
	}
	if n := p.Harmed(); n != whole {
		t.Errorf("%d replies were truncated, want %d", n, whole)
	}
}

func TestProxyDelays(t *testing.T) {
	_, p, rdb := through(t)
	took := func() time.Duration {
		begun := time.Now()
		if err := rdb.Ping(t.Context()).Err(); err != nil {
			t.Error(err)
		}
		return time.Since(begun)
	}
	took() // connects
	p.Delay(Commands, 30*time.Millisecond)
	if d := took(); d < 30*time.Millisecond {
		t.Errorf("with 30 ms one way a reply took %v", d)
	}
	p.Delay(Replies, 60*time.Millisecond)
	if d := took(); d < 90*time.Millisecond {
		t.Errorf("with 30 ms and 60 ms a reply took %v", d)
	}
}

// TestProxyHangs: the proxy forwards nothing in a direction that hangs. After Heal it forwards all frames that waited.
func TestProxyHangs(t *testing.T) {
	for name, d := range map[string]Direction{"commands": Commands, "replies": Replies} {
		t.Run(name, func(t *testing.T) {
			m, p, rdb := through(t)
			if err := rdb.Ping(t.Context()).Err(); err != nil {
				t.Fatal(err)
			}
			p.Hang(d)
			done := make(chan error, 1)
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			go func() { done <- rdb.Incr(ctx, "n").Err() }()
			select {
			case err := <-done:
				t.Fatalf("a reply came through: %v", err)
			case <-time.After(100 * time.Millisecond):
			}
			if executed := m.Exists("n"); executed != (d == Replies) {
				t.Errorf("the command was executed: %t, want %t", executed, d == Replies)
			}
			if err := p.Heal(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := <-done; err != nil {
				t.Errorf("after healing: %v", err)
			}
		})
	}
}

func TestProxyIsCut(t *testing.T) {
	_, p, rdb := through(t)
	conn := rdb.Conn()
	if err := conn.Ping(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if err := conn.Ping(t.Context()).Err(); err == nil {
		t.Error("a connection still works, want that it was reset")
	}
	var dialer net.Dialer
	if c, err := dialer.DialContext(t.Context(), "tcp", p.Addr); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v, error %v, want that it is refused", c, err)
	}
	if err := p.Heal(t.Context()); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close() // an error is possible: the connection was reset
	if err := rdb.Ping(t.Context()).Err(); err != nil {
		t.Errorf("after healing: %v", err)
	}
}
