package limiter_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.opentelemetry.io/otel/sdk/metric"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// link is the network between a replica and its Redis. A test can cut it, make it hang or lose data, and restore it.
type link struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	cut   bool
	mute  chan struct{} // blocks requests until it is closed; nil if the link does not hang
	conns map[net.Conn]bool
	lost  map[net.Conn]bool // connections that drop all data
}

var errCut = errors.New("cut")

func (r *link) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cut {
		return nil, errCut
	}
	c, err := r.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	r.conns[c] = true
	return &linkConn{c, r}, nil
}

// Cut ends all connections, and refuses new ones.
func (r *link) Cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cut = true
	for c := range r.conns {
		_ = c.Close()
	}
	clear(r.conns)
}

// Lose makes the existing connections drop all data until Restore. Dropped requests never get an answer. New connections work.
func (r *link) Lose() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.lost = maps.Clone(r.conns)
}

// Hang delays requests until Restore.
func (r *link) Hang() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mute = make(chan struct{})
}

// Restore makes the link work again.
func (r *link) Restore() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.mute != nil {
		close(r.mute)
	}
	r.cut, r.mute, r.lost = false, nil, nil
}

type linkConn struct {
	net.Conn

	link *link
}

func (c *linkConn) Write(b []byte) (int, error) {
	c.link.mu.Lock()
	mute, lost := c.link.mute, c.link.lost[c.Conn]
	c.link.mu.Unlock()
	if lost {
		return len(b), nil
	}
	if mute != nil {
		<-mute
	}
	return c.Conn.Write(b)
}

// linkedFleet is a fleet whose replicas each have their own link to Redis.
type linkedFleet struct {
	server *miniredis.Miniredis
	fleet  []*limiter.Limiter
	links  []*link
}

func newLinkedFleet(t *testing.T, replicas int, cfg limiter.Config) *linkedFleet {
	t.Helper()
	v := &linkedFleet{}
	cfg.LocalFor = cmp.Or(cfg.LocalFor, 30*time.Second)
	v.server, _ = limitertest.Redis(t)
	for range replicas {
		opts := limitertest.Options(v.server)
		r := &link{dial: opts.Dialer, conns: map[net.Conn]bool{}}
		opts.Dialer, opts.MaxRetries, opts.DialerRetries = r.Dial, -1, 1
		l, _ := member(t, opts, cfg)
		v.fleet, v.links = append(v.fleet, l), append(v.links, r)
	}
	return v
}

func (v *linkedFleet) close(t *testing.T) {
	var ending sync.WaitGroup
	for _, l := range v.fleet {
		ending.Go(func() { closeLimiter(t, l) })
	}
	ending.Wait()
}

// saturate runs so many callers in each replica, each in a loop, until a time. It returns the starts by replica.
func (v *linkedFleet) saturate(t *testing.T, callers int, until time.Time) [][]time.Time {
	t.Helper()
	all := make([][]time.Time, len(v.fleet))
	var mu sync.Mutex
	var calls sync.WaitGroup
	ctx, cancel := context.WithDeadline(t.Context(), until.Add(time.Hour))
	defer cancel()
	for i, l := range v.fleet {
		for range callers {
			calls.Go(func() {
				for time.Now().Before(until) {
					if err := l.Wait(ctx, "global"); err != nil {
						t.Errorf("a caller whose deadline has not passed: %v", err)
						return
					}
					mu.Lock()
					all[i] = append(all[i], time.Now())
					mu.Unlock()
				}
			})
		}
	}
	calls.Wait()
	return all
}

func between(all [][]time.Time, from, to time.Time) (n int) {
	for _, of := range all {
		for _, at := range of {
			if !at.Before(from) && at.Before(to) {
				n++
			}
		}
	}
	return n
}

func together(all [][]time.Time) (out []time.Time) {
	for _, of := range all {
		out = append(out, of...)
	}
	return out
}

// excess returns the largest number of starts by which a fleet exceeded a limit, in any period.
func excess(all [][]time.Time, l limiter.Limit) float64 {
	starts := slices.SortedFunc(slices.Values(together(all)), time.Time.Compare)
	worst, first := 0.0, 0
	if len(starts) == 0 {
		return 0
	}
	if l.Window {
		for i, at := range starts {
			for at.Sub(starts[first]) >= l.Per-limiter.DefaultSlack {
				first++
			}
			worst = max(worst, float64(int64(i-first+1)-l.Tokens))
		}
		return worst
	}
	least := math.Inf(1) // the smallest number of starts before a start, less the tokens refilled until then
	for i, at := range starts {
		given := l.Rate() * at.Sub(starts[0]).Seconds()
		least = min(least, float64(i)-given)
		worst = max(worst, float64(i+1)-given-least-float64(l.Burst))
	}
	return worst
}

