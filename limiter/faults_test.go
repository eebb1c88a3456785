package limiter_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestLostReplyPaysOnce: the client library resends a command whose reply it lost, so the script runs twice. It charges the
// bucket once, and the second reply is equal to the first.
func TestLostReplyPaysOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, watcher := limitertest.Redis(t)
		options := limitertest.Options(m)
		var cut atomic.Bool
		options.Dialer = func(context.Context, string, string) (net.Conn, error) {
			c, err := m.Dial()
			return &cutConn{Conn: c, cut: &cut}, err
		}
		rdb := redis.NewClient(options)
		defer rdb.Close()
		l, err := limiter.New(t.Context(), rdb, one(10, 10))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		if err := l.Wait(t.Context(), "global"); err != nil { // the script is known to Redis from here on
			t.Fatal(err)
		}
		time.Sleep(time.Minute)

		cut.Store(true)
		if err := l.WaitN(t.Context(), "global", 4); err != nil {
			t.Fatalf("a call whose reply was lost: %v, want it sent again", err)
		}
		if cut.Load() {
			t.Fatal("no reply was lost: the test tested nothing")
		}
		s, err := limiter.ReadSnapshot(t.Context(), watcher, limiter.DefaultNamespace)
		if err != nil {
			t.Fatal(err)
		}
		// The bucket has refilled a part of a token before the client sent again.
		if got := s.Buckets[0].Tokens; got < 6 || got >= 7 {
			t.Errorf("after one call of 4 tokens the bucket of 10 has %.2f, want 6", got)
		}
	})
}

// cutConn closes when it is to read a reply, if the test has asked for that. One connection in all does so.
type cutConn struct {
	net.Conn

	cut  *atomic.Bool
	dead bool
}

func (c *cutConn) Read(b []byte) (int, error) {
	if c.dead {
		return 0, io.EOF
	}
	n, err := c.Conn.Read(b)
	if c.cut.CompareAndSwap(true, false) {
		c.dead = true
		return 0, io.EOF
	}
	return n, err
}

// TestForgottenMemoryIsNoSecondBurst: if Redis comes back without data, buckets begin empty and in debt by the horizon.
func TestForgottenMemoryIsNoSecondBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		cfg := one(40, 40)
		l, err := limiter.New(t.Context(), rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		var starts []time.Time
		start := func(n int) {
			for range n {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Fatal(err)
				}
				starts = append(starts, time.Now())
			}
		}
		start(60)
		m.FlushAll()
		lost := time.Now()
		start(1)
		if silence := time.Since(lost).Round(time.Millisecond); silence != limiter.DefaultHorizon+25*time.Millisecond {
			t.Errorf("the first call after the loss started after %v", silence)
		}
		start(100)
		if err := limitertest.Law(starts, limiter.PerSecond(40, 40), time.Microsecond); err != nil {
			t.Error(err)
		}
	})
}

// TestStaleMemoryIsNoSecondBurst: after a failover the promoted Redis replica has older data of the same epoch.
func TestStaleMemoryIsNoSecondBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		l, err := limiter.New(t.Context(), rdb, one(40, 40))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		other, err := limiter.New(t.Context(), rdb, one(40, 40))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, other)
		time.Sleep(time.Minute)

		const state = "{weir}:state"
		lagging, err := rdb.HGetAll(t.Context(), state).Result()
		if err != nil {
			t.Fatal(err)
		}
		var starts []time.Time
		start := func(l *limiter.Limiter, n int) {
			for range n {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Fatal(err)
				}
				starts = append(starts, time.Now())
			}
		}
		start(l, 40)
		m.Del(state)
		if err := rdb.HSet(t.Context(), state, lagging).Err(); err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		start(l, 5)
		// The other replica has seen fewer grants. It adopts the new epoch and does not begin another one.
		start(other, 5)
		start(l, 5)
		if err := limitertest.Law(starts, limiter.PerSecond(40, 40), time.Microsecond); err != nil {
			t.Error(err)
		}
		if got, want := time.Since(begin).Round(time.Millisecond), limiter.DefaultHorizon+15*25*time.Millisecond; got != want {
			t.Errorf("15 calls after the failover took %v, want %v: one pause", got, want)
		}
	})
}

