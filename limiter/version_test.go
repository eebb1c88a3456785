package limiter_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

const (
	stateKey = "{weir}:state"
	version  = "4 " // each record begins with it
)

// useAll leaves records of every kind in a namespace: levels of buckets, windows and tenants, lanes in line, returned reservations,
// and changes for the fleet.
func useAll(t *testing.T, f *redisFleet, cancelled context.Context) (waiting *sync.WaitGroup) {
	t.Helper()
	waiting = &sync.WaitGroup{}
	l := f.fleet[0]
	if err := l.Configure(t.Context(), "told", limiter.PerSecond(7, 7)); err != nil { //nolint:contextcheck // the context of the test
		t.Fatal(err)
	}
	if err := l.Pause(t.Context(), "told", limiter.UntilResumed); err != nil { //nolint:contextcheck // the context of the test
		t.Fatal(err)
	}
	if err := l.AddRoute("tenant", limiter.Bucket{Name: "own", Limits: []limiter.Limit{limiter.PerSecond(5, 5)}}); err != nil {
		t.Fatal(err)
	}
	if err := l.Wait(t.Context(), "tenant"); err != nil { //nolint:contextcheck // the context of the test
		t.Fatal(err)
	}
	for _, route := range []string{"global", "window", "both", "told"} {
		for _, l := range f.fleet {
			for range 20 {
				waiting.Go(func() { _ = l.Wait(cancelled, route) })
			}
			waiting.Go(func() { _ = l.Wait(cancelled, route, limiter.Urgent()) })
		}
	}
	synctest.Wait()
	var rs [3]*limiter.Reservation
	for i := range rs {
		var err error
		if rs[i], err = l.Reserve(t.Context(), "given"); err != nil { //nolint:contextcheck // the context of the test
			t.Fatal(err)
		}
	}
	rs[1].Cancel() // a later reservation exists: its token cannot go back into the bucket
	synctest.Wait()
	return waiting
}

func manyRoutes() limiter.Config {
	return config(map[string][]limiter.Limit{
		"global": {limiter.PerSecond(1, 2), {Tokens: 600, Per: time.Minute, Burst: 3}}, "window": {limiter.PerWindow(3, 10*time.Second)},
		"told": {limiter.PerSecond(10, 10)}, "given": {limiter.PerSecond(10, 1)},
	}, map[string][]string{"both": {"window", "global"}})
}

// TestEveryRecordHasAVersion: fields of the state, members of lines, and records with their own key begin with the version.
func TestEveryRecordHasAVersion(t *testing.T) {
	for name, c := range map[string]struct {
		replicas int
		after    time.Duration
	}{"one replica": {1, 0}, "4 replicas": {3, 0}, "4 replicas, after a while": {3, 25 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, c.replicas, manyRoutes())
				defer f.close(t)
				time.Sleep(time.Minute)
				ctx, cancel := context.WithCancel(t.Context())
				waiting := useAll(t, f, ctx)
				defer waiting.Wait()
				defer cancel()
				time.Sleep(c.after)
				kinds, lines := map[string]int{}, 0
				for field, value := range f.rdb.HGetAll(t.Context(), stateKey).Val() {
					kind, _, _ := strings.Cut(field, ":")
					kinds[kind]++
					if rest, ok := strings.CutPrefix(value, "4"); !ok || rest != "" && rest[0] != ' ' && rest[0] != '\n' {
						t.Errorf("field %s of the state is %q, without the version", field, value)
					}
				}
				for _, key := range f.rdb.Keys(t.Context(), "*").Val() {
					switch {
					case strings.HasPrefix(key, "{weir}:line:"):
						for _, member := range f.rdb.ZRange(t.Context(), key, 0, -1).Val() {
							lines++
							if !strings.HasPrefix(member, version) {
								t.Errorf("%s has the member %q, without the version", key, member)
							}
						}
					case strings.HasPrefix(key, "{weir}:wishes"), strings.HasPrefix(key, "{weir}:replies:"):
						kind, _, _ := strings.Cut(strings.TrimPrefix(key, "{weir}:"), ":")
						for field, value := range f.rdb.HGetAll(t.Context(), key).Val() {
							kinds[kind]++
							if !strings.HasPrefix(value, version) {
								t.Errorf("field %s of %s is %q, without the version", field, key, value)
							}
						}
					case strings.HasPrefix(key, "{weir}:own:"), strings.HasPrefix(key, "{weir}:spares:"):
						kind, _, _ := strings.Cut(strings.TrimPrefix(key, "{weir}:"), ":")
						kinds[kind]++
						if value := f.rdb.Get(t.Context(), key).Val(); !strings.HasPrefix(value, version) {
							t.Errorf("%s is %q, without the version", key, value)
						}
					}
				}
				t.Logf("%v, %d in line", kinds, lines)
				want := []string{"epoch", "time", "told", "force", "limit", "window", "wishes", "replies", "own"}
				if c.after == 0 {
					want = append(want, "spares")
				}
				for _, kind := range want {
					if kinds[kind] == 0 {
						t.Errorf("the namespace has no field %s: the test tested less than it should", kind)
					}
				}
				if lines == 0 {
					t.Error("no lane is in line: the test tested less than it should")
				}
			})
		})
	}
}

