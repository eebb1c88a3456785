package upstream_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct {
		names string // what the error has to name
		spoil func(*upstream.Config)
	}{
		{"total rate is 0", func(c *upstream.Config) { c.Total.Rate = 0 }},
		{"total rate is 0", func(c *upstream.Config) { *c = upstream.Config{} }},
		{"total rate is -40", func(c *upstream.Config) { c.Total.Rate = -40 }},
		{"total rate is NaN", func(c *upstream.Config) { c.Total.Rate = math.NaN() }},
		{"total rate is +Inf", func(c *upstream.Config) { c.Total.Rate = math.Inf(1) }},
		{"total rate is -Inf", func(c *upstream.Config) { c.Total.Rate = math.Inf(-1) }},
		{"total rate is 1e+300", func(c *upstream.Config) { c.Total.Rate = 1e300 }},
		{"total rate is 1.000001e+06", func(c *upstream.Config) { c.Total.Rate = 1_000_001 }},
		{"total rate is 0.0001", func(c *upstream.Config) { c.Total.Rate = 0.0001 }},
		{"total rate is 0.3333333333333333", func(c *upstream.Config) { c.Total.Rate = 1. / 3 }},
		{"total burst is 0", func(c *upstream.Config) { c.Total.Burst = 0 }},
		{"total burst is -1", func(c *upstream.Config) { c.Total.Burst = -1 }},
		{"total burst is 9223372036854775807", func(c *upstream.Config) { c.Total.Burst = math.MaxInt64 }},
		{"slack is -1ns", func(c *upstream.Config) { c.Slack = -1 }},
		{"slack is 5.000000001s", func(c *upstream.Config) { c.Slack = 5*time.Second + 1 }},
		{"total window count is 0", func(c *upstream.Config) { c.Total.Window.Per = time.Second }},
		{"total window count is -3", func(c *upstream.Config) { c.Total.Window = upstream.Window{N: -3, Per: time.Second} }},
		{"total window count is 1000001", func(c *upstream.Config) { c.Total.Window = upstream.Window{N: 1_000_001, Per: time.Second} }},
		{"total window length is 50ms", func(c *upstream.Config) { c.Total.Window = upstream.Window{N: 1, Per: 50 * ms} }},
		{"total window length is 0s", func(c *upstream.Config) { c.Total.Window.N = 1 }},
		{"total window length is 768h0m0s", func(c *upstream.Config) { c.Total.Window = upstream.Window{N: 1, Per: 32 * 24 * time.Hour} }},
		{"lastfm rate is 0", func(c *upstream.Config) { c.PerAPI = limits("lastfm", upstream.Limit{Burst: 5}) }},
		{"spotify burst is 0", func(c *upstream.Config) { c.PerAPI = limits("spotify", upstream.Limit{Rate: 5}) }},
		{"spotify rate is NaN", func(c *upstream.Config) { c.PerAPI = limits("spotify", upstream.Limit{Rate: math.NaN()}) }},
		{`api "deezer"`, func(c *upstream.Config) { c.PerAPI = limits("deezer", upstream.Limit{Rate: 5, Burst: 5}) }},
		{"latency is -1ns to 300ms", func(c *upstream.Config) { c.Latency.Min = -1 }},
		{"latency is 50ms to 10ms", func(c *upstream.Config) { c.Latency.Max = 10 * ms }},
		{"latency is 50ms to 1h0m0s", func(c *upstream.Config) { c.Latency.Max = time.Hour }},
		{"failures is 1.5", func(c *upstream.Config) { c.Failures = 1.5 }},
		{"failures is NaN", func(c *upstream.Config) { c.Failures = math.NaN() }},
		{"overloaded is -0.1", func(c *upstream.Config) { c.Overloaded = -0.1 }},
		{"input-tokens per minute is 0", func(c *upstream.Config) { c.Tokens.Input.Burst = 5 }},
		{"output-tokens per minute is 10000001", func(c *upstream.Config) { c.Tokens.Output = upstream.TokenLimit{PerMinute: 10_000_001, Burst: 1} }},
		{"tokens burst is -1", func(c *upstream.Config) { c.Tokens.Total = upstream.TokenLimit{PerMinute: 1, Burst: -1} }},
		{`charge is "never"`, func(c *upstream.Config) { c.Tokens.Charge = "never" }},
		{"output median is 0", func(c *upstream.Config) { c.Output.Sigma = 1 }},
		{"output median is -1", func(c *upstream.Config) { c.Output.Median = -1 }},
		{"output sigma is NaN", func(c *upstream.Config) { c.Output = upstream.OutputLength{Median: 1, Sigma: math.NaN()} }},
		{"output sigma is 3.1", func(c *upstream.Config) { c.Output = upstream.OutputLength{Median: 1, Sigma: 3.1} }},
		{`dialect "x"`, func(c *upstream.Config) { c.Headers = []upstream.Dialect{"x"} }},
		{"[x-seconds x-epoch] write the same field", func(c *upstream.Config) {
			c.Headers = []upstream.Dialect{upstream.HeadersXSeconds, upstream.HeadersIETF, upstream.HeadersXEpoch}
		}},
		{"[ietf ietf-list] write the same field", func(c *upstream.Config) {
			c.Headers = []upstream.Dialect{upstream.HeadersIETF, upstream.HeadersIETFList}
		}},
		{"retry-after of lastfm is -1ns", func(c *upstream.Config) { c.RetryAfter = map[upstream.API]time.Duration{"lastfm": -1} }},
		{`api "deezer" of retry-after`, func(c *upstream.Config) { c.RetryAfter = map[upstream.API]time.Duration{"deezer": 1} }},
		{"schedule change 0 is at 0s", func(c *upstream.Config) { c.Schedule = []upstream.Change{{Limit: c.Total}} }},
		{"schedule change 1 is at 1s", func(c *upstream.Config) {
			c.Schedule = []upstream.Change{{At: time.Second, Limit: c.Total}, {At: time.Second, Limit: c.Total}}
		}},
		{"schedule change 0 rate is 0", func(c *upstream.Config) { c.Schedule = []upstream.Change{{At: 1}} }},
		{"strangers 0 rate is 1001", func(c *upstream.Config) { c.Strangers = []upstream.Strangers{{API: "spotify", Rate: 1001}} }},
		{`api "" of strangers 0`, func(c *upstream.Config) { c.Strangers = []upstream.Strangers{{Rate: 1}} }},
		{"strangers 0 ends at 1s", func(c *upstream.Config) {
			c.Strangers = []upstream.Strangers{{API: "spotify", Rate: 1, From: time.Second, To: time.Second}}
		}},
		{"strangers 0 tokens are", func(c *upstream.Config) {
			c.Strangers = []upstream.Strangers{{API: "anthropic", Rate: 1, Call: upstream.Call{Output: -1}}}
		}},
		{"stretch 0 begins at -1s", func(c *upstream.Config) {
			c.Stretches = []upstream.Stretch{{API: "spotify", Fault: "refused", Share: 1, From: -time.Second}}
		}},
		{`stretch 0 fault is "overloaded"`, func(c *upstream.Config) {
			c.Stretches = []upstream.Stretch{{API: "spotify", Fault: "overloaded", Share: 1}}
		}},
		{"stretch 0 share is 0", func(c *upstream.Config) { c.Stretches = []upstream.Stretch{{API: "spotify", Fault: "refused"}} }},
		{"failures + overloaded is 1.5", func(c *upstream.Config) { c.Failures, c.Overloaded = 0.75, 0.75 }},
	} {
		cfg := upstream.Default()
		tc.spoil(&cfg)
		s, err := upstream.New(cfg)
		switch {
		case err == nil || s != nil:
			t.Errorf("%s: accepted", tc.names)
		case !strings.Contains(err.Error(), tc.names), !strings.HasPrefix(err.Error(), "upstream: "), strings.Contains(err.Error(), "\n"):
			t.Errorf("error %q, want one line that names %q", err, tc.names)
		}
	}
}