// TestClockOfRedisSteps: a step back does not delay calls by the length of the step, and a step forward fills the bucket at
// most once.
func TestClockOfRedisSteps(t *testing.T) {
	for name, step := range map[string]time.Duration{"back an hour": -time.Hour, "back a second": -time.Second, "forward an hour": time.Hour} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				var ahead atomic.Int64
				stop := make(chan struct{})
				var ticking sync.WaitGroup
				// The server's clock, with an offset that the test can step.
				ticking.Go(func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(100 * time.Microsecond):
							m.SetTime(time.Now().Add(time.Duration(ahead.Load())))
						}
					}
				})
				defer ticking.Wait()
				defer close(stop)
				l, err := limiter.New(t.Context(), rdb, one(40, 4))
				if err != nil {
					t.Fatal(err)
				}
				defer closeLimiter(t, l)
				time.Sleep(time.Second)
				var starts []time.Time
				for i := range 100 {
					if i == 50 {
						ahead.Store(int64(step))
						m.SetTime(time.Now().Add(step))
					}
					begin := time.Now()
					if err := l.Wait(t.Context(), "global"); err != nil {
						t.Fatal(err)
					}
					if waited := time.Since(begin); waited > limiter.DefaultHorizon+time.Second {
						t.Fatalf("call %d waited %v", i, waited)
					}
					starts = append(starts, time.Now())
				}
				limit := limiter.PerSecond(40, 4)
				if step > 0 {
					limit.Burst *= 2
				}
				if err := limitertest.Law(starts, limit, time.Millisecond); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// idle is long enough for a bucket to fill, and ends at a moment without announcements. A request at the same time as an
// announcement would need a second connection, which takes several replies to open.
const idle = 63 * time.Second

// slow starts a limiter whose replies each take the time that delay returns.
func slow(t *testing.T, cfg limiter.Config, delay func() time.Duration) *limiter.Limiter {
	m, _ := limitertest.Redis(t)
	options := limitertest.Options(m)
	options.Dialer = func(context.Context, string, string) (net.Conn, error) {
		c, err := m.Dial()
		return slowConn{c, delay}, err
	}
	rdb := redis.NewClient(options)
	t.Cleanup(func() { _ = rdb.Close() })
	l, err := limiter.New(t.Context(), rdb, waits(cfg))
	if err != nil {
		t.Fatal(err)
	}
	return l
}

type slowConn struct {
	net.Conn

	delay func() time.Duration
}

func (c slowConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	time.Sleep(c.delay())
	return n, err
}

// TestSlowRedisCostsItsDelayOnce: the mapping of the clock contains a constant delay. So the limiter does not ask for later
// due times, and loses no reservations.
func TestSlowRedisCostsItsDelayOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slow(t, one(10, 5), func() time.Duration { return 200 * time.Millisecond })
		defer closeLimiter(t, l)
		if err := l.Wait(t.Context(), "global"); err != nil { // the script is known to Redis from here on
			t.Fatal(err)
		}
		time.Sleep(idle)
		for range 5 {
			begin := time.Now()
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin).Round(time.Millisecond); took != 200*time.Millisecond {
				t.Errorf("a call on an available token took %v at 200 ms a reply", took)
			}
		}
	})
}

