package measure_test

import (
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/weir-go/weir/bench/measure"
)

const ms = time.Millisecond

func TestOver(t *testing.T) {
	for name, c := range map[string]struct {
		law    measure.Law
		starts []time.Duration
		want   int64
	}{
		"none":                             {measure.Law{Rate: 40, Burst: 40}, nil, 0},
		"one call of a burst of one":       {measure.Law{Rate: 40, Burst: 1}, []time.Duration{7 * ms}, 0},
		"at the rate":                      {measure.Law{Rate: 40, Burst: 1}, []time.Duration{0, 25 * ms, 50 * ms}, 0},
		"a nanosecond early":               {measure.Law{Rate: 40, Burst: 1}, []time.Duration{0, 25*ms - 1, 50 * ms}, 1},
		"early, but within the slack":      {measure.Law{Rate: 40, Burst: 1, Slack: ms}, []time.Duration{0, 24 * ms, 50 * ms}, 0},
		"early by more than the slack":     {measure.Law{Rate: 40, Burst: 1, Slack: ms}, []time.Duration{0, 23 * ms, 50 * ms}, 1},
		"two windows back to back":         {measure.Law{Rate: 2, Burst: 2}, []time.Duration{999 * ms, 999 * ms, 1000 * ms, 1000 * ms}, 2},
		"room left":                        {measure.Law{Rate: 2, Burst: 4}, []time.Duration{0, 500 * ms, 1000 * ms}, -3},
		"a pause saves one burst at most":  {measure.Law{Rate: 1, Burst: 1}, []time.Duration{0, time.Hour, time.Hour, time.Hour}, 2},
		"the worst window is not the last": {measure.Law{Rate: 1, Burst: 1}, []time.Duration{0, 0, 0, time.Hour}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			if got := c.law.Over(c.starts); got != c.want {
				t.Errorf("the starts exceed the law by %d, want %d", got, c.want)
			}
		})
	}
}

// TestOverSeesEveryWindow compares the one pass of Over with a search through every window in exact arithmetic.
func TestOverSeesEveryWindow(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		law := measure.Law{Rate: 1 + rnd.Int64N(50), Burst: 1 + rnd.Int64N(8), Slack: time.Duration(rnd.Int64N(60)) * ms}
		starts := make([]time.Duration, 1+rnd.IntN(40))
		for i := range starts {
			starts[i] = time.Duration(rnd.Int64N(int64(2 * time.Second)))
		}
		slices.Sort(starts)
		var want *big.Rat
		for i := range starts {
			for j := i; j < len(starts); j++ {
				over := big.NewRat(int64(j-i+1)-law.Burst, 1)
				over.Sub(over, new(big.Rat).Mul(big.NewRat(law.Rate, int64(time.Second)), big.NewRat(int64(starts[j]-starts[i]+law.Slack), 1)))
				if want == nil || over.Cmp(want) > 0 {
					want = over
				}
			}
		}
		up := new(big.Int).Div(want.Num(), want.Denom()) // rounds down
		if !want.IsInt() {
			up.Add(up, big.NewInt(1))
		}
		if got := law.Over(starts); got != up.Int64() {
			t.Fatalf("%+v over %v: %d, want %v", law, starts, got, up)
		}
	}
}

func TestMost(t *testing.T) {
	for name, c := range map[string]struct {
		starts []time.Duration
		want   int
	}{
		"none":                      {nil, 0},
		"all in one":                {[]time.Duration{0, 1, 2}, 3},
		"the end is another window": {[]time.Duration{0, 500 * ms, 1000 * ms}, 2},
		"over a boundary":           {[]time.Duration{0, 900 * ms, 950 * ms, 1100 * ms, 2000 * ms}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			if got := measure.Most(c.starts, time.Second); got != c.want {
				t.Errorf("Most returns %d, want %d", got, c.want)
			}
		})
	}
}