// contents returns all data of the server, without times to live.
func contents(f *redisFleet) string { return f.server.Dump() }

// isNewer reports whether an error says that the namespace has records of a newer version, and names both versions.
func isNewer(err error, stored string) bool {
	e, ok := errors.AsType[*lua.VersionError](err)
	return ok && e.Known == lua.Version && strings.Contains(err.Error(), "version "+stored) && strings.Contains(err.Error(), "version 4") &&
		strings.Contains(err.Error(), "docs/upgrade.md")
}

// TestNewerVersionIsLeftAlone: on a namespace with records of a newer version, every call returns an error that names both versions,
// and writes nothing.
func TestNewerVersionIsLeftAlone(t *testing.T) {
	for name, c := range map[string]struct {
		version string
		rest    bool // all records are of the newer version, not only the epoch
		used    bool // the namespace has records
		lined   bool // lanes are in line when the records become newer
	}{
		"5, unused":                  {"5", false, false, false},
		"5":                          {"5", false, true, false},
		"5, all of it":               {"5", true, true, false},
		"10":                         {"10", false, true, false},
		"20":                         {"20", true, true, false},
		"123456789":                  {"123456789", true, true, false},
		"5, with a line":             {"5", false, true, true},
		"21, all of it, with a line": {"21", true, true, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := newRedisFleet(t, 2, manyRoutes())
				defer f.close(t)
				time.Sleep(61 * time.Second)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var waiting sync.WaitGroup
				if c.used {
					for range 3 {
						if err := f.fleet[0].Wait(t.Context(), "global"); err != nil {
							t.Fatal(err)
						}
					}
				}
				if c.lined {
					for range 20 {
						waiting.Go(func() {
							for {
								if err := f.fleet[0].Wait(ctx, "global"); err != nil {
									if !isNewer(err, c.version) {
										t.Errorf("a call in line: %v, want the error of a newer version", err)
									}
									return
								}
							}
						})
					}
					synctest.Wait()
				}
				for field, value := range f.rdb.HGetAll(t.Context(), stateKey).Val() {
					if !c.used && field != "epoch" {
						continue
					}
					if field == "epoch" || c.rest {
						if err := f.rdb.HSet(t.Context(), stateKey, field, c.version+strings.TrimPrefix(value, "4")).Err(); err != nil {
							t.Fatal(err)
						}
					}
				}
				before := contents(f)
				for _, l := range f.fleet {
					for what, err := range map[string]error{
						"Wait":      l.Wait(t.Context(), "global"),
						"WaitN":     l.WaitN(t.Context(), "window", 3),
						"urgent":    l.Wait(t.Context(), "both", limiter.Urgent()),
						"Allow":     second(l.Allow(t.Context(), "global")),
						"Reserve":   second(l.Reserve(t.Context(), "given")),
						"Pause":     l.Pause(t.Context(), "global", time.Second),
						"Configure": l.Configure(t.Context(), "global", limiter.PerSecond(5, 5)),
						"Snapshot":  second(l.Snapshot(t.Context())),
						"Where":     second(l.Where(t.Context(), "global")),
					} {
						if !isNewer(err, c.version) {
							t.Errorf("%s: %v, want the error of a newer version", what, err)
						}
					}
					if rs, _, err := l.ReserveBatch(t.Context(), "both", limiter.Run{N: 2}); len(rs) > 0 || !isNewer(err, c.version) {
						t.Errorf("ReserveBatch: %d reservations, %v, want the error of a newer version", len(rs), err)
					}
				}
				if l, err := limiter.New(t.Context(), f.rdb, manyRoutes()); !isNewer(err, c.version) {
					t.Errorf("New: %v, %v, want the error of a newer version", l, err)
				}
				if p, err := limiter.ReadPosition(t.Context(), f.rdb, limiter.DefaultNamespace, "global"); !isNewer(err, c.version) {
					t.Errorf("ReadPosition: %v, %v, want the error of a newer version", p, err)
				}
				if err := limiter.Remove(t.Context(), f.rdb, limiter.DefaultNamespace); !isNewer(err, c.version) {
					t.Errorf("Remove: %v, want the error of a newer version", err)
				}
				waiting.Wait()
				time.Sleep(25 * time.Second) // two announcements are due in this time
				if after := contents(f); after != before {
					t.Errorf("the data of the newer version changed: before\n%s\nafter\n%s", before, after)
				}
			})
		})
	}
}