// ways are the ways in which Redis can be away, and come back.
var ways = map[string]struct{ away, back func(v *linkedFleet) }{
	"refused": {func(v *linkedFleet) { v.each((*link).Cut) }, func(v *linkedFleet) { v.each((*link).Restore) }},
	"hung":    {func(v *linkedFleet) { v.each((*link).Hang) }, func(v *linkedFleet) { v.each((*link).Restore) }},
	"loading": {func(v *linkedFleet) { v.server.SetError("LOADING the dataset") }, func(v *linkedFleet) { v.server.SetError("") }},
	"emptied": {func(v *linkedFleet) { v.server.SetError("LOADING the dataset") }, func(v *linkedFleet) { v.server.FlushAll(); v.server.SetError("") }},
}

func (v *linkedFleet) each(do func(*link)) {
	for _, r := range v.links {
		do(r)
	}
}

// TestWithoutRedisTheFleetGoesOn: whatever the limit, the size of the fleet and the way in which Redis is away, the fleet continues at its
// rate. The starts exceed the limit by no more than the bursts of the shares. Callers whose deadline has not passed get no error.
func TestWithoutRedisTheFleetGoesOn(t *testing.T) {
	type world struct {
		limit    limiter.Limit
		replicas int
		way      string
	}
	table := map[string]world{}
	for name, limit := range map[string]limiter.Limit{
		"34 a second, burst 4": limiter.PerSecond(34, 4), "40 a second, burst 40": limiter.PerSecond(40, 40), "5 a second, burst 1": limiter.PerSecond(5, 1),
		"200 a second, burst 20": limiter.PerSecond(200, 20), "24 in 2 s": limiter.PerWindow(24, 2*time.Second), "90 a minute, burst 3": {Tokens: 90, Per: time.Minute, Burst: 3},
	} {
		for _, replicas := range []int{1, 4, 9} {
			for way := range ways {
				table[fmt.Sprintf("%s, %d replicas, %s", name, replicas, way)] = world{limit, replicas, way}
			}
		}
	}
	names := slices.Sorted(maps.Keys(table))
	for i := 0; i < len(names); i += few(7, 1) {
		name, w := names[i], table[names[i]]
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := newLinkedFleet(t, w.replicas, limiter.SingleBucket("global", w.limit))
				defer v.close(t)
				time.Sleep(15 * time.Second)
				begin := time.Now()
				away, back, end := begin.Add(10*time.Second), begin.Add(20*time.Second), begin.Add(30*time.Second)
				go func() {
					time.Sleep(time.Until(away))
					ways[w.way].away(v)
					time.Sleep(time.Until(back))
					ways[w.way].back(v)
				}()
				all := v.saturate(t, 10, end)
				rate := w.limit.Rate()
				used := float64(between(all, away, back)) / (10 * rate)
				after := float64(between(all, back.Add(2*time.Second), end)) / (8 * rate)
				over, most := excess(all, w.limit), 0.05*rate+float64(max(w.limit.Burst, int64(w.replicas)))
				if w.limit.Window {
					most = 0
				}
				t.Logf("used %.3f while away, %.3f from 2 s after, excess %.1f of at most %.1f", used, after, over, most)
				if over > most {
					t.Errorf("the starts exceed the limit by %.1f, want at most %.1f", over, most)
				}
				// A share of a window starts nothing for its first length, and is rounded down. At slow rates only few calls start in 10 s.
				if least := 0.85; used < least && !w.limit.Window && rate > 10 || used < 0.5 {
					t.Errorf("without Redis the fleet used %.3f of the budget, want %.2f", used, least)
				}
				if few := 1 / (8 * rate); after < 0.9-few {
					t.Errorf("from 2 s after the return of Redis the fleet used %.3f of the rate, want 0.9", after)
				}
			})
		})
	}
}

