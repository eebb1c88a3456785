package bucket_test

import (
	"fmt"
	"testing"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// taught returns n calls of one moment with the same lesson.
func taught(lesson bucket.Lesson, of bucket.Limit, now int64, n int) (out []bucket.Taught) {
	for i := range n {
		out = append(out, bucket.Taught{Lesson: lesson, Cost: max(1, of.Burst/10), Due: now - int64(i)*1000})
	}
	return out
}

// TestEveryCostIsServedWhileTheProviderIsSlow: even a call is served that costs more than the burst has tokens at the lowered rate. In the
// long run calls are charged the price, and a lane asks again at the time that the reply gives.
func TestEveryCostIsServedWhileTheProviderIsSlow(t *testing.T) {
	for _, of := range []bucket.Limit{limit(40, 40), limit(40, 3), limit(1, 40), limit(3000, 1000), per(30, 10*1e9, 0, true)} {
		if of.Window {
			of.Burst = of.Tokens * 10 * second / of.Per
		}
		for _, cost := range []int64{1, 2, of.Burst/2 + 1, of.Burst} {
			for _, lesson := range []bucket.Lesson{bucket.QuotaSpent, bucket.Overload} {
				name := fmt.Sprintf("%+v, cost %d, lesson %d", of, cost, lesson)
				b, now, served, asks := bucket.New(of), int64(epoch), int64(0), 0
				began := now
				for served < 20*cost {
					b.Enter(now, of, 0)
					q := bucket.Request{Lane: "lane", Now: now, Horizon: horizon, Taught: taught(lesson, of, now+horizon, 30)}
					q.Asks = []bucket.Ask{{N: 1, Cost: []int64{cost}, Age: now - began, Patience: -1}}
					var reply bucket.Reply
					bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
					if asks++; asks > 5000 {
						t.Fatalf("%s: %d tokens were served in %d µs, and no more: %+v, %+v", name, served, now-began, reply, b.State())
					}
					if reply.Answers[0].Verdict == bucket.Reserved {
						served += cost
						now += reply.Answers[0].Due(0, of, cost)
						continue
					}
					now += max(1000, reply.ComeBack)
				}
				slowed := lesson == bucket.QuotaSpent || of.Window || of.Tokens*second > of.Per // an overloaded provider still gets one call a second
				if follows := b.Factor(now) < 1_000_000; follows != slowed {
					t.Errorf("%s: the rate follows the provider: %t, want %t", name, follows, slowed)
				}
			}
		}
	}
}

// TestLearntRateIsForgotten: the bucket drops its learned rate after a change of the limit, and after a while without refusals.
func TestLearntRateIsForgotten(t *testing.T) {
	of := limit(40, 40)
	b := bucket.New(of)
	teach := func(now int64) {
		b.Enter(now, of, 0)
		q := bucket.Request{Lane: "lane", Now: now, Horizon: horizon, Taught: taught(bucket.QuotaSpent, of, now, 30)}
		var reply bucket.Reply
		bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
	}
	teach(epoch)
	if f := b.Factor(epoch); f > 900_000 || b.Idle(epoch+60*second) {
		t.Errorf("factor %d after 30 refusals", f)
	}
	b.Enter(epoch+200*second, of, 0)
	if s := b.State(); s.Learnt != "-" || !b.Idle(epoch+400*second) {
		t.Errorf("200 s later the bucket has learnt %s, want nothing", s.Learnt)
	}
	teach(epoch + 300*second)
	b.Enter(epoch+301*second, limit(50, 40), 0)
	if s := b.State(); s.Learnt != "-" {
		t.Errorf("after a change of the limit the bucket has learnt %s, want nothing", s.Learnt)
	}
}

// TestRemainingBoundsTheTokens: a bucket has no more tokens than the provider reported, less what was reserved since.
func TestRemainingBoundsTheTokens(t *testing.T) {
	of := limit(40, 40)
	for _, c := range []struct {
		left, since int64
		have        float64 // before
		want        float64 // tokens afterwards, at most
	}{{40, 0, 40, 40}, {10, 0, 40, 10}, {10, 4, 36, 6}, {3, 5, 35, 0}, {30, 0, 20, 20}} {
		b := bucket.New(of)
		b.Enter(epoch, of, 0)
		stand := max(epoch, b.Stand())
		var reply bucket.Reply
		q := bucket.Request{Lane: "lane", Now: epoch, Horizon: horizon, Asks: []bucket.Ask{{N: int(40 - c.have - float64(c.since)), Cost: []int64{1}, Patience: 0}}}
		route := bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}
		if q.Asks[0].N > 0 {
			bucket.Decide(route, &q, &reply)
			stand = b.Stand()
		}
		if q.Asks[0].N = int(c.since); c.since > 0 {
			bucket.Decide(route, &q, &reply)
		}
		if got := b.Available(epoch); got != c.have {
			t.Fatalf("%+v: %v tokens before the report", c, got)
		}
		q.Asks, q.Taught = nil, []bucket.Taught{{Lesson: bucket.QuotaLeft, Due: epoch, Quota: 40, Left: c.left, Period: second, Level: stand}}
		bucket.Decide(route, &q, &reply)
		if got := max(0, b.Available(epoch)); got > c.want+0.01 || got < 0.2*c.want {
			t.Errorf("%+v: %v tokens after the report", c, got)
		}
	}
}

// TestReportThatDoesNotSayWhenIsOfNow: a process that does not know the store's clock yet cannot report when a call was due. Its
// report counts as of now.
func TestReportThatDoesNotSayWhenIsOfNow(t *testing.T) {
	of := limit(40, 40)
	for _, lesson := range []bucket.Lesson{bucket.QuotaSpent, bucket.Overload} {
		b := bucket.New(of)
		b.Enter(epoch, of, 0)
		q := bucket.Request{Lane: "lane", Now: epoch, Horizon: horizon, Taught: make([]bucket.Taught, 30)}
		for i := range q.Taught {
			q.Taught[i] = bucket.Taught{Lesson: lesson, Cost: 1}
		}
		var reply bucket.Reply
		bucket.Decide(bucket.Route{Limits: []*bucket.Bucket{b}, Of: []int{0}}, &q, &reply)
		if f := b.Factor(epoch); f > 900_000 {
			t.Errorf("lesson %d: factor %d after 30 refusals", lesson, f)
		}
	}
}
