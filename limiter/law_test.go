package limiter_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestModelKeepsTheLaw: whatever the routes, costs and order of calls, the due times of the model keep the law of every
// bucket they pass. A microsecond of slack is the rounding of due times to the stamps of a reply.
func TestModelKeepsTheLaw(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limits := []limiter.Limit{
			{Tokens: rapid.Int64Range(1, 50).Draw(t, "narrow"), Per: time.Second, Burst: rapid.Int64Range(1, 5).Draw(t, "b0")},
			{Tokens: rapid.Int64Range(1, 50).Draw(t, "other"), Per: time.Second, Burst: rapid.Int64Range(1, 5).Draw(t, "b1")},
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
		now := int64(0)
		for range rapid.IntRange(1, 100).Draw(t, "calls") {
			now += int64(rapid.SampledFrom([]int{0, 0, 0, 1, 20_000, 300_000}).Draw(t, "idle"))
			path := rapid.SampledFrom([][]int{{0, 2}, {1, 2}, {2}, {0, 1, 2}, {0}}).Draw(t, "route")
			route := make([]*limiter.Model, len(path))
			cost := rapid.Int64Range(1, 3).Draw(t, "cost")
			for i, k := range path {
				buckets[k].Enter(now, limits[k])
				route[i] = buckets[k]
				cost = min(cost, limits[k].Burst)
			}
			at, _ := limiter.Due(now, route, cost)
			for i, b := range route {
				b.Charge(at, cost)
				for range cost {
					starts[path[i]] = append(starts[path[i]], time.UnixMicro(at))
				}
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
			for i, r := range line.rows {
				b.Enter(r.at, l)
				at, _ := limiter.Due(r.at, []*limiter.Model{b}, r.cost)
				b.Charge(at, r.cost)
				if at != r.due {
					t.Errorf("row %d: %d tokens asked for at %d are due at %d, want %d", i, r.cost, r.at, at, r.due)
				}
			}
		})
	}
}
