package adapt_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

var configured = rapid.Custom(func(t *rapid.T) adapt.Limit {
	return adapt.Limit{
		Tokens:  rapid.SampledFrom([]int64{1, 4, 5, 40, 999, 1_000_000}).Draw(t, "tokens"),
		Per:     rapid.SampledFrom([]int64{second, 60 * second, 86_400 * second, 1}).Draw(t, "per"),
		Burst:   rapid.SampledFrom([]int64{1, 40}).Draw(t, "burst"),
		Horizon: rapid.SampledFrom([]int64{0, 20 * ms, 250 * ms, second}).Draw(t, "horizon"),
	}
})

// TestProperties takes a random path. The factor stays within its bounds, and never falls without a report. A state that the rule
// made is always within its bounds. A repeated report of an event changes only how much the event lowers the factor.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l, s, now := configured.Draw(t, "limit"), adapt.New(), int64(epoch)
		for range rapid.IntRange(1, 60).Draw(t, "steps") {
			before := s.Factor(l, now)
			now += rapid.Int64Range(0, rapid.SampledFrom([]int64{10 * ms, second, 60 * second}).Draw(t, "speed")).Draw(t, "time")
			if after := s.Factor(l, now); after < before {
				t.Fatalf("the factor fell from %d to %d without a report", before, after)
			}
			due := now + rapid.Int64Range(-2*second, 2*l.Horizon).Draw(t, "due")
			switch rapid.SampledFrom([]string{"refused", "refused", "overloaded", "remaining", "again"}).Draw(t, "input") {
			case "refused":
				s.Refused(l, now, due, rapid.Int64Range(1, 40).Draw(t, "cost"))
			case "overloaded":
				for range rapid.IntRange(1, 20).Draw(t, "failures") {
					s.Overloaded(l, now, due, rapid.Int64Range(1, 40).Draw(t, "cost"))
				}
			case "remaining":
				s.Remaining(l, now, adapt.Answer{
					Heard: due, Limit: rapid.Int64Range(-1, 100).Draw(t, "its limit"), Period: rapid.SampledFrom([]int64{0, second}).Draw(t, "period"),
					Remaining: rapid.Int64Range(-1, 100).Draw(t, "remaining"), UnderWay: rapid.Int64Range(-1, 100).Draw(t, "under way"),
				})
			case "again":
				repeats(t, l, s, now)
			}
			inBounds(t, l, s, now)
			if bounded := s.Bounded(l, now); bounded != s {
				t.Fatalf("the rule made the state %+v; bounded, it is %+v, want no change", s, bounded)
			}
		}
	})
}

// repeats reports one more refusal of the last event, and checks the effect.
func repeats(t *rapid.T, l adapt.Limit, s adapt.State, now int64) {
	before, due := s, rapid.Int64Range(0, s.Cut).Draw(t, "of the event")
	s.Refused(l, now, due, 1)
	s.Overloaded(l, now, min(due, s.Slowed), 1)
	if s.Limit > before.Limit || s.More > before.More+1 || due < s.Began && s != before {
		t.Fatalf("one more refusal, due at %d, changed the state to %+v from %+v", due, s, before)
	}
	s.Limit, s.More = before.Limit, before.More
	if s != before {
		t.Fatalf("one more refusal of the last event changed more than its depth: the state is %+v, before it was %+v", s, before)
	}
}

func inBounds(t interface{ Fatalf(string, ...any) }, l adapt.Limit, s adapt.State, now int64) {
	if f := s.Factor(l, now); f < l.Floor() || f > adapt.Whole || l.Floor() < 1000 {
		t.Fatalf("the factor %d is out of bounds: limit %+v at %d, state %+v", f, l, now, s)
	}
}