// TestWhoComesDuringACallIsNotKeptInLine: a caller that does not wait asks while a request is under way that puts the lane in
// line. The caller gets its refusal with that reply, not at the lane's turn.
func TestWhoComesDuringACallIsNotKeptInLine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := slow(t, one(1, 1), func() time.Duration { return 20 * time.Millisecond })
		defer closeLimiter(t, l)
		time.Sleep(idle)
		for range 2 { // the second call queues, so that Redis knows both scripts from then on
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Error(err)
			}
		})
		time.Sleep(5 * time.Millisecond) // its request is under way
		begin := time.Now()
		if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
			t.Errorf("Allow behind a waiting caller: %v, %v, want false", ok, err)
		}
		if took := time.Since(begin); took > 40*time.Millisecond {
			t.Errorf("Allow took %v, want no more than two replies", took)
		}
		if rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1}); len(rs) > 0 || err != nil || time.Since(begin) > 80*time.Millisecond {
			t.Errorf("ReserveBatch behind a waiting caller: %d reservations, %v, after %v", len(rs), err, time.Since(begin))
		}
		waiting.Wait()
	})
}

// TestVaryingRepliesLoseLittle: if the times of replies vary by more than the slack, a reservation for now would often be too
// late when the reply arrives. The limiter then asks for later due times, so that it loses few reservations.
func TestVaryingRepliesLoseLittle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var n atomic.Int64
		l := slow(t, one(1000, 100), func() time.Duration {
			return time.Duration(20+n.Add(1)*37%100) * time.Millisecond
		})
		defer closeLimiter(t, l)
		time.Sleep(idle)
		before, err := l.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		const starts = 100
		for range starts {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		after, err := l.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if reserved := after.Grants - before.Grants; reserved > starts+starts/10 {
			t.Errorf("%d reservations were made for %d starts, too many were lost", reserved, starts)
		}
	})
}

// TestOneSlowReplyIsForgotten: a call with a deadline is not refused because one earlier reply was slow.
func TestOneSlowReplyIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var delay atomic.Int64
		l := slow(t, one(40, 40), func() time.Duration { return time.Duration(delay.Load()) })
		defer closeLimiter(t, l)
		time.Sleep(idle)
		delay.Store(int64(2 * time.Second))
		if err := l.Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		delay.Store(int64(time.Millisecond))
		refused := 0
		for range 60 {
			time.Sleep(time.Second)
			ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
			if err := l.Wait(ctx, "global"); err != nil {
				refused++
			}
			cancel()
		}
		if refused > 5 {
			t.Errorf("%d of 60 calls were refused on a full bucket after one slow reply", refused)
		}
	})
}

// TestUnavailableRedisIsSaid: while Redis does not answer, a call that wants an answer at once gets ErrUnavailable. A call
// that waits goes on waiting until Redis is back or its own context ends.
func TestUnavailableRedisIsSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		l, err := limiter.New(t.Context(), rdb, one(10, 5))
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		m.SetError("LOADING the dataset")
		if _, err := l.Allow(t.Context(), "global"); !errors.Is(err, limiter.ErrUnavailable) {
			t.Errorf("Allow while Redis does not answer: %v, want ErrUnavailable", err)
		}
		if _, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 2}); !errors.Is(err, limiter.ErrUnavailable) {
			t.Errorf("ReserveBatch while Redis does not answer: %v, want ErrUnavailable", err)
		}
		begun, outage := time.Now(), time.Minute
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := l.Wait(soon, "global"); !errors.Is(err, context.DeadlineExceeded) || time.Since(begun) != time.Second {
			t.Errorf("a call with a deadline in a second: %v after %v", err, time.Since(begun))
		}
		before := l.StoreCalls()
		var waiting sync.WaitGroup
		for range 10 {
			waiting.Go(func() {
				if err := l.Wait(t.Context(), "global"); err != nil || time.Since(begun) < outage || time.Since(begun) > outage+4*time.Second {
					t.Errorf("a call that waits: %v after %v", err, time.Since(begun))
				}
			})
		}
		time.Sleep(outage - time.Since(begun))
		if calls := l.StoreCalls() - before; calls > 60 {
			t.Errorf("the limiter made %d requests in a minute without Redis", calls)
		}
		if _, err := limiter.New(t.Context(), rdb, one(10, 5)); !errors.Is(err, limiter.ErrUnavailable) {
			t.Errorf("New while Redis does not answer: %v, want ErrUnavailable", err)
		}
		m.SetError("")
		waiting.Wait()
	})
}

