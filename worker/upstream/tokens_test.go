package upstream_test

import (
	"testing"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

func usage(input, output int64) *upstream.Usage {
	return &upstream.Usage{Input: input, Output: output}
}

// tokenLimits are 100 calls at once and, under a rule, 60 input tokens and 600 output tokens a minute.
func tokenLimits(rule upstream.Charge) upstream.Config {
	return upstream.Config{
		Total: upstream.Limit{Rate: 1, Burst: 100},
		Tokens: upstream.TokenLimits{
			Input:  upstream.TokenLimit{PerMinute: 60, Burst: 1000},
			Output: upstream.TokenLimit{PerMinute: 600, Burst: 1000},
			Charge: rule,
		},
	}
}

func TestTokenTimelines(t *testing.T) {
	never := func(by string) upstream.Verdict { return upstream.Verdict{By: by, Never: true} }
	second := time.Second
	call := upstream.Call{Input: 100, CacheRead: 300, Output: 200, MaxTokens: 500}
	both := tokenLimits(upstream.ChargeHeld)
	both.Tokens = upstream.TokenLimits{Total: upstream.TokenLimit{PerMinute: 60, Burst: 1000}, Charge: upstream.ChargeHeld}
	// What is left: input tokens, output tokens, calls.
	for _, tc := range []struct {
		name string
		cfg  upstream.Config
		rows []step
	}{
		{"start: the tokens of the answer are charged at once", tokenLimits(upstream.ChargeStart), []step{
			{at: 0, api: a, n: 5, call: call, want: yes(), left: []int64{500, 0, 95}},
			{at: 0, api: a, n: 9, call: call, want: no("output-tokens", 20*second), left: []int64{500, 0, 95}},
			{at: second, api: a, call: call, used: usage(80, 200), left: []int64{521, 10, 96}},  // the estimate was 20 too high
			{at: second, api: a, call: call, used: usage(150, 200), left: []int64{471, 10, 96}}, // and here 50 too low
			{at: second, api: a, call: call, used: usage(100, 50), left: []int64{471, 160, 96}}, // the client hung up
			{at: 5 * second, api: a, call: call, want: yes(), left: []int64{375, 0, 99}},
			{at: 5 * second, api: s, want: yes(), left: []int64{98}}, // other APIs have no limits of tokens
		}},
		{"end: charged when it has come, into debt", tokenLimits(upstream.ChargeEnd), []step{
			{at: 0, api: a, n: 6, call: call, want: yes(), left: []int64{400, 1000, 94}},
			{at: 0, api: a, n: 4, call: call, used: usage(100, 200), left: []int64{400, 200, 94}},
			{at: 0, api: a, n: 2, call: call, used: usage(100, 200), left: []int64{400, 0, 94}},
			{at: 0, api: a, call: call, want: no("output-tokens", 20*second+100*ms), left: []int64{400, 0, 94}},
			{at: 20 * second, api: a, call: call, want: no("output-tokens", 100*ms)},
			{at: 20*second + 100*ms, api: a, call: call, want: yes(), left: []int64{320, 1, 99}},
		}},
		{"held: max_tokens and cache reads are held until the end", tokenLimits(upstream.ChargeHeld), []step{
			{at: 0, api: a, n: 2, call: call, want: yes(), left: []int64{200, 0, 98}},
			{at: 0, api: a, call: call, want: no("input-tokens", 200*second), left: []int64{200, 0, 98}},
			{at: 0, api: a, call: call, used: usage(100, 200), left: []int64{500, 300, 98}},
			{at: 20 * second, api: a, call: call, want: yes(), left: []int64{120, 0, 99}},
		}},
		{"held: one limit of both", both, []step{
			{at: 0, api: a, call: call, want: yes(), left: []int64{100, 99}},
			{at: 0, api: a, call: call, want: no("tokens", 800*second)},
			{at: 0, api: a, call: call, used: usage(100, 200), left: []int64{700, 99}},
		}},
		{"a call that a limit of calls refuses costs no tokens", upstream.Config{
			Total: upstream.Limit{Rate: 1, Burst: 1}, Tokens: tokenLimits("").Tokens,
		}, []step{
			{at: 0, api: a, call: call, want: yes(), left: []int64{900, 800, 0}},
			{at: 0, api: a, n: 5, call: call, want: no("total", second), left: []int64{900, 800, 0}},
		}},
		{"a call that no full bucket holds", tokenLimits(upstream.ChargeStart), []step{
			{at: 0, api: a, call: upstream.Call{Input: 1001}, want: never("input-tokens"), left: []int64{1000, 1000, 100}},
			{at: 0, api: a, call: upstream.Call{Input: 1 << 62}, want: never("input-tokens")},
			{at: 0, api: a, call: upstream.Call{Input: 1000, Output: 1000}, want: yes(), left: []int64{0, 0, 99}},
		}},
		{"returned tokens fill the bucket at most", tokenLimits(upstream.ChargeHeld), []step{
			{at: 0, api: a, call: upstream.Call{MaxTokens: 600}, want: yes(), left: []int64{1000, 400, 99}},
			{at: time.Hour, api: a, call: upstream.Call{MaxTokens: 600}, used: usage(0, 100), left: []int64{1000, 1000, 100}},
			{at: time.Hour, api: a, call: upstream.Call{MaxTokens: 1000}, want: yes(), left: []int64{1000, 0, 99}},
		}},
		{"a debt has a bottom", tokenLimits(upstream.ChargeEnd), []step{
			{at: 0, api: a, call: upstream.Call{}, used: usage(0, 1<<62), left: []int64{1000, 0, 100}},
			{at: 0, api: a, call: upstream.Call{}, used: usage(0, 1<<62), left: []int64{1000, 0, 100}},
			{at: 2000 * time.Hour, api: a, want: yes(), left: []int64{1000, 1000, 99}},
		}},
		{"strangers use tokens too", upstream.Config{
			Total: upstream.Limit{Rate: 1, Burst: 100}, Tokens: tokenLimits(upstream.ChargeStart).Tokens,
			Strangers: []upstream.Strangers{{API: a, Rate: 1, Call: upstream.Call{Input: 10, Output: 110}}},
		}, []step{
			{at: 0, api: a, left: []int64{990, 890, 98}, want: yes()},
			{at: 3 * second, api: a, left: []int64{963, 590, 97}, want: yes()},
		}},
	} {
		t.Run(tc.name, func(t *testing.T) { play(t, tc.cfg, tc.rows) })
	}
}
