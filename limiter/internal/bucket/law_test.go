package bucket_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// use is a number of tokens that a call takes at a time, in µs.
type use struct{ at, tokens, call int64 }

// lawSlack is the largest rounding error of a due time, µs.
const lawSlack = 2

// broken returns by how many tokens uses exceed a limit. A bucket allows burst + rate·(T + slack) tokens in any period of
// length T.
//
// Let v(i) be the tokens before the i-th use, less rate times its time. A period keeps the law if the tokens after its last
// use, less rate times its time, are at most v of its first use plus burst + rate·slack. So one pass that remembers the
// smallest v checks every period. All numbers are exact, in units of 1/tokens of a microsecond.
func broken(uses []use, l bucket.Limit) int64 {
	uses = slices.Clone(uses)
	slices.SortStableFunc(uses, func(a, b use) int { return int(a.at - b.at) })
	if l.Window {
		return brokenWindow(uses, l)
	}
	var over, least, tokens int64
	for i, u := range uses {
		v := tokens*l.Per - (u.at-uses[0].at)*l.Tokens
		if i == 0 || v < least {
			least = v
		}
		tokens += u.tokens
		over = max(over, tokens*l.Per-(u.at-uses[0].at)*l.Tokens-least-l.Burst*l.Per-lawSlack*l.Tokens)
	}
	return (over + l.Per - 1) / l.Per
}

func brokenWindow(uses []use, l bucket.Limit) int64 {
	var over, inside int64
	first := 0
	for _, u := range uses {
		inside += u.tokens
		for uses[first].at+l.Width() <= u.at {
			inside -= uses[first].tokens
			first++
		}
		over = max(over, inside-l.Burst)
	}
	return over
}

// taken is a reservation that has not started.
type taken struct {
	due, call int64
	costs     []int64
}

// TestCoreKeepsTheLaw: whatever the routes, costs, ages, lines and order of the requests, and whatever callers return, the
// reservations exceed no limit, and none is due beyond the horizon.
func TestCoreKeepsTheLaw(t *testing.T) {
	slower := 0
	defer func() { t.Log(slower, "answers at another price than the configured one") }()
	rapid.Check(t, func(t *rapid.T) {
		horizon := rapid.SampledFrom([]int64{0, 20_000, 250_000, second}).Draw(t, "horizon")
		limits := make([]bucket.Limit, rapid.IntRange(1, 5).Draw(t, "limits"))
		core, uses := make([]*bucket.Bucket, len(limits)), make([][]use, len(limits))
		now := 1_800_000_000 * second
		for i := range limits {
			limits[i] = limit(
				rapid.SampledFrom([]int64{1, 3, 7, 40, 999, 3_000_000}).Draw(t, "tokens"),
				rapid.SampledFrom([]int64{1, 1, 2, 5, 40}).Draw(t, "burst"))
			if rapid.IntRange(0, 3).Draw(t, "window") == 0 {
				limits[i] = per(rapid.SampledFrom([]int64{1, 2, 3, 40}).Draw(t, "count"), 1e9, 0, true)
				limits[i].Burst = limits[i].Tokens * second / limits[i].Per
			}
			core[i] = bucket.New(limits[i])
		}
		back, out, spares, calls := map[int]int64{}, map[string][]taken{}, map[string][]bucket.Spare{}, int64(0)
		speed := rapid.SampledFrom([]int64{100, 10_000, 100_000}).Draw(t, "speed")
		for range rapid.IntRange(1, 120).Draw(t, "requests") {
			now += rapid.Int64Range(0, 2*speed).Draw(t, "idle")
			lane := rapid.IntRange(0, 7).Draw(t, "lane")
			path := rapid.Permutation([]int{0, 1, 2, 3, 4}[:len(limits)]).Draw(t, "path")[:rapid.IntRange(1, len(limits)).Draw(t, "length")]
			if at := back[lane]; at > now && rapid.Bool().Draw(t, "on time") {
				now = at
			}
			var r bucket.Route
			least, name := int64(50), fmt.Sprint(path)
			for i, k := range path {
				core[k].Enter(now, limits[k], 0)
				r.Limits, r.Of = append(r.Limits, core[k]), append(r.Of, i/rapid.IntRange(1, 2).Draw(t, "together"))
				least = min(least, limits[k].Burst)
			}
			q := bucket.Request{Lane: fmt.Sprint(lane, path), Now: now, Horizon: horizon, Spares: spares[name]}
			held := out[name]
			out[name] = nil
			for _, h := range held {
				if h.due <= now {
					continue // it has started
				}
				if rapid.IntRange(0, 3).Draw(t, "returns") > 0 {
					out[name] = append(out[name], h)
					continue
				}
				q.Spares = append(q.Spares, bucket.Spare{Due: h.due, Cost: h.costs, Fresh: true})
				for _, i := range path {
					uses[i] = slices.DeleteFunc(uses[i], func(u use) bool { return u.call == h.call })
				}
			}
			q.Spares = slices.DeleteFunc(q.Spares, func(s bucket.Spare) bool { return s.Due <= now })
			slices.SortStableFunc(q.Spares, func(a, b bucket.Spare) int { return int(a.Due - b.Due) })
			for range rapid.IntRange(0, 3).Draw(t, "asks") {
				costs := []int64{rapid.Int64Range(1, least).Draw(t, "cost")}
				if rapid.IntRange(0, 2).Draw(t, "each") == 0 {
					costs = costs[:0]
					for _, b := range r.Limits {
						costs = append(costs, max(0, rapid.Int64Range(-b.Burst, b.Burst).Draw(t, "cost")))
					}
					if slices.Max(costs) == 0 {
						costs[0] = 1
					}
				}
				q.Asks = append(q.Asks, bucket.Ask{
					N: rapid.SampledFrom([]int{1, 2, 30}).Draw(t, "n"), Cost: costs,
					Age: rapid.Int64Range(0, 3*second).Draw(t, "age"), Patience: rapid.SampledFrom([]int64{-1, -1, 100_000}).Draw(t, "patience"),
					Urgent: rapid.IntRange(0, 3).Draw(t, "urgent") == 0,
				})
			}
			q.Taught = drawTaught(t, now, len(path))
			var reply bucket.Reply
			bucket.Decide(r, &q, &reply)
			back[lane] = now + reply.ComeBack
			spares[name] = nil
			for _, s := range reply.Left {
				s.Fresh = false
				spares[name] = append(spares[name], s)
			}
			of, rest := 0, 0
			for _, a := range reply.Answers {
				if a.Price > 0 {
					slower++
				}
				for k := range a.N {
					if rest == 0 {
						rest = q.Asks[of].N
						of++
					}
					rest--
					if a.Verdict != bucket.Reserved {
						continue
					}
					var l bucket.Limit
					if a.Bound >= 0 {
						l = r.Limits[a.Bound].Limit
					}
					costs := q.Asks[of-1].Cost
					of := func(i int) int64 { return costs[min(i, len(costs)-1)] }
					due := a.Due(k, l, of(max(0, a.Bound)))
					if due > horizon || due < 0 {
						t.Fatalf("a reservation is due in %d µs, beyond the horizon of %d", due, horizon)
					}
					calls++
					out[name] = append(out[name], taken{now + due, calls, costs})
					for at, i := range path {
						uses[i] = append(uses[i], use{now + due, of(at), calls})
					}
				}
			}
			if of != len(q.Asks) || rest != 0 {
				t.Fatalf("the answers %+v are not for as many calls as the asks %+v", reply.Answers, q.Asks)
			}
		}
		for i, l := range limits {
			if over := broken(uses[i], l); over > 0 {
				t.Fatalf("limit %d, %+v: the uses exceed it by %d tokens: %v", i, l, over, uses[i])
			}
		}
	})
}

