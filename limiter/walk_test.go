package limiter_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
	"github.com/weir-go/weir/lua"
)

// TestScriptWalksWithModel takes the script and the model through the same random worlds: routes of one to three
// limits, costs, patience, idle times, new limits, clocks that step, memory that is lost. Every reply and every stored
// level must agree.
func TestScriptWalksWithModel(t *testing.T) {
	m, rdb := limitertest.Redis(t)
	rapid.Check(t, func(t *rapid.T) { walk(t, rdb, m.SetTime) })
}

// TestScriptWalksWithModelOnRedis is the same on the real server, by its own clock: numbers print differently there.
func TestScriptWalksWithModelOnRedis(t *testing.T) {
	rdb := limitertest.Server(t)
	rapid.Check(t, func(t *rapid.T) { walk(t, rdb, nil) })
}

const (
	walkNamespace = "walk"
	walkHorizon   = 250_000
)

// walk goes one way. setTime steps the server's clock, nil leaves it to run.
func walk(t *rapid.T, rdb *redis.Client, setTime func(time.Time)) {
	flush := func() {
		if err := rdb.FlushAll(t.Context()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	flush()
	limits := rapid.Custom(func(t *rapid.T) limiter.Limit {
		l, err := limiter.Normal(limiter.Limit{
			Tokens: rapid.SampledFrom([]int64{1, 2, 3, 7, 30, 40, 100, 999, 30_000, 3_000_000, 10_000_000}).Draw(t, "tokens"),
			Per:    rapid.SampledFrom([]time.Duration{time.Second, 7 * time.Second, 24 * time.Hour}).Draw(t, "per"),
			Burst:  rapid.SampledFrom([]int64{1, 2, 5, 40, 1000}).Draw(t, "burst"),
		})
		if err != nil {
			t.Skip(err)
		}
		return l
	})
	var (
		now    = int64(1_800_000_000_000_000)
		born   int64 // of the epoch; 0 for none
		epoch  string
		grants int64
		all    = map[string]limiter.Limit{"a": limits.Draw(t, "a"), "b": limits.Draw(t, "b"), "c": limits.Draw(t, "c")}
		model  = map[string]*limiter.Model{}
	)
	steps := rapid.IntRange(1, 60).Draw(t, "steps")
	for step := 1; step <= steps; step++ {
		now += int64(rapid.SampledFrom([]int{0, 0, 1, 17, 24_999, 25_000, 250_000, 5_000_000}).Draw(t, "idle"))
		switch rapid.IntRange(0, 19).Draw(t, "event") {
		case 0:
			now += int64(rapid.SampledFrom([]time.Duration{-time.Hour, -time.Second, -time.Millisecond, time.Hour}).Draw(t, "clock").Microseconds())
		case 1:
			flush()
			born, grants = 0, 0
			clear(model)
		case 2:
			name := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "set")
			all[name] = limits.Draw(t, "limit")
		}
		if setTime != nil {
			setTime(time.UnixMicro(now))
		}

		route := rapid.SampledFrom([][]string{{"a"}, {"b"}, {"a", "c"}, {"b", "c"}, {"a", "b", "c"}}).Draw(t, "route")
		args := lua.AcquireArgs{Seq: int64(step), Fresh: fmt.Sprintf("epoch-%d", step), HorizonUS: walkHorizon}
		args.LeadUS = rapid.SampledFrom([]int64{0, 0, 0, 100_000}).Draw(t, "lead")
		least := int64(1000)
		for _, name := range route {
			l := all[name]
			args.Limits = append(args.Limits, lua.Limit{
				Field: lua.LimitField(name, 0), Tokens: l.Tokens, PerUS: l.Per.Microseconds(), Burst: l.Burst,
			})
			least = min(least, l.Burst)
		}
		for range rapid.IntRange(0, 5).Draw(t, "asks") {
			args.Asks = append(args.Asks, lua.Ask{
				Cost:       min(least, rapid.Int64Range(1, 3).Draw(t, "cost")),
				PatienceUS: rapid.SampledFrom([]int64{-1, -1, 0, 100_000}).Draw(t, "patience"),
			})
		}

		got, err := lua.Acquire(t.Context(), rdb, walkNamespace, "replica", "route", args)
		if err != nil {
			t.Fatal(err)
		}
		if setTime == nil {
			now = got.NowUS
		}
		if got.NowUS != now {
			t.Fatalf("step %d: now %d, want %d", step, got.NowUS, now)
		}
		if born == 0 {
			born, epoch = now, args.Fresh
		}
		path := make([]*limiter.Model, len(route))
		for i, name := range route {
			if model[name] == nil {
				model[name] = limiter.NewModel(all[name], min(born, now), walkHorizon)
			}
			model[name].Enter(now, all[name])
			path[i] = model[name]
		}
		for i, k := range args.Asks {
			at, bound := limiter.Due(now+args.LeadUS, path, k.Cost)
			want := lua.Grant{Kind: lua.Refused, AtUS: at, Bound: bound}
			if k.PatienceUS < 0 || at-now <= k.PatienceUS {
				want.Kind = lua.Reserved
				grants++
				for _, b := range path {
					b.Charge(at, k.Cost)
				}
			}
			if got.Answers[i] != want {
				t.Fatalf("step %d, ask %d of %+v: script %+v, model %+v", step, i, args, got.Answers[i], want)
			}
		}
		if got.Grants != grants || got.Epoch != epoch {
			t.Fatalf("step %d: epoch %s with %d grants, want %s with %d", step, got.Epoch, got.Grants, epoch, grants)
		}
		for i, name := range route {
			words := strings.Fields(rdb.HGet(t.Context(), lua.Keys(walkNamespace).State(), args.Limits[i].Field).Val())
			us, rem := model[name].Full()
			if want := []string{strconv.FormatInt(us, 10), strconv.FormatInt(rem, 10)}; len(words) != 7 || words[5] != want[0] || words[6] != want[1] {
				t.Fatalf("step %d: script stored %v for %s, model is full at %v", step, words, name, want)
			}
		}
	}
}
