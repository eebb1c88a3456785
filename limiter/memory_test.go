package limiter_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// tenAtATime is a limit of 10 a second, burst 10.
var tenAtATime = lua.Limit{Field: lua.Field{Bucket: "global", PerUS: 1_000_000}, Tokens: 1, PerUS: 100_000, Burst: 10}

// configure announces a replica with that limit. The replica knows the epoch, and would begin the epoch fresh.
func configure(t *testing.T, rdb *redis.Client, epoch string, grants int64, fresh string) lua.ConfigureReply {
	t.Helper()
	c, err := lua.Configure(t.Context(), rdb, "weir", lua.ConfigureArgs{
		Epoch: epoch, Grants: grants, Fresh: fresh, HorizonUS: 250_000, Replica: "replica", Session: "caller", Wish: []lua.Limit{tenAtATime},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// acquire runs the script once on that limit, for one caller on one route.
func acquire(t *testing.T, rdb *redis.Client, a lua.AcquireArgs) (r lua.AcquireReply, err error) {
	t.Helper()
	a.HorizonUS = 250_000
	a.Asks = []lua.Ask{{Count: 1, Costs: []int64{1}, PatienceUS: -1}}
	err = lua.NewPath("weir", "caller", "route", []lua.Limit{tenAtATime}).Acquire(t.Context(), rdb, &a, &r)
	return r, err
}

// TestRepeatsAndOlderCallsPayNothing: a request with the same number gets the same reply, and one with a smaller number is
// refused. Neither takes tokens.
func TestRepeatsAndOlderCallsPayNothing(t *testing.T) {
	m, rdb := limitertest.Redis(t)
	c := configure(t, rdb, "", 0, "e1")
	first, err := acquire(t, rdb, lua.AcquireArgs{Seq: 5, Epoch: "e1", Version: c.Version})
	if err != nil {
		t.Fatal(err)
	}
	state := m.Dump()
	again, err := acquire(t, rdb, lua.AcquireArgs{Seq: 5, Epoch: "e1", Version: c.Version})
	if err != nil || !again.Repeated || again.Answers[0] != first.Answers[0] || again.NowUS != first.NowUS {
		t.Errorf("a request with the same number: %+v, %v, want %+v", again, err, first)
	}
	if _, err := acquire(t, rdb, lua.AcquireArgs{Seq: 4, Epoch: "e1", Version: c.Version}); !isStale(err) {
		t.Errorf("a request with a smaller number: %v, want a StaleError", err)
	}
	if m.Dump() != state {
		t.Errorf("the repeated and older requests changed the data: before\n%s\nafter\n%s", state, m.Dump())
	}
}

func isStale(err error) bool {
	_, stale := errors.AsType[*lua.StaleError](err)
	return stale
}

// TestEpochs: the epoch and the count of grants of a caller decide whether Redis accepts that data was lost. A caller that is not
// served at once has to configure first, and is served then.
func TestEpochs(t *testing.T) {
	for name, c := range map[string]struct {
		epoch  string
		grants int64
		served bool
		want   string // the epoch in force afterwards
	}{
		"one who knows it":                              {"e2", 1, true, "e2"},
		"one who knows what it replaced":                {"e1", 99, false, "e2"},
		"a newcomer takes over what is there":           {"-", 0, false, "e2"},
		"one who saw more grants than it has":           {"e2", 99, false, "new"},
		"one who knows an epoch that it never replaced": {"e9", 0, false, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := limitertest.Redis(t)
			m.SetTime(time.Unix(1_800_000_000, 0))
			conf := configure(t, rdb, "e1", 0, "e2") // e1 was lost
			m.SetTime(time.Unix(1_800_000_060, 0))
			if _, err := acquire(t, rdb, lua.AcquireArgs{Seq: 1, Epoch: "e2", Version: conf.Version}); err != nil {
				t.Fatal(err)
			}
			state := m.Dump()
			got, err := acquire(t, rdb, lua.AcquireArgs{Seq: 2, Epoch: c.epoch, Grants: c.grants, Version: conf.Version})
			if served := err == nil; served != c.served || err != nil && !errors.Is(err, lua.ErrUnknown) {
				t.Fatalf("the call was served: %v, %v", served, err)
			}
			if err != nil {
				if m.Dump() != state {
					t.Errorf("a refused call changed the data: before\n%s\nafter\n%s", state, m.Dump())
				}
				conf = configure(t, rdb, c.epoch, c.grants, "new")
				if got, err = acquire(t, rdb, lua.AcquireArgs{Seq: 3, Epoch: conf.Epoch, Version: conf.Version}); err != nil {
					t.Fatal(err)
				}
			}
			if conf.Epoch != c.want {
				t.Errorf("the epoch is %s, want %s", conf.Epoch, c.want)
			}
			if silent := got.Answers[0].AtUS > 0; silent != (c.want == "new") {
				t.Errorf("the next token is due in %d µs", got.Answers[0].AtUS)
			}
		})
	}
}

// TestCallsOfAnotherVersionAreTurnedAway: Redis refuses a call of another configuration, so that no limit grants a call that is
// not in force.
func TestCallsOfAnotherVersionAreTurnedAway(t *testing.T) {
	_, rdb := limitertest.Redis(t)
	c := configure(t, rdb, "", 0, "e1")
	for _, version := range []int64{c.Version - 1, c.Version + 1} {
		if _, err := acquire(t, rdb, lua.AcquireArgs{Seq: 1, Epoch: "e1", Version: version}); !errors.Is(err, lua.ErrUnknown) {
			t.Errorf("a call of version %d, in force is %d: %v", version, c.Version, err)
		}
	}
}

// TestRestartUnderOneName: a process that starts under the name of a dead replica does not get that replica's replies.
func TestRestartUnderOneName(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		cfg := one(1, 1)
		cfg.Replica = "web-1"
		begin := func() *limiter.Limiter {
			l, err := limiter.New(t.Context(), rdb, cfg)
			if err != nil {
				t.Fatal(err)
			}
			return l
		}
		first := begin()
		time.Sleep(time.Minute)
		var starts []time.Time
		wait := func(l *limiter.Limiter, n int) {
			for range n {
				if err := l.Wait(t.Context(), "global"); err != nil {
					t.Fatal(err)
				}
				starts = append(starts, time.Now())
			}
		}
		wait(first, 3)
		closeLimiter(t, first)
		second := begin()
		wait(second, 3)
		closeLimiter(t, second)
		if err := limitertest.Law(starts, limiter.PerSecond(1, 1), time.Microsecond); err != nil {
			t.Error(err)
		}
		if took := starts[5].Sub(starts[0]).Round(100 * time.Millisecond); took != 5*time.Second {
			t.Errorf("six calls at one a second took %v", took)
		}
	})
}

