package evidence_test

import (
	"net/http"
	"testing"

	"github.com/weir-go/weir/worker/evidence"
)

// usual are the headers of an answer without fields about limits.
func usual() http.Header {
	return header("Date: Mon, 23 Nov 2026 12:00:00 GMT\nContent-Type: application/json\nContent-Length: 512\nServer: nginx\nX-Request-Id: abc\nVary: Accept\n" +
		"Cache-Control: no-store\nStrict-Transport-Security: max-age=1\nAccess-Control-Allow-Origin: *\nX-Frame-Options: DENY\nReferrer-Policy: no-referrer\nAge: 0\nX-Robots-Tag: none")
}

func TestUsualAnswerAllocatesNothing(t *testing.T) {
	h := usual()
	for _, status := range []int{http.StatusOK, http.StatusTooManyRequests} {
		if n := testing.AllocsPerRun(100, func() { evidence.Read(status, h, noon) }); n != 0 {
			t.Errorf("status %d: %v allocations, want none", status, n)
		}
	}
}

func BenchmarkRead(b *testing.B) {
	with := func(lines string) http.Header {
		h := usual()
		for key, values := range header(lines) {
			h[http.CanonicalHeaderKey(key)] = values
		}
		return h
	}
	for name, h := range map[string]http.Header{
		"none":      usual(),
		"github":    with("x-ratelimit-limit: 5000\nx-ratelimit-remaining: 4987\nx-ratelimit-reset: 1795436100\nx-ratelimit-resource: core\nx-ratelimit-used: 13"),
		"draft":     with("RateLimit-Policy: \"burst\";q=100;w=60\nRateLimit: \"burst\";r=50;t=30"),
		"anthropic": with("anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 49\nanthropic-ratelimit-requests-reset: 2026-11-23T12:00:01Z\nanthropic-ratelimit-tokens-limit: 50\nanthropic-ratelimit-tokens-remaining: 49\nanthropic-ratelimit-tokens-reset: 2026-11-23T12:00:01Z"),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				evidence.Read(http.StatusOK, h, noon)
			}
		})
	}
}
