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

const walkNamespace = "walk"

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
		own    int64 // the namespace's time, which never goes back
		shift  int64 // by which that is ahead of the server's
		epoch  string
		grants int64
		all    = map[string]limiter.Limit{"a": limits.Draw(t, "a"), "b": limits.Draw(t, "b"), "c": limits.Draw(t, "c")}
		model  = map[string]*limiter.Model{}

		horizon  = rapid.SampledFrom([]int64{0, 20_000, 250_000, 1_000_000}).Draw(t, "horizon")
		comeBack = int64(-1)
		tickets  = map[string]lua.Ticket{"a": {Rank: 2}, "b": {Rank: 2}, "c": {Rank: 2}}
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
		args := lua.AcquireArgs{Seq: int64(step), Fresh: fmt.Sprintf("epoch-%d", step), HorizonUS: horizon}
		args.LeadUS = min(horizon, rapid.SampledFrom([]int64{0, 0, 0, 100_000}).Draw(t, "lead"))
		least := int64(1000)
		for _, name := range route {
			l := all[name]
			place := lua.Ticket{Rank: 2}
			if comeBack >= 0 && rapid.Bool().Draw(t, "redeem") { // on time, late or early; else it is lost
				place = tickets[name]
			}
			tickets[name] = lua.Ticket{Rank: 2}
			args.Limits = append(args.Limits, lua.Limit{
				Field: lua.LimitField(name, 0), Tokens: l.Tokens, PerUS: l.Per.Microseconds(), Burst: l.Burst, Ticket: place,
			})
			least = min(least, l.Burst)
		}
		for range rapid.IntRange(0, 5).Draw(t, "asks") {
			args.Asks = append(args.Asks, lua.Ask{
				Cost:       min(least, rapid.Int64Range(1, 3).Draw(t, "cost")),
				PatienceUS: rapid.SampledFrom([]int64{-1, -1, 0, 100_000, 1_000_000}).Draw(t, "patience"),
				Urgent:     rapid.IntRange(0, 3).Draw(t, "urgent") == 0,
			})
		}

		got, err := lua.Acquire(t.Context(), rdb, walkNamespace, "replica", "route", args)
		if err != nil {
			t.Fatal(err)
		}
		if born == 0 {
			born, epoch, own, shift = now, args.Fresh, 0, 0
			if setTime == nil {
				born = got.NowUS
			}
		}
		if shift = max(shift, own-now); setTime == nil {
			own = got.NowUS
		} else if own = now + shift; got.NowUS != own {
			t.Fatalf("step %d: own time %d, want %d", step, got.NowUS, own)
		}
		path := make([]*limiter.Model, len(route))
		for i, name := range route {
			if model[name] == nil {
				model[name] = limiter.NewModel(all[name], born, horizon)
			}
			model[name].Enter(own, all[name])
			path[i] = model[name]
		}
		wishes, places := make([]limiter.Wish, len(args.Asks)), make([]limiter.Stub, len(path))
		for i, k := range args.Asks {
			wishes[i] = limiter.Wish{Cost: k.Cost, PatienceUS: k.PatienceUS, Urgent: k.Urgent}
		}
		for i, l := range args.Limits {
			places[i] = limiter.Stub{Rank: l.Ticket.Rank, Tokens: l.Ticket.Tokens}
		}
		plan, back, next := limiter.Plan(path, places, horizon, args.LeadUS, wishes)
		for i, p := range plan {
			want := lua.Grant{Kind: lua.Waiting, AtUS: p.At, Bound: p.Bound}
			switch {
			case p.Reserved:
				want.Kind = lua.Reserved
				grants++
				if p.At > horizon {
					t.Fatalf("step %d: reserved %d µs ahead, beyond the horizon of %d", step, p.At, horizon)
				}
			case p.Refused:
				want.Kind = lua.Refused
			}
			if got.Answers[i] != want {
				t.Fatalf("step %d, ask %d of %+v: script %+v, model %+v", step, i, args, got.Answers[i], want)
			}
		}
		if got.ComeBackUS != back {
			t.Fatalf("step %d: come back in %d, model %d", step, got.ComeBackUS, back)
		}
		for i, name := range route {
			if want := (lua.Ticket{Rank: next[i].Rank, Tokens: next[i].Tokens}); got.Tickets[i] != want {
				t.Fatalf("step %d: ticket for %s %+v, model %+v", step, name, got.Tickets[i], want)
			}
			tickets[name] = got.Tickets[i]
		}
		comeBack = back
		if got.Grants != grants || got.Epoch != epoch {
			t.Fatalf("step %d: epoch %s with %d grants, want %s with %d", step, got.Epoch, got.Grants, epoch, grants)
		}
		for i, name := range route {
			words := strings.Fields(rdb.HGet(t.Context(), lua.Keys(walkNamespace).State(), args.Limits[i].Field).Val())
			var stored [5]int64
			for k := range stored {
				if len(words) == 10 {
					stored[k], _ = strconv.ParseInt(words[5+k], 10, 64)
				}
			}
			if want := model[name].Deficits(); stored != want {
				t.Fatalf("step %d: script stored %v for %s, model has %v", step, words, name, want)
			}
		}
	}
}
