package adapt_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// TestScriptLearnsTheSame gives the same reports to this package and to the fragments of the script that implement the rule. Every
// number of the state, the factor, and the arithmetic of the level must agree.
func TestScriptLearnsTheSame(t *testing.T) {
	text := "local now, horizon = 0, 0\n"
	for _, name := range []string{"numbers", "checks", "level", "rate", "hooks", "learn", "token"} {
		fragment, err := os.ReadFile("../../../lua/" + name + ".lua")
		if err != nil {
			t.Fatal(err)
		}
		text += string(fragment) + "\n"
	}
	play, err := os.ReadFile("testdata/play.lua")
	if err != nil {
		t.Fatal(err)
	}
	script := text + string(play)
	m := miniredis.RunT(t)
	rdb := redis.NewClient(&redis.Options{Addr: m.Addr(), DisableIdentity: true})
	defer rdb.Close()
	states := 0
	rapid.Check(t, func(t *rapid.T) {
		l := adapt.Limit{
			Tokens: rapid.SampledFrom([]int64{1, 4, 25, 40, 999, 30_000}).Draw(t, "tokens"), Per: 1_000_000,
			Burst: rapid.Int64Range(1, 100).Draw(t, "burst"), Horizon: rapid.SampledFrom([]int64{0, 100_000, 250_000, 1_000_000}).Draw(t, "horizon"),
		}
		l.Start = rapid.SampledFrom([]int64{0, 0, 1000, 50_000}).Draw(t, "start")
		argv := []any{fmt.Sprint(l.Tokens, l.Per, l.Burst, l.Horizon, l.Start)}
		s, now := adapt.New(), int64(1_800_000_000_000_000)
		var want []string
		for range rapid.IntRange(1, 60).Draw(t, "reports") {
			now += rapid.Int64Range(0, rapid.SampledFrom([]int64{1_000, 100_000, 5_000_000}).Draw(t, "pace")).Draw(t, "passed")
			due := now + rapid.Int64Range(-2_000_000, 2*l.Horizon).Draw(t, "due")
			if l.Start > 0 && rapid.Bool().Draw(t, "used") {
				s.Enter(l, now)
				argv = append(argv, fmt.Sprint("E ", now))
			}
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0, 1, 2:
				due = max(0, min(due, now+l.Horizon)) // as the script bounds it
				cost := rapid.Int64Range(1, l.Burst).Draw(t, "took")
				s.Refused(l, now, due, cost)
				argv = append(argv, fmt.Sprint("R ", now, " ", due, " ", cost))
			case 3, 4:
				due = max(0, min(due, now+l.Horizon))
				cost := rapid.Int64Range(1, l.Burst).Draw(t, "took")
				s.Overloaded(l, now, due, cost)
				argv = append(argv, fmt.Sprint("O ", now, " ", due, " ", cost))
			default:
				a := adapt.Answer{
					Heard: now - rapid.Int64Range(-1000, 1_000_000).Draw(t, "arrived"), Limit: rapid.Int64Range(0, 100).Draw(t, "limit"),
					Period: rapid.SampledFrom([]int64{0, 1_000_000, 60_000_000}).Draw(t, "period"), Remaining: rapid.Int64Range(0, 100).Draw(t, "remaining"),
					UnderWay: rapid.Int64Range(0, 20).Draw(t, "under way"),
				}
				s.Remaining(l, now, a)
				argv = append(argv, fmt.Sprint("H ", now, " ", a.Heard, " ", a.Limit, " ", a.Period, " ", a.Remaining, " ", a.UnderWay))
			}
			later, tokens := now+rapid.Int64Range(0, 30_000_000).Draw(t, "later"), rapid.Int64Range(1, 100).Draw(t, "cost")
			argv = append(argv, fmt.Sprint("F ", now, " ", later, " ", tokens))
			f := s.Factor(l, now)
			want = append(want, fmt.Sprint(s.String(), " ", f, s.Factor(l, later), l.Price(f), l.Slot(3, tokens, l.Price(f)), " ", s.Forgotten(l, later)))
		}
		got, err := rdb.Eval(t.Context(), script, nil, argv...).StringSlice()
		if err != nil || len(got) != len(want) {
			t.Fatalf("the script gave %d answers to %d inputs: %v", len(got), len(want), err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Fatalf("after %v: script %s, core %s", argv, got[i], want[i])
			}
		}
		states += len(want)
	})
	t.Log(states, "states")
}
