package bucket_test

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// happened is an event of a bucket, with the costs that are known now.
type happened struct {
	now    int64
	due    int64 // of a reservation
	cost   int64 // the actual cost, once it is known
	opens  int64
	last   int64 // the due time of the latest reservation before
	limit  bucket.Limit
	change bool
}

// truth is the level of a bucket that knew all actual costs from the beginning: when it is full, in units of 1/tokens µs.
type truth struct {
	limit bucket.Limit
	at    int64 // µs
	frac  int64
}

func (r *truth) add(units int64) {
	units += r.frac
	r.frac = ((units % r.limit.Tokens) + r.limit.Tokens) % r.limit.Tokens
	r.at += (units - r.frac) / r.limit.Tokens
}

func (r *truth) atLeast(at, frac int64) {
	if r.at < at || r.at == at && r.frac < frac {
		r.at, r.frac = at, frac
	}
}

func (r *truth) play(e happened) {
	if e.change {
		from, missing := max(e.now, e.last), 0.0
		if r.at > from || r.at == from && r.frac > 0 {
			missing = float64((r.at-from)*r.limit.Tokens+r.frac) / float64(r.limit.Per)
		}
		units := int64(math.Ceil(missing*float64(e.limit.Per))) + (e.limit.Burst-r.limit.Burst)*e.limit.Per
		r.limit, r.at, r.frac = e.limit, from, 0
		r.add(max(0, units))
		return
	}
	if e.opens > 0 {
		empty := truth{r.limit, e.opens, 0}
		empty.add(r.limit.Burst * r.limit.Per)
		r.atLeast(empty.at, empty.frac)
	}
	if e.due > r.at+min(1, r.frac) {
		r.at, r.frac = e.due, 0
	}
	r.add(e.cost * r.limit.Per)
}

// call is a reservation whose actual cost is not known yet.
type call struct {
	event  int // of the log
	ends   int64
	since  int64
	est    int64
	actual int64
}

// settling is a random world of one bucket. Its calls settle their costs.
type settling struct {
	*rapid.T

	b         *bucket.Bucket
	limit     bucket.Limit
	horizon   int64
	now, last int64
	short     bool // estimates may be too small
	slow      bool // the provider serves less than configured
	holds     bool // the provider holds the estimated tokens until the end of the call
	log       []happened
	out       []call
	uses      []use
	provider  []use // tokens that the provider takes, or returns (negative), at a time
	settled   int
	lost      bool
}

// TestSettledBucketBesideTruth: the world draws the actual costs, how late they are known (some never), cancellations, pauses and
// changes of the limit. The bucket never holds more tokens than a bucket that knew the costs of today from the beginning. If no
// estimate was too small, the actual costs keep the law, and a provider that holds the estimates refuses no call.
func TestSettledBucketBesideTruth(t *testing.T) {
	settled := 0
	rapid.Check(t, func(t *rapid.T) {
		w := newSettling(t)
		for range rapid.IntRange(50, 300).Draw(t, "steps") {
			w.step()
		}
		w.judge()
		settled += w.settled
	})
	t.Log(settled, "calls settled")
}

func newSettling(t *rapid.T) *settling {
	w := &settling{
		T: t, now: 1_800_000_000 * second, horizon: 250_000, short: rapid.IntRange(0, 4).Draw(t, "short") < 2,
		holds: rapid.IntRange(0, 4).Draw(t, "holds") < 2,
	}
	w.slow = rapid.IntRange(0, 2).Draw(t, "slow") == 0
	w.draw()
	w.b = bucket.New(w.limit)
	w.log = append(w.log, happened{now: w.now, limit: w.limit, change: true})
	return w
}

func (w *settling) draw() {
	tokens := []int64{1, 3, 10, 40, 999}
	if w.short || w.holds { // limits do not change
		tokens = append(tokens, 1_000_000)
	}
	burst := rapid.SampledFrom([]int64{1, 2, 5, 40, 400, 100_000}).Draw(w.T, "burst")
	w.limit = limit(rapid.SampledFrom(tokens).Draw(w.T, "tokens"), burst)
	if rapid.IntRange(0, 5).Draw(w.T, "slow") == 0 { // five a day, a million a week
		w.limit = per(rapid.SampledFrom([]int64{5, 1_000_000}).Draw(w.T, "tokens"), rapid.SampledFrom([]time.Duration{24 * time.Hour, 7 * 24 * time.Hour}).Draw(w.T, "per"), min(burst, 400), false)
	}
}

func (w *settling) step() {
	token := max(1, w.limit.Per/w.limit.Tokens)
	w.now += rapid.Int64Range(0, 2*token).Draw(w.T, "passed")
	if rapid.IntRange(0, 49).Draw(w.T, "idles") == 0 {
		w.now += rapid.Int64Range(0, w.limit.Burst*token).Draw(w.T, "idle")
	}
	w.b.Enter(w.now, w.limit, 0)
	switch dice := rapid.IntRange(0, 99).Draw(w.T, "event"); {
	case dice < 3 && !w.holds && !w.short && w.b.State().Full.At < w.now+w.limit.Burst*token+w.horizon:
		w.draw()
		w.log = append(w.log, happened{now: w.now, last: w.last, limit: w.limit, change: true})
		w.b.Enter(w.now, w.limit, 0)
	case dice < 6 && len(w.out) > 0:
		w.cancel(rapid.IntRange(0, len(w.out)-1).Draw(w.T, "cancelled"))
	}
	w.out = slices.DeleteFunc(w.out, func(c call) bool {
		if c.ends > w.now {
			return false
		}
		w.settle(c)
		return true
	})
	if taught := drawTaught(w.T, w.now, 1); len(taught) > 0 && w.slow {
		w.decide(bucket.Request{Taught: taught})
	}
	cost := rapid.Int64Range(1, w.limit.Burst).Draw(w.T, "estimate")
	w.reserve(cost)
}

