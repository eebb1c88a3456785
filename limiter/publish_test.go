package limiter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// published reads the record of a replica, and returns its size, and its age by the clock of Redis.
func published(t *testing.T, rdb *redis.Client, l *limiter.Limiter) (r limiter.Record, size int, age time.Duration) {
	t.Helper()
	keys := lua.Keys(limiter.DefaultNamespace)
	text, err := rdb.Get(t.Context(), keys.Replica(l.Replica())).Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	left, err := rdb.PTTL(t.Context(), keys.Replica(l.Replica())).Result()
	if err != nil {
		t.Fatal(err)
	}
	return r, len(text), limiter.RecordKept - left
}

// TestRecord: a service that only uses the limiter publishes a record, with its waiting callers and used tokens, until it ends.
func TestRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(2, 4)}, "tracks": {limiter.PerSecond(100, 10)}},
			Routes:  map[string][]string{"spotify": {"tracks", "global"}}, Publish: limiter.DefaultPublish,
		}
		c := newRedisFleet(t, 1, cfg)
		l := c.fleet[0]
		time.Sleep(30 * time.Second)
		if r, _, age := published(t, c.rdb, l); r.EveryMS != 10_000 || age > 10*time.Second || r.ID != l.Replica() || r.Waiting != 0 || len(r.Routes) != 3 {
			t.Errorf("the record is %v old while nothing changes: %+v", age, r)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		for range 30 {
			go func() { _ = l.Wait(ctx, "spotify") }()
		}
		time.Sleep(10 * time.Second)
		r, _, age := published(t, c.rdb, l)
		if age > 2*time.Second || r.EveryMS != 2000 {
			t.Errorf("while calls wait the record is %v old, and the next is due within %d ms", age, r.EveryMS)
		}
		first := r.Routes[0]
		if first.Route != "spotify" || first.Waiting < 4 || first.Waiting > 12 || first.OldestMS < 8000 || first.TurnMS == nil || *first.TurnMS > 1000 || r.Waiting != first.Waiting {
			t.Errorf("the record while calls wait is %+v", r)
		}
		if got := r.Buckets["global"]; got.Used < 18 || got.UsedS < 1.8 || got.UsedS > 2.7 || got.Refused != 0 {
			t.Errorf("the used tokens in the record are %+v", got)
		}
		if got := r.Wants["global"]; got != "2 per 1s, burst 4" {
			t.Errorf("the wanted limits in the record are %q", got)
		}
		for range 3 {
			if err := l.Report(t.Context(), "spotify", limiter.Throttled{}); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * time.Second)
		if r, _, _ := published(t, c.rdb, l); r.Buckets["tracks"].Refused+r.Buckets["global"].Refused != 3 {
			t.Errorf("after 3 refusals the buckets in the record are %+v", r.Buckets)
		}
		cancel()
		c.close(t)
		if left := c.rdb.Keys(t.Context(), "*replica*").Val(); len(left) != 0 {
			t.Errorf("the closed limiter left the keys %v", left)
		}
	})
}

// TestRecordsAreBounded: the size of a record is bounded, whatever its names, routes, callers and sections. A record with ten busy routes
// has at most 4 KiB.
func TestRecordsAreBounded(t *testing.T) {
	long := strings.Repeat("n", 90)
	for _, c := range []struct {
		name            string
		routes          int
		prefix          string
		section, within int
	}{
		{"one route", 1, "r", 0, 1 << 10},
		{"ten routes", 10, "route", 0, 4 << 10},
		{"ten routes of long names", 10, long, 0, 8 << 10},
		{"hundreds of routes of long names", 300, long, 0, 8 << 10},
		{"and a section", 300, long, 5 << 10, 8 << 10},
		{"and one that is too large", 300, long, 7 << 10, 8 << 10},
	} {
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				cfg := limiter.Config{Buckets: map[string][]limiter.Limit{}, Publish: time.Second}
				for i := range c.routes {
					cfg.Buckets[fmt.Sprint(c.prefix, i)] = []limiter.Limit{limiter.PerSecond(1, 1)}
				}
				l, _ := member(t, limitertest.Options(m), cfg)
				defer closeLimiter(t, l)
				if c.section > 0 {
					if err := l.Section("large", func() any { return strings.Repeat("x", c.section) }); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				for i := range min(c.routes, 100) {
					for range 3 {
						go func() { _ = l.Wait(ctx, fmt.Sprint(c.prefix, i)) }()
					}
				}
				time.Sleep(1500 * time.Millisecond)
				r, size, _ := published(t, rdb, l)
				left := 2*c.routes - len(r.Routes) // at least
				t.Logf("%d bytes, %d routes, %d omitted", size, len(r.Routes), r.Omitted)
				if size > c.within || len(r.Routes) > 64 || c.routes <= 10 && r.Omitted != 0 || c.routes > 64 && r.Omitted < left/2 {
					t.Errorf("the record has %d bytes, want at most %d: %d routes, %d omitted", size, c.within, len(r.Routes), r.Omitted)
				}
				if _, ok := r.Sections["large"]; ok != (c.section > 0 && c.section <= 6<<10) {
					t.Errorf("the section is published: %t", ok)
				}
				if r.Waiting == 0 {
					t.Error("the totals do not count the waiting callers")
				}
			})
		})
	}
}