// TestWithoutRedisSharesEnd: local mode ends after LocalFor. Then calls wait until Redis is back, and its return gives no second burst.
func TestWithoutRedisSharesEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit, reader := limiter.PerSecond(20, 20), metric.NewManualReader()
		cfg := limiter.SingleBucket("global", limit)
		cfg.LocalFor, cfg.MeterProvider = 5*time.Second, metric.NewMeterProvider(metric.WithReader(reader))
		v := newLinkedFleet(t, 2, cfg)
		defer v.close(t)
		time.Sleep(15 * time.Second)
		begin := time.Now()
		go func() {
			time.Sleep(10 * time.Second)
			v.each((*link).Cut)
			time.Sleep(3 * time.Second)
			h := v.fleet[0].Health()
			if since := h.Since.Sub(begin.Add(10 * time.Second)); h.Mode != limiter.Local || since < 0 || since > 300*time.Millisecond || time.Until(h.Until) > 3*time.Second {
				t.Errorf("3 s after Redis went away the health is %+v, want local mode", h)
			}
			if got := counted(t, reader); got["weir.rate_limiting.without_redis "] < 40 {
				t.Errorf("the metrics without Redis are %v", got)
			}
			time.Sleep(10 * time.Second)
			if h := v.fleet[0].Health(); h.Mode != limiter.Away || !h.Until.IsZero() {
				t.Errorf("13 s after Redis went away the health is %+v, want away", h)
			}
			if _, err := v.fleet[0].Allow(t.Context(), "global"); !errors.Is(err, limiter.ErrUnavailable) {
				t.Errorf("Allow after local mode: %v, want ErrUnavailable", err)
			}
			time.Sleep(2 * time.Second)
			v.each((*link).Restore)
			time.Sleep(2 * time.Second)
			if h := v.fleet[0].Health(); h.Mode != limiter.Connected || !h.Since.IsZero() {
				t.Errorf("2 s after the return of Redis the health is %+v, want connected", h)
			}
		}()
		all := v.saturate(t, 5, begin.Add(40*time.Second))
		at := func(from, to int) int {
			return between(all, begin.Add(time.Duration(from)*time.Second), begin.Add(time.Duration(to)*time.Second))
		}
		if n := at(16, 25); n != 0 {
			t.Errorf("%d calls started after local mode, want none", n)
		}
		if n := at(11, 15); n < 72 || n > 82 {
			t.Errorf("%d calls started in 4 s of local mode, want 80", n)
		}
		if n := at(27, 40); n < 245 {
			t.Errorf("%d calls started in 13 s after the return of Redis, want 260", n)
		}
		if over := excess(all, limit); over > 2 {
			t.Errorf("the starts exceed the limit by %.1f", over)
		}
	})
}

// TestWithoutRedisOneReplica: a replica that alone is cut off from Redis continues with its share, and the others use the whole rate. When
// it is connected again, it gets its part of the rate.
func TestWithoutRedisOneReplica(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := limiter.PerSecond(40, 40)
		v := newLinkedFleet(t, 4, limiter.SingleBucket("global", limit))
		defer v.close(t)
		time.Sleep(15 * time.Second)
		begin := time.Now()
		go func() {
			time.Sleep(10 * time.Second)
			v.links[0].Cut()
			time.Sleep(10 * time.Second)
			v.links[0].Restore()
		}()
		all := v.saturate(t, 10, begin.Add(30*time.Second))
		others, cut := between(all[1:], begin.Add(12*time.Second), begin.Add(20*time.Second)), between(all[:1], begin.Add(12*time.Second), begin.Add(20*time.Second))
		if others < 8*40*95/100 || cut < 70 || cut > 82 {
			t.Errorf("in 8 s the others started %d calls, want 320, and the replica that was cut off %d, want 80", others, cut)
		}
		if n := between(all[:1], begin.Add(23*time.Second), begin.Add(30*time.Second)); n < 60 {
			t.Errorf("%d calls of the replica in 7 s after it was back, want 70", n)
		}
		if over := excess(all, limit); over > 10*10+10 {
			t.Errorf("the starts exceed the limit by %.1f, want at most the share of one replica for 10 s, and its burst", over)
		}
	})
}

