package evidence_test

import (
	"fmt"
	"net/http"
	"time"

	"github.com/weir-go/weir/worker/evidence"
)

// What does an answer say about the limits of its provider? Each provider has fields of its own.
func ExampleRead() {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, answer := range []struct {
		status int
		header http.Header
	}{
		{429, http.Header{"Retry-After": {"7"}}},
		{200, http.Header{"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Remaining": {"12"}, "X-Ratelimit-Reset": {"30"}}},
		{403, http.Header{"X-Ratelimit-Limit": {"60"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {"30"}}}, // as GitHub answers
		{529, http.Header{}},
	} {
		a := evidence.Read(answer.status, answer.header, now)
		fmt.Printf("%d throttled %t, overloaded %t, wait %v", answer.status, a.Throttled, a.Overloaded, a.RetryAfter)
		for _, q := range a.Quotas {
			fmt.Printf(", left %d of %d, whole in %v", q.Remaining, q.Limit, q.Reset)
		}
		fmt.Println()
	}
	// Output:
	// 429 throttled true, overloaded false, wait 7s
	// 200 throttled false, overloaded false, wait 0s, left 12 of 60, whole in 30s
	// 403 throttled true, overloaded false, wait 30s, left 0 of 60, whole in 30s
	// 529 throttled false, overloaded true, wait 0s
}

// For how long does a provider ask to wait? Retry-After is a number of seconds or a date.
func ExampleRetryAfter() {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)
	for _, h := range []http.Header{
		{"Retry-After": {"120"}},
		{"Retry-After": {"Fri, 27 Nov 2026 12:01:30 GMT"}},
		{"Retry-After-Ms": {"250"}},
		{},
	} {
		fmt.Println(evidence.RetryAfter(h, now))
	}
	// Output:
	// 2m0s
	// 1m30s
	// 250ms
	// 0s
}
