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

// call is one run of the script on a bucket of 10 a second, burst 10, by one caller on one route.
func call(t *testing.T, rdb *redis.Client, a lua.AcquireArgs) (lua.AcquireReply, error) {
	t.Helper()
	a.HorizonUS = 250_000
	a.Limits = []lua.Limit{{Field: lua.LimitField("global", 0), Tokens: 1, PerUS: 100_000, Burst: 10, Ticket: lua.Ticket{Rank: 2}}}
	if a.Asks == nil {
		a.Asks = []lua.Ask{{Cost: 1, PatienceUS: -1}}
	}
	return lua.Acquire(t.Context(), rdb, "weir", "caller", "route", a)
}

// TestRepeatsAndOlderCallsPayNothing: the same number gets the same reply, a smaller one nothing at all.
func TestRepeatsAndOlderCallsPayNothing(t *testing.T) {
	m, rdb := limitertest.Redis(t)
	first, err := call(t, rdb, lua.AcquireArgs{Seq: 5, Fresh: "e1"})
	if err != nil {
		t.Fatal(err)
	}
	state := m.Dump()
	again, err := call(t, rdb, lua.AcquireArgs{Seq: 5, Fresh: "e2"})
	if err != nil || !again.Repeated || again.Answers[0] != first.Answers[0] || again.NowUS != first.NowUS || again.Epoch != "e1" {
		t.Errorf("the same number: %+v, %v, want %+v", again, err, first)
	}
	if _, err := call(t, rdb, lua.AcquireArgs{Seq: 4, Fresh: "e3"}); !errors.Is(err, lua.ErrStale) {
		t.Errorf("an older number: %v", err)
	}
	if m.Dump() != state {
		t.Errorf("they left traces:\n%s\n%s", state, m.Dump())
	}
}

// TestEpochs: who must be believed about what was forgotten, and who not.
func TestEpochs(t *testing.T) {
	for name, c := range map[string]struct {
		epoch  string
		grants int64
		want   string // the epoch in force afterwards
	}{
		"a newcomer takes over what is there":           {"", 0, "e2"},
		"one who knows it":                              {"e2", 1, "e2"},
		"one who knows what it replaced":                {"e1", 99, "e2"},
		"one who saw more grants than it has":           {"e2", 99, "new"},
		"one who knows an epoch that it never replaced": {"e9", 0, "new"},
	} {
		t.Run(name, func(t *testing.T) {
			m, rdb := limitertest.Redis(t)
			m.SetTime(time.Unix(1_800_000_000, 0))
			if _, err := call(t, rdb, lua.AcquireArgs{Seq: 1, Fresh: "e2", Epoch: "e1"}); err != nil { // e1 was lost
				t.Fatal(err)
			}
			m.SetTime(time.Unix(1_800_000_060, 0))
			if _, err := call(t, rdb, lua.AcquireArgs{Seq: 2, Fresh: "x", Epoch: "e2"}); err != nil {
				t.Fatal(err)
			}
			got, err := call(t, rdb, lua.AcquireArgs{Seq: 3, Fresh: "new", Epoch: c.epoch, Grants: c.grants})
			if err != nil || got.Epoch != c.want {
				t.Errorf("epoch %s, %v, want %s", got.Epoch, err, c.want)
			}
			if silent := got.Answers[0].AtUS > 0; silent != (c.want == "new") {
				t.Errorf("a token comes in %d µs", got.Answers[0].AtUS)
			}
		})
	}
}

// TestRestartUnderOneName: a process that comes back under its replica's name is not taken for the one that died.
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

// TestReplicasThatDisagreeLeadNowhere: with two rates in one fleet, as while it is deployed, neither is exceeded beyond
// the larger nor anybody starved below the smaller, and nothing of it stays when they agree again.
func TestReplicasThatDisagreeLeadNowhere(t *testing.T) {
	for name, rates := range map[string][2]int64{"40 and 41": {40, 41}, "40 and 50": {40, 50}, "40 and 80": {40, 80}, "5 and 40": {5, 40}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				m, _ := limitertest.Redis(t)
				var fleet []*limiter.Limiter
				for _, rate := range rates {
					rdb := redis.NewClient(limitertest.Options(m))
					defer rdb.Close()
					l, err := limiter.New(t.Context(), rdb, one(rate, 40))
					if err != nil {
						t.Fatal(err)
					}
					defer closeLimiter(t, l)
					fleet = append(fleet, l)
				}
				starts := loop(t, fleet, 10, 30*time.Second)
				if err := limitertest.Law(starts, limiter.PerSecond(rates[1], 40), time.Millisecond); err != nil {
					t.Error(err)
				}
				if per := float64(len(starts)) / 30; per < 0.95*float64(rates[0]) {
					t.Errorf("%.1f starts a second, fewer than the smaller rate", per)
				}
				// The first replica alone again.
				if per := float64(len(loop(t, fleet[:1], 10, 20*time.Second))) / 20; per < 0.9*float64(rates[0]) {
					t.Errorf("%.1f starts a second after they agree again", per)
				}
			})
		})
	}
}