// drawTaught draws the lessons of calls about the provider of a limit, often many of one kind.
func drawTaught(t *rapid.T, now int64, limits int) (taught []bucket.Taught) {
	of := rapid.IntRange(0, limits-1).Draw(t, "learns")
	lesson := rapid.SampledFrom([]bucket.Lesson{bucket.QuotaSpent, bucket.QuotaSpent, bucket.Overload, bucket.QuotaLeft}).Draw(t, "lesson")
	for range rapid.SampledFrom([]int{0, 0, 0, 0, 1, 5, 40}).Draw(t, "taught") {
		taught = append(taught, bucket.Taught{
			Limit: of, Lesson: lesson, Cost: rapid.Int64Range(0, 40).Draw(t, "took"), Due: now + rapid.Int64Range(-600_000, 300_000).Draw(t, "due"),
			Quota: 40, Left: rapid.Int64Range(0, 40).Draw(t, "left"), Period: second, Level: now + rapid.Int64Range(-second, second).Draw(t, "stood"),
		})
	}
	return taught
}

// TestManyLanesOfOneMoment: the callers of all lanes asked in the same microsecond. However many lanes there are, and in
// whatever order their requests come, the reservations do not exceed the limit.
func TestManyLanesOfOneMoment(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := limit(10, rapid.Int64Range(1, 40).Draw(t, "burst"))
		b := bucket.Lost(l, epoch, horizon)
		names := rapid.Permutation([]int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}).Draw(t, "names")
		var uses []use
		for i := range 100 {
			b.Enter(epoch, l, 0)
			lane := 10*names[i%10] + names[i/10]
			q := bucket.Request{Lane: fmt.Sprint("lane ", lane), Now: epoch, Horizon: horizon, Asks: []bucket.Ask{{
				N: rapid.IntRange(1, 3).Draw(t, "n"), Cost: []int64{1}, Age: int64(lane / 40), Patience: -1,
			}}}
			var reply bucket.Reply
			bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
			for _, a := range reply.Answers {
				for k := range a.N {
					if a.Verdict == bucket.Reserved {
						uses = append(uses, use{epoch + a.Due(k, l, 1), 1, int64(i)})
					}
				}
			}
		}
		uses = append(uses, use{epoch + horizon, l.Burst, 100}) // the burst that counts as taken after a loss
		if over := broken(uses, l); over > 0 {
			t.Fatalf("the uses exceed the limit by %d tokens: %v", over, uses)
		}
	})
}

// TestLawNotices: broken reports uses that exceed a limit, and by how much.
func TestLawNotices(t *testing.T) {
	for name, c := range map[string]struct {
		l    bucket.Limit
		uses []use
		want int64
	}{
		"a burst and one": {limit(10, 2), []use{{0, 2, 1}, {1000, 1, 2}}, 1},
		"a token early":   {limit(10, 1), []use{{0, 1, 1}, {50_000, 1, 2}}, 1},
		"exactly":         {limit(10, 2), []use{{0, 2, 1}, {100_000, 1, 2}, {200_000, 1, 3}}, 0},
		"a window and one": {
			bucket.Limit{Tokens: 1, Per: 500_000, Burst: 2, Window: true}, []use{{0, 1, 1}, {10, 1, 2}, {999_999, 1, 3}}, 1,
		},
		"a window exactly": {
			bucket.Limit{Tokens: 1, Per: 500_000, Burst: 2, Window: true}, []use{{0, 1, 1}, {10, 1, 2}, {1_000_000, 1, 3}}, 0,
		},
	} {
		if got := broken(c.uses, c.l); got != c.want {
			t.Errorf("%s: the uses exceed the limit by %d, want %d", name, got, c.want)
		}
	}
}