// TestServerWithoutAClockIsRefused: some servers that use Redis' protocol answer TIME in a script with zeros. New refuses
// them.
func TestServerWithoutAClockIsRefused(t *testing.T) {
	m, rdb := limitertest.Redis(t)
	m.SetTime(time.Unix(0, 0))
	_, err := limiter.New(t.Context(), rdb, one(10, 5))
	if err == nil || errors.Is(err, limiter.ErrUnavailable) || !strings.Contains(err.Error(), "no clock") {
		t.Errorf("New on a server without a clock: %v, want an error that contains \"no clock\"", err)
	}
}

// TestCallThatIsTakenForAnOlderOne: a damaged stored reply has the number of a later request. The limiter asks again with a
// larger number, and the call is served. The following requests continue from that number, each in one round trip.
func TestCallThatIsTakenForAnOlderOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newRedisFleet(t, 1, one(40, 40))
		defer c.close(t)
		if err := c.fleet[0].Wait(t.Context(), "global"); err != nil {
			t.Fatal(err)
		}
		for _, key := range c.rdb.Keys(t.Context(), "{weir}:replies:*").Val() {
			for field, text := range c.rdb.HGetAll(t.Context(), key).Val() {
				words := strings.SplitN(text, " ", 3)
				c.rdb.HSet(t.Context(), key, field, strings.Join([]string{words[0], "1000", words[2]}, " "))
			}
		}
		if ok, err := c.fleet[0].Allow(t.Context(), "global"); !ok || err != nil {
			t.Errorf("the first call after the damage: %v, %v", ok, err)
		}
		before := c.server.CommandCount()
		if ok, err := c.fleet[0].Allow(t.Context(), "global"); !ok || err != nil {
			t.Errorf("the second call after the damage: %v, %v", ok, err)
		}
		if n := c.server.CommandCount() - before; n > 7 { // one script, with the commands in it; two scripts are ten
			t.Errorf("the second call after the damage took %d commands, want those of one script", n)
		}
	})
}

// TestReplyOfAnEpochThatIsOver: a reply from before a loss arrives after it. It does not count for the new epoch.
func TestReplyOfAnEpochThatIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		options := limitertest.Options(m)
		var delay atomic.Int64
		options.Dialer = func(context.Context, string, string) (net.Conn, error) {
			c, err := m.Dial()
			return slowConn{c, func() time.Duration { return time.Duration(delay.Load()) }}, err
		}
		cfg := config(map[string][]limiter.Limit{"a": {limiter.PerSecond(40, 40)}, "b": {limiter.PerSecond(40, 40)}}, nil)
		cfg.CallTimeout = 5 * time.Second
		l, _ := member(t, options, cfg)
		defer closeLimiter(t, l)
		wait := func(route string) {
			if err := l.Wait(t.Context(), route); err != nil {
				t.Error(err)
			}
		}
		for range 20 {
			wait("a")
		}
		wait("b")
		delay.Store(int64(2 * time.Second))
		var late sync.WaitGroup
		late.Go(func() { wait("a") })
		synctest.Wait()
		delay.Store(0)
		rdb.FlushAll(t.Context())
		wait("b")
		epoch := func() string {
			text := rdb.HGet(t.Context(), "{weir}:state", "epoch").Val()
			return strings.Join(strings.Fields(text)[1:2], "")
		}
		before := epoch()
		late.Wait()
		wait("b")
		if after := epoch(); after != before {
			t.Errorf("the limiter declared a second loss: epoch %q ended and %q began", before, after)
		}
	})
}