// TestReplicasThatDisagreeAreHeldToTheSmallest: replicas of one fleet want two rates, as during a deployment. The smaller rate
// and the smaller burst are in force for all, until the last replica that wants them has been gone for half a minute.
func TestReplicasThatDisagreeAreHeldToTheSmallest(t *testing.T) {
	pairs := map[string][2]limiter.Limit{
		"40 and 41":              {limiter.PerSecond(40, 40), limiter.PerSecond(41, 40)},
		"40 and 80":              {limiter.PerSecond(40, 40), limiter.PerSecond(80, 40)},
		"5 and 40":               {limiter.PerSecond(5, 40), limiter.PerSecond(40, 40)},
		"burst 3 and 40":         {limiter.PerSecond(40, 3), limiter.PerSecond(40, 40)},
		"a window of 10 and 40":  {limiter.PerWindow(10, time.Second), limiter.PerWindow(40, time.Second)},
		"40 and 40 with a limit": {{Tokens: 600, Per: time.Minute, Burst: 1}, limiter.PerSecond(40, 40)},
	}
	for _, name := range rows(pairs, 0, 1) {
		limits := pairs[name]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, watcher := limitertest.Redis(t)
				start := func(l limiter.Limit) *limiter.Limiter {
					rdb := redis.NewClient(limitertest.Options(m))
					t.Cleanup(func() { _ = rdb.Close() })
					got, err := limiter.New(t.Context(), rdb, config(map[string][]limiter.Limit{"global": {l}}, nil))
					if err != nil {
						t.Fatal(err)
					}
					return got
				}
				large := start(limits[1])
				defer closeLimiter(t, large)
				small := start(limits[0])
				time.Sleep(11 * time.Second) // by now the other replica knows it
				starts := loop(t, []*limiter.Limiter{small, large}, 10, 30*time.Second)
				if err := limitertest.Law(starts, limits[0], time.Millisecond); err != nil {
					t.Error(err)
				}
				if per := float64(len(starts)) / 30; per < 0.95*limits[0].Rate() {
					t.Errorf("%.2f calls started a second, fewer than the smaller rate", per)
				}
				s, err := limiter.ReadSnapshot(t.Context(), watcher, limiter.DefaultNamespace)
				if err != nil || s.Live != 2 || len(s.Buckets[0].Wanted) != 2 {
					t.Errorf("the snapshot is %+v, %v", s, err)
				}
				closeLimiter(t, small)
				if starts := loop(t, []*limiter.Limiter{large}, 10, 20*time.Second); limitertest.Law(starts, limits[0], time.Millisecond) != nil {
					t.Error("the smaller limit was not in force for half a minute")
				}
				time.Sleep(30 * time.Second)
				starts = loop(t, []*limiter.Limiter{large}, 10, 20*time.Second)
				if err := limitertest.Law(starts, limits[1], time.Millisecond); err != nil {
					t.Error(err)
				}
				if per := float64(len(starts)) / 20; per < 0.95*limits[1].Rate() {
					t.Errorf("%.2f calls started a second after the smaller limit is gone", per)
				}
			})
		})
	}
}
