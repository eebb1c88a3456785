package upstream_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// message is what the tests read of an answer of Anthropic.
type message struct {
	Type       string
	StopReason string `json:"stop_reason"`
	Message    string
	Error      struct{ Type, Message string }
	Usage      struct {
		InputTokens     int64 `json:"input_tokens"`
		OutputTokens    int64 `json:"output_tokens"`
		CacheReadTokens int64 `json:"cache_read_input_tokens"`
	}
}

func used(t *testing.T, res *httptest.ResponseRecorder) upstream.Usage {
	t.Helper()
	var m message
	if err := json.Unmarshal(res.Body.Bytes(), &m); err != nil {
		t.Fatal(err)
	}
	return upstream.Usage{Input: m.Usage.InputTokens, Output: m.Usage.OutputTokens}
}

// claims sends a question of 100 tokens, whose answer may have 500, with simulation fields.
func claims(ctx context.Context, t *testing.T, h http.Handler, fields ...string) (int, message) {
	t.Helper()
	var m message
	body := fmt.Sprintf(`{"model":"claude-haiku-5-5","max_tokens":500,"messages":[{"role":"user","content":%q}]}`, strings.Repeat("q", 399))
	res := askContext(ctx, t, h, "POST", "/v1/messages", body, &m, append(fields, "X-Api-Key: k", "Anthropic-Version: 2023-06-01")...)
	return res.Code, m
}

// TestUsageIsCharged: the limits are charged the usage that the answer names, under every rule.
func TestUsageIsCharged(t *testing.T) {
	for _, rule := range []upstream.Charge{upstream.ChargeStart, upstream.ChargeEnd, upstream.ChargeHeld} {
		synctest.Test(t, func(t *testing.T) {
			cfg := tokenLimits(rule)
			cfg.Latency = upstream.Latency{Min: time.Second, Max: time.Second}
			cfg.Headers = []upstream.Dialect{upstream.HeadersAnthropic}
			sim := server(t, cfg)
			code, m := claims(t.Context(), t, sim, upstream.HeaderOutputTokens+": 300", upstream.HeaderCacheReadTokens+": 60", upstream.HeaderInputTokens+": 70")
			if code != 200 || m.Usage.InputTokens != 70 || m.Usage.CacheReadTokens != 60 || m.Usage.OutputTokens != 300 || m.StopReason != "end_turn" {
				t.Errorf("%s: status %d, answer %+v, want the usage that the request asked for", rule, code, m)
			}
			if got := sim.Stats(); got.InputTokens != 70 || got.OutputTokens != 300 {
				t.Errorf("%s: %d and %d tokens counted, want 70 and 300", rule, got.InputTokens, got.OutputTokens)
			}
			code, m = claims(t.Context(), t, sim, upstream.HeaderOutputTokens+": 501")
			if code != 200 || m.Usage.OutputTokens != 500 || m.StopReason != "max_tokens" {
				t.Errorf("%s: status %d, answer %+v, want the output cut at max_tokens", rule, code, m)
			}
			sim.Reset()
			if got := sim.Stats(); got.InputTokens != 0 || got.OutputTokens != 0 {
				t.Errorf("%s: stats %+v after a reset, want no tokens", rule, got)
			}
		})
	}
}

// TestTokenRefusals: each rule lets through what it has room for, and refuses the rest in the provider's own form.
func TestTokenRefusals(t *testing.T) {
	for rule, want := range map[upstream.Charge]struct {
		accepted int
		text     string
	}{
		upstream.ChargeStart: {3, "organization's rate limit of 600 output tokens per minute"},
		upstream.ChargeEnd:   {10, "organization's rate limit of 60 input tokens per minute"},
		upstream.ChargeHeld:  {2, "Too many tokens"},
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := tokenLimits(rule)
			cfg.Latency = upstream.Latency{Min: time.Minute, Max: time.Minute}
			sim := server(t, cfg)
			var refused []message
			accepted := 0
			verdicts := make(chan message, 12)
			for range 12 {
				go func() {
					code, m := claims(t.Context(), t, sim, upstream.HeaderOutputTokens+": 300")
					if code == 429 {
						m.Type = "refused"
					}
					verdicts <- m
				}()
			}
			for range 12 {
				if m := <-verdicts; m.Type == "refused" {
					refused = append(refused, m)
				} else {
					accepted++
				}
			}
			if accepted != want.accepted {
				t.Errorf("%s: %d calls accepted, want %d", rule, accepted, want.accepted)
			}
			for _, m := range refused {
				if !strings.Contains(m.Error.Message+m.Message, want.text) {
					t.Errorf("%s: refused with %+v, want %q", rule, m, want.text)
				}
			}
		})
	}
}

