package adapt_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// TestHostile: whatever replicas report, and whatever a record contains, the factor stays within its bounds. After a minute without
// reports, and the longest delay that the numbers of a record can cause, the configured rate is in force again.
func TestHostile(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	l, s := forty, adapt.New()
	now := int64(epoch)
	wild := func() int64 {
		switch r.IntN(6) {
		case 0:
			return []int64{math.MinInt64, -1, 0, 1, math.MaxInt64, 1 << 53}[r.IntN(6)]
		case 1:
			return int64(r.Uint64())
		case 2:
			return r.Int64N(2 * adapt.Whole)
		default:
			return now + r.Int64N(4*second) - 2*second
		}
	}
	for i := range 10_000 {
		now += r.Int64N(100 * ms)
		switch r.IntN(5) {
		case 0, 1:
			s.Refused(l, now, wild(), wild())
		case 2:
			s.Overloaded(l, now, wild(), wild())
		case 3:
			s.Remaining(l, now, adapt.Answer{Heard: wild(), Limit: wild(), Period: wild(), Remaining: wild(), UnderWay: wild()})
		case 4:
			s = adapt.State{
				Limit: wild(), Cut: wild(), Was: wild(), Began: wild(), More: wild(), Refusals: adapt.Count{First: wild(), Reports: wild()},
				Slow: wild(), Slowed: wild(), Overloads: adapt.Count{First: wild(), Reports: wild()}, Heard: wild(), Share: wild(),
			}.Bounded(l, now)
		}
		inBounds(t, l, s, now)
		if s != s.Bounded(l, now) {
			t.Fatalf("input %d made the state %+v, beyond its bounds", i, s)
		}
		if f := s.Factor(l, now+60*second); f != adapt.Whole {
			t.Fatalf("input %d: a minute without reports later the factor is %d, want the configured rate", i, f)
		}
	}
}
