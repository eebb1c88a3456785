package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/internal/table"
	"github.com/weir-go/weir/limiter/limitertest"
)

// wire is the network between one replica and its Redis.
type wire struct {
	dial func(ctx context.Context, network, addr string) (net.Conn, error)

	mu    sync.Mutex
	late  time.Duration // a fifth of the requests are late by up to this time
	rnd   *rand.Rand
	cut   bool
	conns []net.Conn
}

func (w *wire) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.cut { // a dead connection: the client would log an error many times
		dead, other := net.Pipe()
		_ = other.Close()
		return dead, nil
	}
	conn, err := w.dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	w.conns = append(w.conns, conn)
	return &wireConn{conn, w}, nil
}

// Cut ends all connections. New connections are dead.
func (w *wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cut = true
	for _, c := range w.conns {
		_ = c.Close()
	}
}

// Delay makes a fifth of the requests late from now on.
func (w *wire) Delay(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = by
}

// delay draws how late the next request is.
func (w *wire) delay() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.late == 0 || w.rnd.IntN(5) > 0 {
		return 0
	}
	return time.Duration(w.rnd.Int64N(int64(w.late)))
}

type wireConn struct {
	net.Conn

	wire *wire
}

func (c *wireConn) Write(b []byte) (int, error) {
	if d := c.wire.delay(); d > 0 {
		time.Sleep(d) // rows with late requests run in virtual time only
	}
	return c.Conn.Write(b)
}

// fillTime returns how long the empty buckets of a row take to fill. A new bucket may begin empty, and in debt by the
// horizon.
func fillTime(r table.Row) time.Duration {
	fill := time.Duration(0)
	for _, l := range r.Limits {
		fill = max(fill, l.Per, time.Duration(l.Burst)*l.Interval())
	}
	return fill + table.Horizon + time.Millisecond
}

// fleetWorld returns a world of one limiter for each replica, each with its own client.
func fleetWorld(t *testing.T, r table.Row, namespace string, options func() *redis.Options) world {
	fleet, wires, errs := make([]*limiter.Limiter, r.Replicas), make([]*wire, r.Replicas), make([]error, r.Replicas)
	var starting sync.WaitGroup
	for i := range fleet {
		opts := options()
		wires[i] = &wire{dial: opts.Dialer, rnd: rand.New(rand.NewPCG(r.Seed(), uint64(i)))}
		opts.Dialer = wires[i].Dial
		rdb := redis.NewClient(opts)
		t.Cleanup(func() { _ = rdb.Close() })
		cfg := configOf(r, i)
		cfg.Namespace, cfg.Replica = namespace, fmt.Sprintf("r%d", i)
		starting.Go(func() { fleet[i], errs[i] = limiter.New(t.Context(), rdb, waits(cfg)) })
	}
	starting.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	end := func() {
		var ending sync.WaitGroup
		for _, l := range fleet { // all at once: a dead replica tries for a while to withdraw its presence, and cannot
			ending.Go(func() { closeLimiter(t, l) })
		}
		ending.Wait()
	}
	last := fleet[len(fleet)-1]
	return world{
		fill: fillTime(r), end: end,
		wait: func(ctx context.Context, lane int, cost int64) error {
			return fleet[r.Lanes[lane].Replica].WaitN(ctx, laneName(lane), cost)
		},
		drain: func(ctx context.Context, bucket string, tokens int64) error { return last.WaitN(ctx, bucket, tokens) },
		calls: func() (sum int64) {
			for _, l := range fleet {
				sum += l.StoreCalls()
			}
			return sum
		},
		begin: func() {
			if r.Callers == table.Late {
				for _, w := range wires {
					w.Delay(r.LateBy())
				}
			}
		},
		kill: func(replica int) { wires[replica].Cut() },
	}
}

// cheap reports whether a row takes little time on miniredis: a replica announces itself every ten seconds, and a lane in
// line asks every five.
func cheap(r table.Row) bool {
	turns := (r.Length + fillTime(r)).Seconds() * (float64(r.Replicas)/10 + float64(len(r.Lanes))/5)
	wide := r.Limits[len(r.Limits)-1]
	tokens := r.Length.Seconds() * wide.Rate()
	if wide.Burst <= 2 || r.Replicas == 1 { // few tasks share a request
		tokens *= 10 / r.Costs.Mean()
	}
	return turns < 1500 && tokens < 20000
}

// TestConservesInAFleet runs rows on an in-process Redis, in virtual time, with a limiter for each replica, replicas that
// die, and late requests.
func TestConservesInAFleet(t *testing.T) {
	n := few(6, 20)
	if raceDetector {
		n = min(n, 4)
	}
	if *full {
		n = 150
	}
	rows, share := table.Pairwise(n, cheap)
	t.Logf("%d rows, %.1f %% of the pairs", len(rows), 100*share)
	for i, r := range table.Named() {
		if cheap(r) && !raceDetector && i%few(4, 1) == 0 {
			rows = append(rows, r)
		}
	}
	red := openRed(t, "fleet")
	for _, r := range rows {
		t.Run(r.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				tolerance := virtual(r)
				red.judge(t, r, &tolerance, func() table.Log {
					m, _ := limitertest.Redis(t)
					w := fleetWorld(t, r, "", func() *redis.Options { return limitertest.Options(m) })
					defer w.end()
					return play(t, r, w)
				})
			})
		})
	}
}
