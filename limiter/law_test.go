package limiter_test

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestModelKeepsTheLaw: whatever the routes, costs, tickets and order of calls, the due times of the model keep the law
// of every bucket they pass, and none is beyond the horizon. A microsecond of slack is the rounding of due times to the
// stamps of a reply.
func TestModelKeepsTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		together := rapid.IntRange(1, 3).Draw(t, "together")
		horizon := rapid.SampledFrom([]int64{0, 20_000, 250_000, 1_000_000}).Draw(t, "horizon")
		limits := []limiter.Limit{
			{Tokens: rapid.Int64Range(1, 50).Draw(t, "narrow"), Per: time.Second, Burst: rapid.Int64Range(1, 5).Draw(t, "b0")},
			{Tokens: rapid.Int64Range(1, 50).Draw(t, "other"), Per: time.Second, Burst: rapid.Int64Range(1, 5).Draw(t, "b1")},
			limiter.PerWindow(rapid.Int64Range(1, 40).Draw(t, "window"), rapid.SampledFrom([]time.Duration{100 * time.Millisecond, time.Second}).Draw(t, "w")),
			{Tokens: rapid.Int64Range(1, 50).Draw(t, "shared"), Per: time.Second, Burst: rapid.Int64Range(3, 40).Draw(t, "b2")},
		}
		buckets, starts := make([]*limiter.Model, len(limits)), make([][]time.Time, len(limits))
		for i, l := range limits {
			n, err := limiter.Normal(l)
			if err != nil {
				t.Fatal(err)
			}
			buckets[i] = limiter.NewModel(n, 0, 0)
			limits[i] = n
		}
		type place struct {
			path    []int
			tickets []limiter.Stub
			back    int64
		}
		var places []place
		now := int64(0)
		for range rapid.IntRange(1, 100).Draw(t, "calls") {
			now += int64(rapid.SampledFrom([]int{0, 0, 0, 1, 20_000, 300_000}).Draw(t, "idle"))
			at := place{path: rapid.SampledFrom([][]int{{0, 3}, {1, 3}, {3}, {0, 1, 3}, {0}, {2}, {2, 3}, {0, 2, 3}, {0, 2}}).Draw(t, "route")}
			if len(places) > 0 && rapid.Bool().Draw(t, "redeem") { // on time, late, far too early, or never
				k := rapid.IntRange(0, len(places)-1).Draw(t, "which")
				at = places[k]
				places = append(places[:k], places[k+1:]...)
				if rapid.Bool().Draw(t, "on time") {
					now = max(now, at.back)
				}
			}
			if at.tickets == nil {
				at.tickets = make([]limiter.Stub, len(at.path))
				for i := range at.tickets {
					at.tickets[i].Rank = 2
				}
			}
			route, least := make([]*limiter.Model, len(at.path)), int64(3)
			names := make([]string, len(at.path))
			for i, k := range at.path {
				names[i] = fmt.Sprint(k / together) // the first of them are limits of one bucket, or each is of its own
				buckets[k].Enter(now, limits[k], 0)
				route[i] = buckets[k]
				least = min(least, limits[k].Burst)
			}
			wish := limiter.Asked{
				N:    rapid.SampledFrom([]int{1, 1, 2, 5, 50}).Draw(t, "n"),
				Cost: rapid.Int64Range(1, least).Draw(t, "cost"), PatienceUS: -1, Urgent: rapid.IntRange(0, 3).Draw(t, "urgent") == 0,
			}
			out, back, next, _ := limiter.Plan(route, names, at.tickets, horizon, 0, []limiter.Asked{wish}, nil)
			for _, p := range out {
				if !p.Reserved {
					continue
				}
				if p.At > horizon {
					t.Fatalf("reserved %d µs ahead, the horizon is %d", p.At, horizon)
				}
				for _, k := range at.path {
					for range int64(p.N) * wish.Cost {
						starts[k] = append(starts[k], time.UnixMicro(now+p.At))
					}
				}
			}
			if back >= 0 {
				places = append(places, place{at.path, next, now + back})
			}
		}
		for i, l := range limits {
			if err := limitertest.Law(starts[i], l, time.Microsecond); err != nil {
				t.Fatalf("bucket %d: %v", i, err)
			}
		}
	})
}

// TestBucketTimelines are rows of time, request and answer, as a reader would work them out by hand.
func TestBucketTimelines(t *testing.T) {
	const ms = int64(1000)
	type row struct{ at, cost, due int64 }
	for name, line := range map[string]struct {
		limit limiter.Limit
		rows  []row
	}{
		"a full bucket gives its burst at once, then one token per period": {
			limiter.Limit{Tokens: 40, Burst: 3},
			[]row{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 25 * ms}, {0, 1, 50 * ms}},
		},
		"what is saved up is never more than the burst": {
			limiter.Limit{Tokens: 40, Burst: 2},
			[]row{{0, 1, 0}, {9000 * ms, 1, 9000 * ms}, {9000 * ms, 1, 9000 * ms}, {9000 * ms, 1, 9025 * ms}},
		},
		"a call of three tokens waits until three are there": {
			limiter.Limit{Tokens: 10, Burst: 4},
			[]row{{0, 4, 0}, {0, 3, 300 * ms}, {0, 1, 400 * ms}},
		},
		"a third of a microsecond is carried, not rounded": {
			limiter.Limit{Tokens: 3, Per: time.Microsecond, Burst: 1},
			[]row{{0, 1, 0}, {0, 1, 1}, {0, 1, 1}, {0, 1, 1}, {0, 1, 2}},
		},
		"five a day": {
			limiter.Limit{Tokens: 5, Per: 24 * time.Hour, Burst: 1},
			[]row{{0, 1, 0}, {0, 1, 17_280_000 * ms}, {0, 1, 34_560_000 * ms}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			l, err := limiter.Normal(line.limit)
			if err != nil {
				t.Fatal(err)
			}
			b := limiter.NewModel(l, -int64(time.Hour*24/time.Microsecond), 0)
			const forever = int64(100 * 24 * time.Hour / time.Microsecond)
			for i, r := range line.rows {
				b.Enter(r.at, l, 0)
				out, _, _, _ := limiter.Plan([]*limiter.Model{b}, []string{"b"}, []limiter.Stub{{Rank: 2}}, forever, 0, []limiter.Asked{{N: 1, Cost: r.cost, PatienceUS: -1}}, nil)
				if at := r.at + out[0].At; at != r.due {
					t.Errorf("row %d: %d tokens asked for at %d are due at %d, want %d", i, r.cost, r.at, at, r.due)
				}
			}
		})
	}
}
