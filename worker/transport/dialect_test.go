package transport_test

import (
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// TestEachDialectSlowsTheFleet: from the headers alone, without a refusal, fewer calls start in the next seconds. Each dialect says that two
// calls of the quota remain.
func TestEachDialectSlowsTheFleet(t *testing.T) {
	for name, headers := range map[string]string{
		"nothing":                        "",
		"the draft":                      "RateLimit-Policy: \"p\";q=40;w=1\nRateLimit: \"p\";r=2;t=1",
		"the draft, version 7":           "RateLimit: limit=40, remaining=2, reset=1\nRateLimit-Policy: 40;w=1",
		"the draft, version 6":           "RateLimit-Limit: 40\nRateLimit-Remaining: 2\nRateLimit-Reset: 1\nRateLimit-Policy: 40;w=1",
		"the draft, version 3":           "RateLimit-Limit: 40, 40;w=1\nRateLimit-Remaining: 2\nRateLimit-Reset: 1",
		"X-RateLimit, seconds":           "X-RateLimit-Limit: 40\nX-RateLimit-Remaining: 2\nX-RateLimit-Reset: 1",
		"X-RateLimit, Unix time":         "X-RateLimit-Limit: 40\nX-RateLimit-Remaining: 2\nX-RateLimit-Reset: 1795436100",
		"X-RateLimit, RFC 3339":          "X-RateLimit-Limit: 40\nX-RateLimit-Remaining: 2\nX-RateLimit-Reset: 2026-11-23T12:00:01Z",
		"X-Rate-Limit":                   "X-Rate-Limit-Limit: 40\nX-Rate-Limit-Remaining: 2\nX-Rate-Limit-Reset: 1795436100",
		"X-RateLimit, a bucket by name":  "X-RateLimit-Limit: 40\nX-RateLimit-Remaining: 2\nX-RateLimit-Reset-After: 1.25\nX-RateLimit-Bucket: abcd1234",
		"X-RateLimit, by unit, duration": "x-ratelimit-limit-requests: 40\nx-ratelimit-remaining-requests: 2\nx-ratelimit-reset-requests: 6m0s\nx-ratelimit-limit-tokens: 1000\nx-ratelimit-remaining-tokens: 999",
		"X-RateLimit, requests":          "X-RateLimit-Requests-Limit: 40\nX-RateLimit-Requests-Remaining: 2\nX-RateLimit-Requests-Reset: 1",
		"Anthropic":                      "anthropic-ratelimit-requests-limit: 40\nanthropic-ratelimit-requests-remaining: 2\nanthropic-ratelimit-requests-reset: 2026-11-23T12:00:01Z",
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := memory(t, limiter.Config{Buckets: map[string][]limiter.Limit{"spotify": {limiter.PerSecond(40, 40)}}})
				header := map[string]string{}
				for line := range strings.Lines(headers) {
					name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
					header[http.CanonicalHeaderKey(name)] = value
				}
				rt := transport.New(answering(200, header), l, "spotify")
				calls := 0
				for begun := time.Now(); time.Since(begun) < 2*time.Second; calls++ {
					send(t, t.Context(), rt, 200)
					time.Sleep(time.Millisecond)
				}
				t.Logf("%d calls in two seconds", calls)
				if slow := calls < 60; slow != (name != "nothing") {
					t.Errorf("%d calls started in two seconds; without headers they are 120", calls)
				}
			})
		})
	}
}
