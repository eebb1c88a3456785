package bucket_test

import (
	"math/rand/v2"
	"testing"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// TestSurplusOfCallsThatStartTogether: calls that start together, or within half a second, get their surplus back, also on a bucket
// that was full. At least 80 % of the surplus comes back, in whatever order the calls are settled.
func TestSurplusOfCallsThatStartTogether(t *testing.T) {
	for _, c := range []struct {
		name             string
		burst            int64
		calls            int
		estimate, actual int64
		apart            int64  // µs between two calls; 0 for one request
		order            string // of the settlements
		first            bool   // the bucket begins to note them with the first request
	}{
		{"ten in one request", 60_000, 10, 5000, 1000, 0, "first", false},
		{"the same, latest first", 60_000, 10, 5000, 1000, 0, "latest", false},
		{"ten in ten requests", 60_000, 10, 5000, 1000, 1000, "first", false},
		{"the same, latest first", 60_000, 10, 5000, 1000, 1000, "latest", false},
		{"ten within half a second", 60_000, 10, 5000, 1000, 45_000, "first", false},
		{"the same, latest first", 60_000, 10, 5000, 1000, 45_000, "latest", false},
		{"two that take all", 60_000, 2, 30_000, 1, 1000, "latest", false},
		{"a hundred", 60_000, 100, 500, 10, 2000, "first", false},
		{"a hundred, latest first", 60_000, 100, 500, 10, 2000, "latest", false},
		{"a hundred, in any order", 60_000, 100, 500, 10, 2000, "any", false},
		{"a hundred, half too much, latest first", 60_000, 100, 500, 250, 2000, "latest", false},
		{"a hundred, half too much, any order", 60_000, 100, 500, 250, 2000, "any", false},
		{"ten, any order", 60_000, 10, 5000, 1000, 45_000, "any", false},
		{"calls of one token, any order", 40, 40, 1, 0, 100, "any", false},
		{"the first ones, in one request", 60_000, 10, 5000, 1000, 0, "first", true},
		{"the first ones, in ten requests", 60_000, 10, 5000, 1000, 1000, "latest", true},
		{"calls of one token", 40, 40, 1, 0, 100, "latest", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := limit(max(1, c.burst/60), c.burst)
			b, now := bucket.New(l), int64(1_800_000_000*second)
			decide := func(q bucket.Request) (reply bucket.Reply) {
				q.Lane, q.Now, q.Horizon = "lane", now, 250_000
				b.Enter(now, l, 0)
				bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
				return reply
			}
			settled := func(since, estimated, actual int64) {
				decide(bucket.Request{Settled: []bucket.Settled{{Since: []int64{since}, Estimated: []int64{estimated}, Actual: []int64{actual}}}})
			}
			if !c.first {
				settled(now-1, 1, 0) // from here on the bucket notes what calls may get back
				now += 10 * second
			}
			n := 1
			if c.apart == 0 {
				n = c.calls
			}
			var since []int64
			for range c.calls / n {
				var begin []bucket.Settled
				if c.first && len(since) == 0 {
					begin = []bucket.Settled{{Since: []int64{0}, Estimated: []int64{1}, Actual: []int64{0}}}
				}
				reply := decide(bucket.Request{Settled: begin, Asks: []bucket.Ask{{N: n, Cost: []int64{c.estimate}, Patience: -1}}})
				if a := reply.Answers[0]; a.Verdict != bucket.Reserved || a.N != n || a.At.At != 0 {
					t.Fatalf("the answers are %+v, want %d calls reserved at once", reply.Answers, n)
				}
				for range n {
					since = append(since, now)
				}
				now += c.apart
			}
			before := b.Available(now)
			order := rand.New(rand.NewPCG(1, 2)).Perm(len(since)) //nolint:gosec // any order
			for k := range since {
				i := map[string]int{"first": k, "latest": len(since) - 1 - k, "any": order[k]}[c.order]
				settled(since[i], c.estimate, c.actual)
			}
			surplus := float64(c.calls) * float64(c.estimate-c.actual)
			back := b.Available(now) - before
			t.Logf("%s: %.0f of a surplus of %.0f came back, %.1f %%", c.name, back, surplus, 100*back/surplus)
			if back < 0.8*surplus || back > surplus+1 {
				t.Errorf("%.0f of a surplus of %.0f came back, want at least 80 %%", back, surplus)
			}
		})
	}
}

// TestFirstSettlementOfAMoment: a bucket that begins to note charges does not know the charges of the same moment. One of them may be
// due later, when the bucket is full again without what is settled.
func TestFirstSettlementOfAMoment(t *testing.T) {
	l, now := limit(40, 10), int64(1_800_000_000*second)
	b := bucket.New(l)
	decide := func(q bucket.Request) {
		q.Lane, q.Now, q.Horizon = "lane", now, 250_000
		b.Enter(now, l, 0)
		var reply bucket.Reply
		bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
	}
	decide(bucket.Request{Asks: []bucket.Ask{{N: 1, Cost: []int64{5}, Patience: -1}}})
	decide(bucket.Request{Asks: []bucket.Ask{{N: 1, Cost: []int64{5}, Patience: -1}}, Lead: 200_000})
	before := b.State().Full
	decide(bucket.Request{Settled: []bucket.Settled{{Since: []int64{now}, Estimated: []int64{5}, Actual: []int64{0}}}})
	if full := b.State().Full; full != before {
		t.Errorf("the bucket was full at %d, and after the settlement of an unknown call at %d", before.At-now, full.At-now)
	}
}
