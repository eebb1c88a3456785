package upstream_test

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/weir-go/weir/worker/upstream"
)

// charge is tokens that a limit was charged at a time, negative where they were returned.
type charge struct {
	at time.Duration
	n  int64
}

// short reports whether n more tokens at now would break a limit in any window that ends there: whether what was
// charged in one of them is more than burst + rate·(length + slack). It keeps no state except the charges.
func short(l upstream.TokenLimit, slack time.Duration, charges []charge, now time.Duration, n int64) bool {
	over := func(span time.Duration, sum int64) bool {
		// Divided instead of multiplied: the refill of a day at a high rate does not fit 63 bits.
		excess := int64(time.Minute) * (sum - l.Burst)
		return excess > 0 && int64(span+slack) < (excess+l.PerMinute-1)/l.PerMinute
	}
	if over(0, n) {
		return true
	}
	for _, c := range slices.Backward(charges) {
		if n += c.n; over(now-c.at, n) {
			return true
		}
	}
	return false
}

// tokenLaw is one limit of tokens by the provider's rule: the tokens that a call needs at its start, that it is charged
// then, and that it costs in the end.
type tokenLaw struct {
	limit               upstream.TokenLimit
	needs, takes, costs func(upstream.Call, upstream.Usage) int64
	charges             []charge
}

func lawsOfTokens(t upstream.TokenLimits) []*tokenLaw {
	in := func(c upstream.Call, _ upstream.Usage) int64 { return c.Input }
	out := func(c upstream.Call, _ upstream.Usage) int64 { return c.Output }
	needs := out
	switch t.Charge {
	case upstream.ChargeEnd:
		out = func(upstream.Call, upstream.Usage) int64 { return 0 }
		needs = func(upstream.Call, upstream.Usage) int64 { return 1 }
	case upstream.ChargeHeld:
		in = func(c upstream.Call, _ upstream.Usage) int64 { return c.Input + c.CacheRead }
		out = func(c upstream.Call, _ upstream.Usage) int64 { return c.MaxTokens }
		needs = out
	}
	usedIn := func(_ upstream.Call, u upstream.Usage) int64 { return u.Input }
	usedOut := func(_ upstream.Call, u upstream.Usage) int64 { return u.Output }
	sum := func(a, b func(upstream.Call, upstream.Usage) int64) func(upstream.Call, upstream.Usage) int64 {
		return func(c upstream.Call, u upstream.Usage) int64 { return a(c, u) + b(c, u) }
	}
	return slices.DeleteFunc([]*tokenLaw{
		{t.Input, in, in, usedIn, nil},
		{t.Output, needs, out, usedOut, nil},
		{t.Total, sum(in, needs), sum(in, out), sum(usedIn, usedOut), nil},
	}, func(l *tokenLaw) bool { return l.limit == upstream.TokenLimit{} })
}

func drawTokens(t *rapid.T, name string, required bool) (l upstream.TokenLimit) {
	if required || rapid.Bool().Draw(t, name+" is limited") {
		l.PerMinute = rapid.Int64Range(1, 100_000).Draw(t, name+" per minute")
		l.Burst = rapid.Int64Range(1, 3000).Draw(t, name+" burst")
	}
	return l
}

// TestTokensKeepTheLaw compares every verdict with the charges, counted again over all windows. An accepted call breaks
// no limit in any window, a refused call would have, and the wait is exactly the time until it would not.
func TestTokensKeepTheLaw(t *testing.T) {
	for _, rule := range []upstream.Charge{upstream.ChargeStart, upstream.ChargeEnd, upstream.ChargeHeld} {
		t.Run(string(rule), func(t *testing.T) {
			var accepted, refused int
			rapid.Check(t, func(t *rapid.T) {
				slack := time.Duration(rapid.Int64Range(0, int64(100*ms)).Draw(t, "slack"))
				cfg := upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 1000}, Slack: slack, Tokens: upstream.TokenLimits{
					Input: drawTokens(t, "input", false), Output: drawTokens(t, "output", true), Total: drawTokens(t, "total", false), Charge: rule,
				}}
				j, err := upstream.NewJudge(cfg)
				if err != nil {
					t.Fatal(err)
				}
				laws := lawsOfTokens(cfg.Tokens)
				broken := func(c upstream.Call, now time.Duration) bool {
					return slices.ContainsFunc(laws, func(l *tokenLaw) bool {
						return short(l.limit, slack, l.charges, now, l.needs(c, upstream.Usage{}))
					})
				}
				var (
					now, last time.Duration
					under     []upstream.Call
				)
				for range rapid.IntRange(30, 120).Draw(t, "steps") {
					switch rapid.IntRange(0, 4).Draw(t, "step") {
					case 1:
						now += time.Duration(rapid.Int64Range(0, int64(time.Second)).Draw(t, "gap"))
					case 2:
						now += time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "gap"))
					case 3: // at the end of its wait, or just before
						now += max(0, last-time.Duration(rapid.Int64Range(0, 1).Draw(t, "early")))
					case 4: // one ends
						if len(under) == 0 {
							continue
						}
						i := rapid.IntRange(0, len(under)-1).Draw(t, "which")
						c := under[i]
						under = slices.Delete(under, i, i+1)
						used := upstream.Usage{
							Input:  rapid.Int64Range(0, 2*c.Input).Draw(t, "input used"),
							Output: rapid.Int64Range(0, c.Output).Draw(t, "output used"),
						}
						j.End(upstream.Anthropic, now, c, used)
						for _, l := range laws {
							l.charges = append(l.charges, charge{now, l.costs(c, used) - l.takes(c, used)})
						}
						continue
					}
					c := upstream.Call{
						Input:     rapid.Int64Range(0, 1000).Draw(t, "input"),
						CacheRead: rapid.Int64Range(0, 500).Draw(t, "cached"),
						MaxTokens: rapid.Int64Range(1, 1000).Draw(t, "max_tokens"),
					}
					c.Output = rapid.Int64Range(1, c.MaxTokens).Draw(t, "output")
					v := j.Arrive(upstream.Anthropic, now, c)
					if broken(c, now) == v.OK {
						t.Fatalf("%+v at %v: %+v, but accepting it breaks a limit: %t", c, now, v, !v.OK)
					}
					last = v.RetryAfter
					switch {
					case v.OK:
						accepted++
						under = append(under, c)
						for _, l := range laws {
							l.charges = append(l.charges, charge{now, l.takes(c, upstream.Usage{})})
						}
					case v.Never:
						refused++
						if !broken(c, now+10_000*time.Hour) {
							t.Fatalf("%+v at %v: never accepted, but it breaks no limit later", c, now)
						}
					default:
						refused++
						if broken(c, now+last) || !broken(c, now+last-1) {
							t.Fatalf("%+v at %v: %+v, which is not when it would break no limit", c, now, v)
						}
					}
				}
			})
			t.Logf("%d calls accepted, %d refused", accepted, refused)
			if accepted == 0 || refused == 0 {
				t.Error("the walk does not reach both verdicts")
			}
		})
	}
}
