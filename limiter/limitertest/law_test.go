package limitertest_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// TestLawAgainstBruteForce compares the one-pass check with a check of every period.
func TestLawAgainstBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := limiter.Limit{
			Tokens: rapid.Int64Range(1, 50).Draw(t, "tokens"), Per: time.Second,
			Burst: rapid.Int64Range(1, 10).Draw(t, "burst"),
		}
		slack := time.Duration(rapid.IntRange(0, 100).Draw(t, "slack")) * time.Millisecond
		gaps := rapid.SliceOfN(rapid.IntRange(0, 60), 0, 40).Draw(t, "gaps")
		at, starts := time.Unix(0, 0), []time.Time{}
		for _, ms := range gaps {
			at = at.Add(time.Duration(ms) * time.Millisecond)
			starts = append(starts, at)
		}
		want := true
		for i := range starts {
			for j := i; j < len(starts); j++ {
				// Whole numbers: (n − burst)·1s ≤ tokens·(T + slack).
				n := int64(j - i + 1)
				if (n-l.Burst)*int64(time.Second) > l.Tokens*int64(starts[j].Sub(starts[i])+slack) {
					want = false
				}
			}
		}
		if err := limitertest.Law(starts, l, slack); (err == nil) != want {
			t.Fatalf("Law returned %v, but a check of every period says that the law is kept: %v", err, want)
		}
	})
}
