package limiter_test

import (
	"math"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// TestSlowLimitsKeepTheirTokens: if a faster limit of its bucket shuts the bucket, a slow limit keeps its tokens, whoever shuts
// the bucket and for however long. No call starts meanwhile, and then calls start at the rate of the fast limit. A slow limit
// that is alone shuts its bucket itself, and loses its tokens.
func TestSlowLimitsKeepTheirTokens(t *testing.T) {
	day := limiter.Limit{Tokens: 1000, Per: 24 * time.Hour, Burst: 1000}
	hold := func(d time.Duration) func(*testing.T, *limiter.Limiter) {
		return func(t *testing.T, l *limiter.Limiter) {
			if err := l.Report(t.Context(), "global", limiter.Throttled{RetryAfter: d}); err != nil {
				t.Fatal(err)
			}
		}
	}
	pause := func(d, resumed time.Duration) func(*testing.T, *limiter.Limiter) {
		return func(t *testing.T, l *limiter.Limiter) {
			if err := l.Pause(t.Context(), "global", d); err != nil {
				t.Fatal(err)
			}
			if resumed > 0 {
				time.AfterFunc(resumed, func() {
					if err := l.Resume(t.Context(), "global"); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
	second := limiter.PerSecond(10, 10)
	window := limiter.Limit{Tokens: 10, Per: time.Second, Window: true}
	hour := limiter.Limit{Tokens: 600, Per: time.Hour, Burst: 600}
	for _, c := range []struct {
		name   string
		limits []limiter.Limit
		shut   func(*testing.T, *limiter.Limiter)
		length time.Duration
		cost   int64
		keeps  bool
	}{
		{"a hold of a second", []limiter.Limit{second, day}, hold(time.Second), time.Second, 1, true},
		{"the same, costs of 7", []limiter.Limit{second, day}, hold(time.Second), time.Second, 7, true},
		{"a hold of 5 s", []limiter.Limit{second, day}, hold(5 * time.Second), 5 * time.Second, 1, true},
		{"a hold of 20 s", []limiter.Limit{second, day}, hold(20 * time.Second), 20 * time.Second, 1, true},
		{"a hold of 2 min", []limiter.Limit{second, day}, hold(2 * time.Minute), 2 * time.Minute, 1, true},
		{"a pause of 3 s", []limiter.Limit{second, day}, pause(3*time.Second, 0), 3 * time.Second, 1, true},
		{"a pause that is resumed", []limiter.Limit{second, day}, pause(limiter.UntilResumed, 3*time.Second), 3 * time.Second, 1, true},
		{"a window and a day", []limiter.Limit{window, day}, hold(20 * time.Second), 20 * time.Second, 1, true},
		{"a window and a day, a second", []limiter.Limit{window, day}, hold(time.Second), time.Second, 1, true},
		{"a second, an hour, a day", []limiter.Limit{second, hour, day}, hold(20 * time.Second), 20 * time.Second, 3, true},
		{"a day alone", []limiter.Limit{day}, hold(time.Second), time.Second, 1, false},
		{"an hour and a day", []limiter.Limit{hour, day}, hold(20 * time.Second), 20 * time.Second, 1, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			onFleets(t, limiter.Config{Buckets: map[string][]limiter.Limit{"global": c.limits}}, func(t *testing.T, fleet []*limiter.Limiter) {
				l := fleet[0]
				if err := l.WaitN(t.Context(), "global", c.cost); err != nil {
					t.Fatal(err)
				}
				before := slowTokens(t, l, c.limits)
				c.shut(t, l)
				begun := time.Now()
				if err := l.WaitN(t.Context(), "global", c.cost); err != nil && c.keeps {
					t.Fatal(err)
				}
				if took := time.Since(begun); took < c.length-limiter.DefaultHorizon/10 {
					t.Errorf("a call started %v after the bucket was shut for %v", took, c.length)
				}
				// Meanwhile the store removes its record of the time at which the bucket opened.
				if c.keeps {
					time.Sleep(3 * time.Minute)
				}
				for i, tokens := range slowTokens(t, l, c.limits) {
					kept := tokens >= before[i]-float64(c.cost)
					t.Logf("%s, %v: %.0f tokens before, %.0f after", c.name, c.limits[i], before[i], tokens)
					if slow := !math.IsInf(before[i], 1); slow && kept != c.keeps {
						t.Errorf("%v: %.0f tokens before, %.0f after, kept %t, want %t", c.limits[i], before[i], tokens, kept, c.keeps)
					}
				}
			}, 1, 3)
		})
	}
}

// slowTokens returns the tokens of each slow limit of the bucket global, infinite for the others.
func slowTokens(t *testing.T, l *limiter.Limiter, limits []limiter.Limit) []float64 {
	t.Helper()
	s, err := l.Snapshot(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	out := make([]float64, len(limits))
	for i, want := range limits {
		out[i] = math.Inf(1)
		for _, b := range s.Buckets {
			if b.Limit.Per == want.Per && want.Per > time.Minute {
				out[i] = b.Tokens - b.Debt
			}
		}
	}
	return out
}
