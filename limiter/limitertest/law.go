package limitertest

import (
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Law checks starts against a limit. In every window of length T at most burst + rate·(T + slack) calls may start. For
// a window limit, at most its tokens may start in any period of its length, less slack. Law returns nil, or an error
// that names the worst case. Each start costs one token.
//
// With v(i) = i − rate·t(i) over the sorted starts, a window from the i-th to the j-th keeps the law when v(j) − v(i) +
// 1 ≤ burst + rate·slack. So one pass that remembers the smallest v checks every window. Arithmetic is exact.
func Law(starts []time.Time, l limiter.Limit, slack time.Duration) error {
	if len(starts) == 0 {
		return nil
	}
	starts = slices.Clone(starts)
	slices.SortFunc(starts, time.Time.Compare)
	if l.Window {
		return windowLaw(starts, l, slack)
	}
	rate := big.NewRat(l.Tokens, int64(l.Per))
	times := func(d time.Duration) *big.Rat { return new(big.Rat).Mul(rate, new(big.Rat).SetInt64(int64(d))) }
	allowed := new(big.Rat).Add(new(big.Rat).SetInt64(l.Burst), times(slack))

	var least *big.Rat
	var from int
	for j, t := range starts {
		v := new(big.Rat).Sub(new(big.Rat).SetInt64(int64(j)), times(t.Sub(starts[0])))
		if least == nil || v.Cmp(least) < 0 {
			least, from = v, j
		}
		used := new(big.Rat).Sub(v, least)
		used.Add(used, big.NewRat(1, 1))
		if used.Cmp(allowed) > 0 {
			over, _ := new(big.Rat).Sub(used, allowed).Float64()
			return fmt.Errorf("limitertest: %d calls started within %v, %.3f above the law of %v with %v of slack",
				j-from+1, t.Sub(starts[from]), over, l, slack)
		}
	}
	return nil
}

// windowLaw checks that each start and the start Tokens earlier are a window apart.
func windowLaw(starts []time.Time, l limiter.Limit, slack time.Duration) error {
	for j := int(l.Tokens); j < len(starts); j++ {
		if apart := starts[j].Sub(starts[j-int(l.Tokens)]); apart < l.Per-slack {
			return fmt.Errorf("limitertest: %d calls started within %v, the law is %v with %v of slack", l.Tokens+1, apart, l, slack)
		}
	}
	return nil
}