// TestWithoutRedisAndAShare: some calls have no share and wait for Redis: calls on a slow limit, in a process that has not been announced
// twice, on a window of fewer starts than replicas, and calls that cost more than the share's burst. Other routes of the same replica
// continue.
func TestWithoutRedisAndAShare(t *testing.T) {
	cfg := func() limiter.Config {
		return limiter.Config{
			Buckets: map[string][]limiter.Limit{
				"fast": {limiter.PerSecond(40, 40)}, "slow": {{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}}, "small": {limiter.PerWindow(1, time.Second)},
			},
			Routes: map[string][]string{"both": {"slow", "fast"}},
		}
	}
	synctest.Test(t, func(t *testing.T) {
		v := newLinkedFleet(t, 2, cfg())
		defer v.close(t)
		time.Sleep(15 * time.Second)
		late := joinLinked(t, v, cfg())
		defer closeLimiter(t, late.fleet[0])
		v.each((*link).Cut)
		late.each((*link).Cut)
		starts := func(l *limiter.Limiter, route string, n int64) bool {
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			return l.WaitN(ctx, route, n) == nil
		}
		if !starts(v.fleet[0], "fast", 1) {
			t.Fatal("no call starts on a route with a share")
		}
		for route, n := range map[string]int64{"slow": 1, "both": 1, "small": 1, "fast": 30} {
			if starts(v.fleet[0], route, n) {
				t.Errorf("without Redis and without a share, %d tokens of route %s were granted", n, route)
			}
		}
		if ok, err := v.fleet[0].AllowN(t.Context(), "fast", 30); ok || err != nil {
			t.Errorf("a call of 30 tokens on a share with a burst of 20: %t, %v", ok, err)
		}
		var large *limiter.ExceedsBurstError
		if err := v.fleet[0].WaitN(t.Context(), "fast", 41); !errors.As(err, &large) || large.Burst != 40 {
			t.Errorf("a call of 41 tokens: %v", err)
		}
		if starts(late.fleet[0], "fast", 1) {
			t.Error("a replica uses a share although the other replicas do not count it")
		}
		if m := late.fleet[0].Health().Mode; m != limiter.Away {
			t.Errorf("the mode is %s", m)
		}
		waited := make(chan error, 1)
		go func() { waited <- v.fleet[0].WaitN(t.Context(), "fast", 30) }()
		time.Sleep(time.Second)
		v.each((*link).Restore)
		late.each((*link).Restore)
		time.Sleep(5 * time.Second)
		select {
		case err := <-waited:
			did(t, err)
		default:
			t.Error("a call that waited for Redis still waits after Redis is back")
		}
		if !starts(late.fleet[0], "both", 1) {
			t.Error("no call starts on a route without a share after Redis is back")
		}
	})
}

// joinLinked starts a further replica of a fleet, with a link of its own.
func joinLinked(t *testing.T, v *linkedFleet, cfg limiter.Config) *linkedFleet {
	t.Helper()
	opts := limitertest.Options(v.server)
	cfg.LocalFor = cmp.Or(cfg.LocalFor, 30*time.Second)
	r := &link{dial: opts.Dialer, conns: map[net.Conn]bool{}}
	opts.Dialer, opts.MaxRetries, opts.DialerRetries = r.Dial, -1, 1
	l, _ := member(t, opts, cfg)
	return &linkedFleet{server: v.server, fleet: []*limiter.Limiter{l}, links: []*link{r}}
}