// TestSection: the limiter calls the function of a section for each record. Setting nil ends the section.
func TestSection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(1, 1)
		cfg.Publish = limiter.DefaultPublish
		c := newRedisFleet(t, 1, cfg)
		defer c.close(t)
		l, n := c.fleet[0], 0
		if err := l.Section("queue", func() any { n++; return map[string]int{"waiting": n} }); err != nil {
			t.Fatal(err)
		}
		if err := l.Section("broken", func() any { return func() {} }); err != nil {
			t.Fatal(err)
		}
		if err := l.Section("fault", func() any { panic("a fault") }); err != nil {
			t.Fatal(err)
		}
		if err := l.Section("a name", func() any { return nil }); err == nil {
			t.Error("a name with a blank: no error")
		}
		time.Sleep(9 * time.Second)
		if r, _, _ := published(t, c.rdb, l); string(r.Sections["queue"]) != fmt.Sprintf(`{"waiting":%d}`, n) || n < 4 || len(r.Sections) != 1 || r.Omitted != 2 {
			t.Errorf("after %d records: %s", n, r.Sections)
		}
		if err := l.Section("queue", nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		if r, _, _ := published(t, c.rdb, l); len(r.Sections) != 0 {
			t.Errorf("the sections after their end are %s, want none", r.Sections)
		}
	})
}

// TestNothingIsPublished: a limiter with publishing switched off writes no record.
func TestNothingIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := one(1, 1)
		cfg.Publish = -1
		c := newRedisFleet(t, 1, cfg)
		defer c.close(t)
		time.Sleep(time.Minute)
		if left := c.rdb.Keys(t.Context(), "*replica*").Val(); len(left) != 0 {
			t.Errorf("the limiter published %v", left)
		}
	})
	for _, every := range []time.Duration{time.Millisecond, 11 * time.Second} {
		if _, err := limiter.New(t.Context(), nil, limiter.Config{Buckets: one(1, 1).Buckets, Publish: every}); err == nil {
			t.Errorf("Publish of %v: no error", every)
		}
	}
}

// TestQuietReplicasWriteSeldom: while nothing changes, a replica writes its record and announces itself every ten seconds. While something
// changes, it writes its record every two seconds, but does not announce itself each time.
func TestQuietReplicasWriteSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, _ := limitertest.Redis(t)
		opts := limitertest.Options(m)
		rdb := redis.NewClient(opts)
		defer rdb.Close()
		var w writes
		rdb.AddHook(&w)
		cfg := one(1, 1)
		cfg.Publish = limiter.DefaultPublish
		l, err := limiter.New(t.Context(), rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		w.records.Store(0)
		w.announced.Store(0)
		time.Sleep(100 * time.Second)
		if n, lists := w.records.Load(), w.announced.Load(); n+lists < 9 || n+lists > 11 || lists < 9 {
			t.Errorf("idle: %d records and %d announcements in 100 s", n, lists)
		}
		ctx, cancel := context.WithCancel(t.Context())
		for range 1000 {
			go func() { _ = l.Wait(ctx, "global") }()
		}
		time.Sleep(10 * time.Second)
		w.records.Store(0)
		w.announced.Store(0)
		time.Sleep(100 * time.Second)
		if n, lists := w.records.Load(), w.announced.Load(); n+lists < 49 || n+lists > 51 || lists < 9 || lists > 11 {
			t.Errorf("busy: %d records and %d announcements in 100 s", n, lists)
		}
		cancel()
		closeLimiter(t, l)
	})
}

// writes counts the records and the announcements that a client writes.
type writes struct{ records, announced atomic.Int64 }

func (w *writes) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *writes) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		for _, arg := range cmd.Args() {
			if key, ok := arg.(string); ok && strings.Contains(key, "}:replica:") {
				if cmd.Name() == "set" {
					w.records.Add(1)
				} else {
					w.announced.Add(1)
				}
			}
		}
		return next(ctx, cmd)
	}
}

func (w *writes) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// TestNoRecordComesAfterTheEnd: when the limiter ends it waits for a record that is under way. Otherwise that record would stay in Redis
// for a minute.
func TestNoRecordComesAfterTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, onlooker := limitertest.Redis(t)
		rdb := redis.NewClient(limitertest.Options(m))
		defer rdb.Close()
		var underWay atomic.Bool
		rdb.AddHook(slowRecords{&underWay})
		cfg := one(1, 1)
		cfg.Publish = limiter.DefaultPublish
		l, err := limiter.New(t.Context(), rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(25 * time.Second)
		for !underWay.Load() {
			time.Sleep(10 * time.Millisecond)
		}
		closeLimiter(t, l)
		time.Sleep(2 * time.Second)
		if left := onlooker.Keys(t.Context(), "*replica*").Val(); len(left) != 0 {
			t.Errorf("the closed limiter left the keys %v", left)
		}
	})
}

// slowRecords is a hook of a client whose records take half a second to reach Redis.
type slowRecords struct{ underWay *atomic.Bool }

func (slowRecords) DialHook(next redis.DialHook) redis.DialHook { return next }

func (s slowRecords) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		for _, arg := range cmd.Args() {
			if key, ok := arg.(string); ok && strings.Contains(key, "}:replica:") {
				s.underWay.Store(true)
				time.Sleep(500 * time.Millisecond)
				s.underWay.Store(false)
			}
		}
		return next(ctx, cmd)
	}
}

func (slowRecords) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}