// second returns the error of a function with two results.
func second[T any](_ T, err error) error { return err }

// older is a limit, and its record in the format without versions.
type older struct {
	limit   limiter.Limit
	level   string
	callers int
	cost    int64
}

func olders() map[string]older {
	return map[string]older{
		"40 a second":            {limiter.PerSecond(40, 40), "5 1 25000 40 1800000000000000 0 0 0", 12, 1},
		"40 a second, 7 at once": {limiter.PerSecond(40, 40), "5 1 25000 40 1800000000000000 0 0 0", 3, 7},
		"10 a second":            {limiter.PerSecond(10, 10), "5 1 100000 10 1800000000000000 0 0 0", 4, 1},
		"1 a second":             {limiter.PerSecond(1, 60), "5 1 1000000 60 1800000000000000 0 0 0", 1, 1},
		"cut short":              {limiter.PerSecond(100, 10), "5 1 10000 10", 12, 1},
	}
}

// check starts three replicas on a namespace of the older format.
func (c older) check(t *testing.T, rdb *redis.Client, options *redis.Options, trip, late, then time.Duration, spread func() time.Duration) {
	t.Helper()
	err := rdb.HSet(t.Context(), stateKey, "epoch", "some-6ba7b810 1 1800000000000000 5 1800000000000000 0 ",
		"limit:1000000:global", c.level).Err()
	if err != nil {
		t.Fatal(err)
	}
	_, err = limiter.ReadSnapshot(t.Context(), rdb, limiter.DefaultNamespace)
	if e, ok := errors.AsType[*lua.VersionError](err); !ok || e.Stored != 1 {
		t.Errorf("ReadSnapshot on the older version: %v, want a VersionError with 1", err)
	}
	var logged bytes.Buffer
	cfg := config(map[string][]limiter.Limit{"global": {c.limit}}, nil)
	cfg.Logger = slog.New(slog.NewJSONHandler(&logged, nil)) // locks
	begin, j := time.Now(), &journal{}
	var fleet []*limiter.Limiter
	for range 3 {
		l, _ := member(t, options, cfg)
		fleet = append(fleet, l)
		defer closeLimiter(t, l)
	}
	s, err := limiter.ReadSnapshot(t.Context(), rdb, limiter.DefaultNamespace)
	if err != nil {
		t.Fatal(err)
	}
	owed := c.limit.Rate() * limiter.DefaultHorizon.Seconds()
	if b := s.Buckets[0]; b.Tokens > 0 || b.Debt > owed+0.1 || b.Debt < owed-0.1-c.limit.Rate()*time.Since(begin).Seconds() {
		t.Errorf("the bucket is %+v, want a debt of %.2f", b, owed)
	}
	var waiting sync.WaitGroup
	for i := range c.callers {
		waiting.Go(func() {
			if err := j.wait(t.Context(), fleet[i%3], c.cost); err != nil {
				t.Error(err)
			}
		})
	}
	waiting.Wait()
	want := limiter.DefaultHorizon + time.Duration(c.cost)*interval(c.limit)
	first := j.since(begin)[0].at.Sub(begin)
	t.Logf("the first of %d calls started after %v, want %v", c.callers, first, want)
	if first < want || first > want+10*trip+late { // a busy machine wakes late
		t.Errorf("the first call started after %v, want %v", first, want)
	}
	// The bucket begins empty, and refills from a horizon after the beginning. A call that starts later than its tokens are there,
	// for example because other lanes passed its place in line, leaves tokens in the bucket. The next calls may then start together.
	behind := time.Duration(0)
	for i, s := range j.since(begin) {
		came := limiter.DefaultHorizon + time.Duration(int64(i+1)*c.cost)*interval(c.limit)
		if s.at.Sub(begin) < came {
			t.Errorf("call %d started after %v, before its tokens were there, after %v", i+1, s.at.Sub(begin), came)
		}
		behind = max(behind, s.at.Sub(begin)-came)
	}
	after := c.limit
	late += behind
	after.Burst = min(c.limit.Burst, c.cost+int64(math.Ceil(float64(late)/float64(interval(c.limit)))))
	j.law(t, after, trip+spread())
	time.Sleep(then)
	text := logged.String()
	if strings.Count(text, "\n") != 1 || !strings.Contains(text, "older version") ||
		!strings.Contains(text, `"version":1,`) || !strings.Contains(text, `"now":4`) {
		t.Errorf("want one log line about version 1, the log is\n%s", text)
	}
	for field, value := range rdb.HGetAll(t.Context(), stateKey).Val() {
		if !strings.HasPrefix(value, "4") && field+value != "told" { // the fleet has no changes: the field is empty
			t.Errorf("field %s is still %q, of the older version", field, value)
		}
	}
}