// TestWithoutRedisClosedAndOpen: without Redis, FailClosed starts no calls, and FailOpen starts all calls and counts them.
func TestWithoutRedisClosedAndOpen(t *testing.T) {
	for way, do := range ways {
		t.Run("closed, "+way, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg := one(20, 1)
				cfg.WhenAway = limiter.FailClosed
				v := newLinkedFleet(t, 2, cfg)
				defer v.close(t)
				time.Sleep(15 * time.Second)
				begin := time.Now()
				go func() {
					time.Sleep(5 * time.Second)
					do.away(v)
					time.Sleep(2 * time.Second)
					if m := v.fleet[0].Health().Mode; m != limiter.Away {
						t.Errorf("the mode is %s", m)
					}
					time.Sleep(3 * time.Second)
					do.back(v)
				}()
				all := v.saturate(t, 5, begin.Add(15*time.Second))
				if n := between(all, begin.Add(5500*time.Millisecond), begin.Add(10*time.Second)); n != 0 {
					t.Errorf("FailClosed started %d calls without Redis", n)
				}
				if over := excess(all, limiter.PerSecond(20, 1)); over > 1 {
					t.Errorf("the starts exceed the limit by %.1f", over)
				}
			})
		})
	}
	synctest.Test(t, func(t *testing.T) {
		reader := metric.NewManualReader()
		cfg := twoBuckets()
		cfg.WhenAway, cfg.MeterProvider = limiter.FailOpen, metric.NewMeterProvider(metric.WithReader(reader))
		v := newLinkedFleet(t, 1, cfg)
		defer v.close(t)
		time.Sleep(time.Second)
		waiting := make(chan error, 9)
		for range 9 {
			go func() { waiting <- v.fleet[0].Wait(t.Context(), "narrow") }()
		}
		time.Sleep(time.Millisecond)
		v.each((*link).Cut)
		begin := time.Now()
		for range 9 {
			did(t, <-waiting)
		}
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("with FailOpen a waiting call started after %v", took)
		}
		begin = time.Now()
		for range 100 {
			did(t, v.fleet[0].Wait(t.Context(), "both", limiter.Costs{"narrow": 1, "wide": 2}))
		}
		if took := time.Since(begin); took != 0 || v.fleet[0].Health().Mode != limiter.Open {
			t.Errorf("100 calls took %v; %+v", took, v.fleet[0].Health())
		}
		if got := counted(t, reader); got["weir.rate_limiting.without_redis "] < 100 || got["weir.bucket.shadowed acquired"] != 0 {
			t.Errorf("the metrics are %v", got)
		}
		v.each((*link).Restore)
		time.Sleep(5 * time.Second)
		begin = time.Now()
		for range 4 {
			did(t, v.fleet[0].Wait(t.Context(), "narrow"))
		}
		if took := time.Since(begin); took < 2*time.Second {
			t.Errorf("4 calls at one a second took %v after Redis was back", took)
		}
	})
}

// TestSlowRedisIsNotAway: a Redis that always takes 2 s to answer does not count as away, once the limiter knows that time.
func TestSlowRedisIsNotAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		opts := limitertest.Options(m)
		slow := &lateDialer{dial: opts.Dialer}
		opts.Dialer = slow.Dial
		l, _ := member(t, opts, one(40, 40))
		defer closeLimiter(t, l)
		time.Sleep(15 * time.Second)
		slow.by.Store(int64(2 * time.Second))
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for begin := time.Now(); time.Since(begin) < 2*time.Minute; {
				did(t, l.Wait(t.Context(), "global"))
			}
		}()
		<-ended
		if h := l.Health(); h.Mode != limiter.Connected {
			t.Errorf("after two minutes with a Redis that takes 2 s, the health is %+v", h)
		}
		slow.by.Store(0)
	})
}

// lateDialer dials connections that send late.
type lateDialer struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)
	by   atomic.Int64
}

func (d *lateDialer) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	c, err := d.dial(ctx, network, addr)
	return &lateConn{c, &d.by}, err
}

type lateConn struct {
	net.Conn

	by *atomic.Int64
}

func (c *lateConn) Write(b []byte) (int, error) {
	time.Sleep(time.Duration(c.by.Load()))
	return c.Conn.Write(b)
}

// TestWithoutRedisNowAndThen: a Redis that answers only for half a second in every two counts as away all the time. The fleet never gets a
// second budget.
func TestWithoutRedisNowAndThen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := limiter.PerSecond(34, 4)
		v := newLinkedFleet(t, 4, limiter.SingleBucket("global", limit))
		defer v.close(t)
		time.Sleep(15 * time.Second)
		begin := time.Now()
		go func() {
			for range 10 {
				time.Sleep(1500 * time.Millisecond)
				v.each((*link).Restore)
				time.Sleep(500 * time.Millisecond)
				v.each((*link).Cut)
			}
			v.each((*link).Restore)
		}()
		all := v.saturate(t, 10, begin.Add(30*time.Second))
		over, used := excess(all, limit), float64(len(together(all)))/(30*34)
		t.Logf("the fleet used %.3f of the budget, and exceeded the limit by %.1f", used, over)
		if over > 4+1.7 || used < 0.7 {
			t.Errorf("the fleet used %.3f of the budget, and exceeded the limit by %.1f", used, over)
		}
	})
}

