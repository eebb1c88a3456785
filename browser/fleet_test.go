package browser

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/fleet"
)

// redisServer is a redis-server process that a test can stop and start again at the same address.
type redisServer struct {
	addr string
	cmd  *exec.Cmd
}

func startRedis(t *testing.T) *redisServer {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no redis-server on the PATH, and CI is set")
		}
		t.Skip("no redis-server on the PATH")
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &redisServer{addr: l.Addr().String()}
	_ = l.Close()
	s.start(t)
	t.Cleanup(s.stop)
	return s
}

func (s *redisServer) start(t *testing.T) {
	t.Helper()
	host, port, _ := net.SplitHostPort(s.addr)
	s.cmd = exec.CommandContext(context.WithoutCancel(t.Context()), "redis-server", "--bind", host, "--port", port, "--save", "", "--dir", t.TempDir())
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	rdb := s.client()
	defer func() { _ = rdb.Close() }()
	for again := time.NewTicker(20 * time.Millisecond); rdb.Ping(t.Context()).Err() != nil; <-again.C {
		if t.Context().Err() != nil {
			t.Fatal("redis-server does not answer")
		}
	}
}

func (s *redisServer) stop() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

func (s *redisServer) client() *redis.Client {
	return redis.NewClient(&redis.Options{Addr: s.addr, MaxRetries: -1, ContextTimeoutEnabled: true})
}

// member is a replica of the fleet, with callers and tasks.
type member struct {
	rdb     *redis.Client
	limiter *limiter.Limiter
	tasks   *orchestrator.Orchestrator
	end     context.CancelFunc
	calling sync.WaitGroup
}

// longName has the maximum length of a name.
var longName = "a-bucket-with-as-long-a-name-as-a-name-may-have:" + strings.Repeat("0123456789", 5) + "-z"

// join adds a replica with more calls than its limits allow.
func (s *redisServer) join(t *testing.T, name string, callers int) *member {
	t.Helper()
	m := &member{rdb: s.client()}
	var err error
	m.limiter, err = limiter.New(t.Context(), m.rdb, limiter.Config{
		Namespace: "shop", Replica: name, Publish: time.Second,
		Buckets: map[string][]limiter.Limit{
			"spotify": {limiter.PerSecond(40, 40)}, "lastfm": {limiter.PerSecond(5, 5)}, "anthropic": {limiter.PerSecond(12, 12)},
			"mail": {limiter.PerSecond(30, 30)}, longName: {limiter.PerSecond(2, 2)}, "global": {limiter.PerSecond(200, 200)},
		},
		Routes: map[string][]string{"tracks": {"spotify", "global"}, "artists": {"lastfm", "global"}, "answers": {"anthropic", "global"}, "letters": {"mail", "global"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	m.tasks, err = orchestrator.New(orchestrator.Config{Limiter: m.limiter, Slots: 16})
	if err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	m.end = end
	for route, callers := range map[string]int{"tracks": callers, "artists": 3, "answers": 2} {
		for range callers {
			m.calling.Go(func() {
				for ctx.Err() == nil {
					_ = m.limiter.Wait(ctx, route)
				}
			})
		}
	}
	m.calling.Go(func() {
		for again := time.NewTicker(250 * time.Millisecond); ; {
			select {
			case <-again.C:
				_ = m.limiter.Wait(ctx, "letters")
			case <-ctx.Done():
				return
			}
		}
	})
	t.Cleanup(func() { m.leave(t) })
	return m
}

// awaitQueues waits until the record of each replica shows waiting calls on each route.
func (s *redisServer) awaitQueues(t *testing.T, routes ...string) {
	t.Helper()
	rdb := s.client()
	defer rdb.Close()
	again := time.NewTicker(50 * time.Millisecond)
	defer again.Stop()
	for {
		f, err := fleet.Read(t.Context(), rdb, "shop")
		if err != nil {
			t.Fatal(err)
		}
		waits := len(f.Replicas) > 0
		for _, replica := range f.Replicas {
			n := 0
			for _, route := range replica.Routes {
				if slices.Contains(routes, route.Route) && route.Waiting > 0 {
					n++
				}
			}
			waits = waits && n == len(routes)
		}
		if waits {
			return
		}
		select {
		case <-again.C:
		case <-t.Context().Done():
			t.Fatalf("no calls wait on %v", routes)
		}
	}
}

// batch queues a batch of tasks.
func (m *member) batch(t *testing.T, id string, n int) {
	t.Helper()
	fns := make([]orchestrator.Task[int], n)
	for i := range fns {
		fns[i] = func(context.Context) (int, error) {
			if i%17 == 3 {
				return 0, errors.New("task " + strconv.Itoa(i) + " fails")
			}
			return i, nil
		}
	}
	if _, err := orchestrator.EnqueueBatch(t.Context(), m.tasks, id, fns, orchestrator.Route("tracks")); err != nil {
		t.Fatal(err)
	}
}

// kill cuts the replica off from Redis, as a power cut does: the replica cannot announce its end.
func (m *member) kill() { _ = m.rdb.Close() }

func (m *member) leave(t *testing.T) {
	t.Helper()
	m.end()
	m.calling.Wait()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 2*time.Second)
	defer cancel()
	_, _ = m.tasks.Drain(ctx, orchestrator.Drain{HandBack: true})
	_ = m.limiter.Close(ctx) // a killed replica returns an error
	_ = m.rdb.Close()
}