func limits(api upstream.API, l upstream.Limit) map[upstream.API]upstream.Limit {
	return map[upstream.API]upstream.Limit{api: l}
}

func TestNewAccepts(t *testing.T) {
	for name, cfg := range map[string]upstream.Config{
		"default":  upstream.Default(),
		"smallest": {Total: upstream.Limit{Rate: 0.001, Burst: 1}},
		"largest":  {Total: upstream.Limit{Rate: 1_000_000, Burst: 1_000_000}, Slack: 5 * time.Second},
		"decimals": {Total: upstream.Limit{Rate: 33.3, Burst: 1}, PerAPI: limits(upstream.LastFM, upstream.Limit{Rate: 4.999, Burst: 5})},
		"window of one API": {
			Total:  upstream.Limit{Rate: 40, Burst: 40},
			PerAPI: limits(upstream.Spotify, upstream.Limit{Window: upstream.Window{N: 180, Per: 30 * time.Second}}),
		},
		"a window alone": {Total: upstream.Limit{Window: upstream.Window{N: 1, Per: 1}}},
		"tokens": {Total: upstream.Limit{Rate: 40, Burst: 40}, Slack: 5 * time.Second, Tokens: upstream.TokenLimits{
			Input: upstream.TokenLimit{PerMinute: 1, Burst: 1}, Output: upstream.TokenLimit{PerMinute: 10_000_000, Burst: 10_000_000},
		}},
		"a header of each field": {Total: upstream.Limit{Rate: 40, Burst: 40}, Headers: []upstream.Dialect{
			upstream.HeadersAnthropic, upstream.HeadersXEpoch, upstream.HeadersIETF, upstream.HeadersIETFWindow, upstream.RetryIMF, upstream.RetryMS,
		}},
		"nothing but errors": {Total: upstream.Limit{Rate: 40, Burst: 40}, Failures: 0.5, Overloaded: 0.5},
	} {
		if _, err := upstream.New(cfg); err != nil {
			t.Errorf("%s: error %v, want it accepted", name, err)
		}
	}
}