// TestWithoutRedisSchedulersAndSettlements: without Redis batches continue. A batch that asks for more than a share can hold gets the time
// to ask again. A cost that was charged to a share does not return to the fleet's bucket.
func TestWithoutRedisSchedulersAndSettlements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := limiter.PerSecond(20, 20)
		cfg := limiter.SingleBucket("global", limit)
		cfg.Metered = map[string]limiter.Metered{"global": {Reserve: -1, Exact: true}}
		v := newLinkedFleet(t, 2, cfg)
		defer v.close(t)
		time.Sleep(15 * time.Second)
		l, other := v.fleet[0], v.fleet[1]
		if ok, err := other.AllowN(t.Context(), "global", 20); !ok || err != nil {
			t.Fatalf("Allow: %t, %v, want true", ok, err)
		}
		v.each((*link).Cut)
		_ = other.WaitN(t.Context(), "global", 1)
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		did(t, l.WaitN(ctx, "global", 1))
		cancel()
		time.Sleep(3 * time.Second)
		rs, _, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 4, Cost: 2})
		if err != nil || len(rs) != 4 {
			t.Fatalf("a batch got %d of 4 reservations, %v", len(rs), err)
		}
		began := time.Now()
		if rs, turn, err := l.ReserveBatch(t.Context(), "global", limiter.Run{N: 1, Cost: 15}); err != nil || len(rs) != 0 || turn.Again.Sub(began) < time.Second {
			t.Errorf("a batch of a call that costs more than the share can hold: %d reservations, %+v, %v", len(rs), turn, err)
		}
		for _, r := range rs {
			time.Sleep(r.Delay())
			if !r.Use("global") {
				t.Error("Use refused a reservation of a share")
			}
		}
		v.each((*link).Restore)
		time.Sleep(4 * time.Second)
		for range 3 { // the bucket is empty when the fleet asks
			if ok, _ := other.AllowN(t.Context(), "global", 20); ok {
				break
			}
			time.Sleep(500 * time.Millisecond)
		}
		before := levelOfBucket(t, l, "global")
		for _, r := range rs {
			r.Settle(limiter.Costs{"global": 0})
		}
		did(t, l.Wait(t.Context(), "global"))
		time.Sleep(10 * time.Millisecond)
		if after := levelOfBucket(t, l, "global"); after.Tokens-after.Debt > before.Tokens-before.Debt+1.5 {
			t.Errorf("the fleet's bucket was %+v, and %+v after calls on a share were settled, want no change", before, after)
		}
	})
}

// TestWithoutRedisIdleBucketsKeepTheirBurst: a bucket that no call used without Redis keeps its tokens.
func TestWithoutRedisIdleBucketsKeepTheirBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newLinkedFleet(t, 2, twoBuckets())
		defer v.close(t)
		time.Sleep(15 * time.Second)
		v.each((*link).Cut)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		did(t, v.fleet[0].Wait(ctx, "wide"))
		v.each((*link).Restore)
		time.Sleep(1200 * time.Millisecond)
		if b := levelOfBucket(t, v.fleet[0], "narrow"); b.Tokens < 1 {
			t.Errorf("the unused bucket is %+v, want it full", b)
		}
	})
}

// TestSuspendedReplicaIsNotWithoutRedis: a process that was suspended cannot know how long Redis took, so Redis does not count as away.
func TestSuspendedReplicaIsNotWithoutRedis(t *testing.T) {
	for _, late := range []time.Duration{0, 50 * time.Millisecond, 3 * time.Second} {
		if away := limiter.AwayAfter(t, late); away != (late < 100*time.Millisecond) {
			t.Errorf("the timer fires %v late: away is %t", late, away)
		}
	}
}

// TestWithoutRedisTenants: a bucket that was created at run time has shares, too, and is empty when Redis is back.
func TestWithoutRedisTenants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		limit := limiter.PerSecond(10, 40)
		v := newLinkedFleet(t, 2, limiter.SingleBucket("shared", limiter.PerSecond(1000, 1000)))
		defer v.close(t)
		for _, l := range v.fleet {
			did(t, l.AddRoute("global", limiter.Bucket{Name: "tenant", Limits: []limiter.Limit{limit}}, limiter.Bucket{Name: "shared"}))
		}
		time.Sleep(15 * time.Second)
		begin := time.Now()
		go func() {
			time.Sleep(5 * time.Second)
			v.each((*link).Cut)
			time.Sleep(10 * time.Second)
			v.each((*link).Restore)
		}()
		all := v.saturate(t, 5, begin.Add(25*time.Second))
		over, used := excess(all, limit), between(all, begin.Add(6*time.Second), begin.Add(15*time.Second))
		t.Logf("%d calls in 9 s without Redis; the starts exceed the limit by %.1f", used, over)
		if over > 10*0.5+2 || used < 76 {
			t.Errorf("%d calls in 9 s without Redis, want 90; the starts exceed the limit by %.1f", used, over)
		}
	})
}