// TestHangUpCounts: if a client hangs up in the middle, the tokens that were produced until then count.
func TestHangUpCounts(t *testing.T) {
	for _, rule := range []upstream.Charge{upstream.ChargeStart, upstream.ChargeEnd, upstream.ChargeHeld} {
		synctest.Test(t, func(t *testing.T) {
			cfg := tokenLimits(rule)
			cfg.Latency = upstream.Latency{Min: 10 * time.Second, Max: 10 * time.Second}
			cfg.Headers = []upstream.Dialect{upstream.HeadersAnthropic}
			sim := server(t, cfg)
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
			defer cancel()
			if code, _ := claims(ctx, t, sim, upstream.HeaderOutputTokens+": 300"); code != 503 {
				t.Errorf("%s: status %d, want 503", rule, code)
			}
			if got := sim.Stats(); got.InputTokens != 100 || got.OutputTokens != 120 {
				t.Errorf("%s: %d and %d tokens, want 100, and 120 of the 300 in 4 of 10 seconds", rule, got.InputTokens, got.OutputTokens)
			}
		})
	}
}

// TestFailedCallsUseNoTokens: the limits are full again after a failed call, whether the client or the provider failed.
func TestFailedCallsUseNoTokens(t *testing.T) {
	for name, edit := range map[string]func(*upstream.Config) []string{
		"failure":    func(c *upstream.Config) []string { c.Failures = 1; return nil },
		"overloaded": func(c *upstream.Config) []string { c.Overloaded = 1; return nil },
		"stretch": func(c *upstream.Config) []string {
			c.Stretches = []upstream.Stretch{{API: upstream.Anthropic, Fault: upstream.Overloaded, Share: 1}}
			return nil
		},
		"bad field": func(*upstream.Config) []string { return []string{upstream.HeaderOutputTokens + ": many"} },
	} {
		synctest.Test(t, func(t *testing.T) {
			cfg := tokenLimits(upstream.ChargeHeld)
			fields := edit(&cfg)
			cfg.Headers = []upstream.Dialect{upstream.HeadersAnthropic}
			sim := server(t, cfg)
			for range 5 { // two of them would fill the limit
				if code, _ := claims(t.Context(), t, sim, fields...); code < 400 || code == 429 {
					t.Errorf("%s: status %d, want an error that is no refusal", name, code)
				}
			}
			if got := sim.Stats(); got.Refused != 0 || got.InputTokens != 0 || got.OutputTokens != 0 {
				t.Errorf("%s: stats %+v, want no refusal and no tokens", name, got)
			}
		})
	}
}

// TestOutputLength: the lengths of answers have the median and the spread of the configuration, and a seed repeats
// them.
func TestOutputLength(t *testing.T) {
	run := func(seed uint64) (lengths []int64) {
		cfg := roomy()
		cfg.Output, cfg.Seed = upstream.OutputLength{Median: 100, Sigma: 0.5}, seed
		sim := server(t, cfg)
		for range 1001 {
			_, m := claims(t.Context(), t, sim)
			lengths = append(lengths, m.Usage.OutputTokens)
		}
		return lengths
	}
	lengths := run(1)
	if !slices.Equal(lengths, run(1)) || slices.Equal(lengths, run(2)) {
		t.Error("lengths do not depend on the seed alone")
	}
	var squares float64
	for _, n := range lengths {
		squares += math.Pow(math.Log(float64(n)/100), 2)
	}
	slices.Sort(lengths)
	median, sigma := lengths[500], math.Sqrt(squares/1001)
	if median < 90 || median > 110 || sigma < 0.45 || sigma > 0.55 || lengths[1000] > 500 {
		t.Errorf("median %d, sigma %.2f, longest %d; want about 100 and 0.5, at most 500", median, sigma, lengths[1000])
	}
}