// TestOlderVersionIsLostMemory: a new limiter drops records of the older format, logs that once, and starts no call before a horizon
// has passed.
func TestOlderVersionIsLostMemory(t *testing.T) {
	for name, c := range olders() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rdb := limitertest.Server(t)
			opts := *rdb.Options()
			opts.Dialer = opts.NewDialer()
			stop := lateness(t, rdb, 2*time.Millisecond)
			// A replica whose replies are later than those of others starts its calls later by the same time. And on a busy machine
			// the test records the time of a start later than the limiter read the clock.
			spread := func() time.Duration { _, longest := stop(); return longest }
			c.check(t, rdb, &opts, limiter.DefaultSlack, 0, 0, spread)
		})
	}
}

// TestOlderVersionIsLostMemoryInABubble does the same on the in-process Redis. Replicas that ask at the same moment may start calls
// late there, by a horizon at most: other lanes pass a place in line after 0.4 of a horizon, and the tokens of that call stay in the
// bucket. The next calls then use them at once.
func TestOlderVersionIsLostMemoryInABubble(t *testing.T) {
	for name, c := range olders() {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, rdb := limitertest.Redis(t)
				c.check(t, rdb, limitertest.Options(m), 2*time.Millisecond, limiter.DefaultHorizon, 25*time.Second, func() time.Duration { return 0 })
			})
		})
	}
}