// settle reports the actual cost of a call.
func (w *settling) settle(c call) {
	since := c.since
	if w.holds {
		since = c.ends - w.horizon // calls that were reserved earlier may be due later
		w.provider = append(w.provider, use{at: c.ends, tokens: c.actual - c.est})
	}
	w.decide(bucket.Request{Settled: []bucket.Settled{{Since: []int64{since}, Estimated: []int64{c.est}, Actual: []int64{c.actual}}}})
	w.lost = w.lost || w.short && w.capped()
	w.log[c.event].cost = c.actual
	for i := range w.uses {
		if w.uses[i].call == int64(c.event) {
			w.uses[i].tokens = c.actual
		}
	}
	w.settled++
}

// cancel returns a reservation that is not due yet.
func (w *settling) cancel(i int) {
	c := w.out[i]
	changed := slices.ContainsFunc(w.log[c.event:], func(e happened) bool { return e.change })
	if w.log[c.event].due <= w.now || changed { // a reservation of another limit is not returned
		return
	}
	w.out = slices.Delete(w.out, i, i+1)
	reply := w.decide(bucket.Request{Spares: []bucket.Spare{{Due: w.log[c.event].due, Cost: []int64{c.est}, Fresh: true}}})
	if len(reply.Left) > 0 {
		return // no other call gets the reservation: it counts as used
	}
	w.log[c.event].cost = 0
	w.uses = slices.DeleteFunc(w.uses, func(u use) bool { return u.call == int64(c.event) })
	w.provider = slices.DeleteFunc(w.provider, func(u use) bool { return u.call == int64(c.event) && u.tokens > 0 })
}

func (w *settling) decide(q bucket.Request) (reply bucket.Reply) {
	q.Lane, q.Now, q.Horizon = "lane", w.now, w.horizon
	bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{w.b}, Of: []int{0}}, &q, &reply)
	return reply
}

func (w *settling) reserve(cost int64) {
	reply := w.decide(bucket.Request{Asks: []bucket.Ask{{N: 1, Cost: []int64{cost}, Patience: w.horizon}}})
	if a := reply.Answers[0]; a.Verdict == bucket.Reserved {
		due := w.now + a.Due(0, w.limit, cost)
		c := call{event: len(w.log), since: w.now, est: cost, actual: rapid.Int64Range(0, cost).Draw(w.T, "actual")}
		if w.short {
			c.actual = min(cost+w.limit.Burst, cost*rapid.Int64Range(0, 40).Draw(w.T, "tenths")/10)
		}
		c.ends = due + rapid.SampledFrom([]int64{0, 1, 100_000, 3 * second, 60 * second}).Draw(w.T, "takes")
		w.log = append(w.log, happened{now: w.now, due: due, cost: cost})
		w.uses = append(w.uses, use{due, cost, int64(c.event)})
		w.provider = append(w.provider, use{due, cost, int64(c.event)})
		w.last = max(w.last, due)
		if rapid.IntRange(0, 9).Draw(w.T, "known") > 0 { // the cost of the others is never known
			w.out = append(w.out, c)
		}
	}
	if w.lost || w.holds { // such a provider returns tokens that a bucket that knew the costs never had
		return
	}
	r := truth{limit: w.log[0].limit}
	for _, e := range w.log {
		r.play(e)
	}
	if full := w.b.State().Full; r.at > w.now && r.at > full.At+w.slack() {
		w.Fatalf("the bucket is full at %d + %d/%d, earlier than a bucket that knew the costs, at %d + %d/%d", full.At-w.now, full.Frac, w.limit.Tokens, r.at-w.now, r.frac, r.limit.Tokens)
	}
}

// slack returns the largest rounding error of due times, µs, including those at another rate.
func (w *settling) slack() int64 {
	slowest, fastest := w.limit.Interval(1), w.limit.Interval(1)
	for _, e := range w.log {
		if e.change {
			fastest = min(fastest, e.limit.Interval(1))
		}
	}
	return lawSlack * int64(1+slowest/fastest)
}

// capped reports whether the debt of the bucket has reached its maximum. Any further debt is lost.
func (w *settling) capped() bool {
	most := truth{w.limit, max(w.now, w.last), 0}
	most.add(2 * w.limit.Burst * w.limit.Per)
	return w.b.State().Full.At >= most.at
}

// judge checks that the actual costs keep the law, and that a provider that holds the estimates refuses no call.
func (w *settling) judge() {
	changes := 0
	for _, e := range w.log {
		if e.change {
			changes++
		}
	}
	if w.short || changes > 1 {
		return
	}
	if over := broken(w.uses, w.limit); over > 0 && !w.holds {
		w.Fatalf("the actual costs exceed the limit by %d tokens", over)
	}
	if !w.holds {
		return
	}
	slices.SortStableFunc(w.provider, func(a, b use) int { return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.tokens, b.tokens)) })
	r := truth{limit: w.limit}
	for _, u := range w.provider {
		if r.at < u.at {
			r.at, r.frac = u.at, 0
		}
		r.add(u.tokens * w.limit.Per)
		most := truth{w.limit, u.at + lawSlack, 0}
		most.add(w.limit.Burst * w.limit.Per)
		if r.at > most.at {
			w.Fatalf("a provider that holds the estimates refuses a call by %d µs", r.at-most.at)
		}
	}
}
