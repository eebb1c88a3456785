package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
	"github.com/weir-go/weir/worker/fleet"
)

func read(t *testing.T, rdb *redis.Client) *fleet.Fleet {
	t.Helper()
	f, err := fleet.Read(t.Context(), rdb, "weir")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestReplicasAreSeenLostAndGone checks the states of replicas without orchestrators, busy and idle: up, lost after the
// announced silence, gone after a minute, and up again.
func TestReplicasAreSeenLostAndGone(t *testing.T) {
	for _, busy := range []bool{true, false} {
		t.Run(map[bool]string{true: "busy", false: "idle"}[busy], func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				own := redis.NewClient(limitertest.Options(m)) // the client of the replicas
				defer own.Close()
				var silence atomic.Bool
				own.AddHook(mute{&silence})
				if f := read(t, rdb); len(f.Replicas) != 0 || f.Epoch != "" {
					t.Errorf("without replicas: %+v", f)
				}
				run := func(id string) *limiter.Limiter {
					cfg := limiter.SingleBucket("global", limiter.PerSecond(1, 1))
					cfg.Replica = id
					l, err := limiter.New(t.Context(), own, cfg)
					if err != nil {
						t.Fatal(err)
					}
					return l
				}
				a, b := run("a"), run("b")
				ctx, cancel := context.WithCancel(t.Context())
				if busy {
					for range 500 {
						go func() { _ = b.Wait(ctx, "global") }()
					}
				}
				time.Sleep(25 * time.Second)
				f := read(t, rdb)
				if len(f.Replicas) != 2 || f.Replicas[1].State != fleet.Up || f.Live != 2 {
					t.Fatalf("two replicas: %+v", f)
				}
				if n, oldest := f.Replicas[1].Pending(); busy && (n < 400 || oldest < 20*time.Second) || !busy && (n != 0 || oldest != 0) {
					t.Errorf("%d pending, the oldest for %v", n, oldest)
				}
				if err := a.Close(t.Context()); err != nil { // an orderly end
					t.Error(err)
				}
				if f := read(t, rdb); len(f.Replicas) != 1 || f.Replicas[0].ID != "b" {
					t.Errorf("after a has ended: %+v", f)
				}

				silence.Store(true) // b goes silent
				silent := time.Now()
				within := 10 * time.Second
				if !busy {
					within = 18 * time.Second
				}
				state := func() (fleet.State, time.Duration, int) {
					f := read(t, rdb)
					if len(f.Replicas) == 0 {
						return "", 0, 0
					}
					return f.Replicas[0].State, f.Replicas[0].Age, len(f.Replicas[0].Raw)
				}
				time.Sleep(within - 3*time.Second)
				if s, age, _ := state(); s == fleet.Lost && age < within {
					t.Errorf("lost after %v", age)
				}
				time.Sleep(time.Until(silent.Add(within + time.Second)))
				for range 10 {
					if s, age, size := state(); s != fleet.Lost || age < within || size == 0 {
						t.Errorf("b has been silent for %v: %s, %v old, %d bytes", time.Since(silent), s, age, size)
					}
					time.Sleep(5 * time.Second)
				}
				time.Sleep(time.Until(silent.Add(90 * time.Second)))
				if s, _, _ := state(); s != "" {
					t.Errorf("b is still %s after %v of silence", s, time.Since(silent))
				}
				silence.Store(false)
				time.Sleep(12 * time.Second)
				if f := read(t, rdb); len(f.Replicas) != 1 || f.Replicas[0].State != fleet.Up {
					t.Errorf("a replica that is back: %+v", f)
				}
				cancel()
				if err := b.Close(t.Context()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// TestRecordsOfOthers reads records of another version, damaged and hostile records, and records with unknown fields.
// Each replica is listed, and nothing panics.
func TestRecordsOfOthers(t *testing.T) {
	_, rdb := limitertest.Redis(t)
	for i, c := range []struct {
		text  string
		state fleet.State
	}{
		{`{"v":1,"id":"%s","every_ms":2000,"routes":[{"route":"r","buckets":["b"],"waiting":3}],"later":{"deep":[1]}}`, fleet.Up},
		{`{"v":1,"id":"%s","sections":{"orchestrator":{"pending":4,"lanes":[{"route":"r"}],"new":1},"worker":{"draining":true},"own":[1,2]}}`, fleet.Draining},
		{`{"v":1,"id":"%s","sections":{"orchestrator":[1],"worker":7}}`, fleet.Up},
		{`{"v":1,"id":"%s","every_ms":-9223372036854775808,"waiting":-5,"routes":[{"route":"r","waiting":9223372036854775807}]}`, fleet.Up},
		{`{"v":2,"id":"%s"}`, fleet.Unknown},
		{`{"v":1,"id":"another %s"}`, fleet.Unknown},
		{`{"v":1,"id":"%s","waiting":"many"}`, fleet.Unknown},
		{`{"v":1,"id":"%s"`, fleet.Unknown},
		{`%s`, fleet.Unknown},
	} {
		id := fmt.Sprint("replica-", i)
		text := strings.Replace(c.text, "%s", id, 1)
		if _, err := lua.Heartbeat(t.Context(), rdb, "weir", id, []byte(text), time.Minute, time.Minute); err != nil {
			t.Fatal(err)
		}
		f := read(t, rdb)
		v := f.Replicas[i]
		if n, _ := v.Pending(); n < 0 || len(v.Routes) > 0 && v.Routes[0].Waiting > 1<<30 {
			t.Errorf("%s: %d wait", text, n)
		}
		if v.ID != id || v.State != c.state || v.State != fleet.Unknown && string(v.Raw) != text {
			t.Errorf("%s: %s, %s", text, v.State, v.Raw)
		}
	}
	if err := rdb.Del(t.Context(), lua.Keys("weir").Replica("replica-0")).Err(); err != nil {
		t.Fatal(err)
	}
	if v := read(t, rdb).Replicas[0]; v.State != fleet.Unknown || v.ID != "replica-0" {
		t.Errorf("a replica without a record: %+v", v)
	}
}

// TestReadingIsCheap checks the cost of Read: seven commands and one for each replica, no scans and scripts, and at most
// 5 MB of records for a thousand replicas.
func TestReadingIsCheap(t *testing.T) {
	for _, c := range []struct{ replicas, buckets int }{{1, 1}, {50, 200}, {1000, 10}} {
		t.Run(fmt.Sprintf("%d replicas, %d buckets", c.replicas, c.buckets), func(t *testing.T) {
			opts := redis.Options{Addr: miniredis.RunT(t).Addr()} // the default buffers, which hold long pipelines
			rdb, replica := redis.NewClient(&opts), redis.NewClient(&opts)
			defer rdb.Close()
			defer replica.Close()
			cfg := limiter.Config{Buckets: map[string][]limiter.Limit{}, Publish: -1}
			for i := range c.buckets {
				cfg.Buckets[fmt.Sprint("bucket-", i)] = []limiter.Limit{limiter.PerSecond(40, 40)}
			}
			l, err := limiter.New(t.Context(), replica, cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = l.Close(context.WithoutCancel(t.Context())) }()
			for i := range c.replicas {
				id, text := record(t, i)
				if _, err := lua.Heartbeat(t.Context(), rdb, "weir", id, text, limiter.RecordKept, limiter.RecordKept); err != nil {
					t.Fatal(err)
				}
			}
			read(t, rdb) // the first read also sends the commands of a new connection
			var names []string
			rdb.AddHook(commands{&names})
			f := read(t, rdb)
			size := 0
			for _, v := range f.Replicas {
				size += len(v.Raw)
			}
			t.Logf("%d commands, %d bytes of records: %v and so on", len(names), size, names[:8])
			if len(f.Replicas) != c.replicas || len(f.Buckets) != c.buckets || len(names) != c.replicas+7 || c.buckets > 1 && len(names) > c.replicas+c.buckets+5 || size > 5_000_000 {
				t.Errorf("%d replicas and %d buckets with %d commands, %d bytes", len(f.Replicas), len(f.Buckets), len(names), size)
			}
			for _, name := range names {
				if strings.Contains(name, "eval") || name == "scan" || name == "keys" {
					t.Errorf("Read sends %s", name)
				}
			}
		})
	}
}

// mute is a hook with which all commands of a client fail while silent is true.
type mute struct{ silent *atomic.Bool }

func (m mute) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m mute) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if m.silent.Load() {
			return context.DeadlineExceeded
		}
		return next(ctx, cmd)
	}
}

func (m mute) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if m.silent.Load() {
			return context.DeadlineExceeded
		}
		return next(ctx, cmds)
	}
}

// commands is a hook that appends the name of each command to names.
type commands struct{ names *[]string }

func (c commands) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*c.names = append(*c.names, cmd.Name())
		return next(ctx, cmd)
	}
}

func (c commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		for _, cmd := range cmds {
			*c.names = append(*c.names, cmd.Name())
		}
		return next(ctx, cmds)
	}
}
