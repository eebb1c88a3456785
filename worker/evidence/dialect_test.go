package evidence_test

import (
	"testing"
	"time"

	"github.com/weir-go/weir/worker/evidence"
)

const (
	sec    = time.Second
	minute = time.Minute
)

// TestDialects has a row for each form in which servers describe their limits.
func TestDialects(t *testing.T) {
	check(t, []row{
		{name: "nothing", header: "Content-Type: text/html\nDate: Mon, 23 Nov 2026 12:00:00 GMT"},
		{
			name:   "the draft",
			header: "RateLimit-Policy: \"burst\";q=100;w=60, \"day\";q=5000;qu=\"content-bytes\";w=86400;pk=:YTti:\nRateLimit: \"burst\";r=50;t=30, \"day\";r=4999",
			want: quotas(quota("burst", 100, 50, 30*sec, minute),
				evidence.Quota{Name: "day", Unit: "content-bytes", Limit: 5000, Remaining: 4999, Window: 24 * time.Hour}),
		},
		{name: "the draft, blanks behind the semicolon", header: `RateLimit: "100-in-15min"; r=99; t=900`, want: quotas(quota("100-in-15min", -1, 99, 15*minute, 0))},
		{name: "the draft, one line a member", header: "RateLimit: \"a\";r=1;t=1\nRateLimit: \"b\";r=2;t=2", want: quotas(quota("a", -1, 1, sec, 0), quota("b", -1, 2, 2*sec, 0))},
		{name: "the draft, a token for a name", header: `Ratelimit: default;r=3;t=4`, want: quotas(quota("default", -1, 3, 4*sec, 0))},
		{name: "the draft, a policy alone", header: `RateLimit-Policy: "p";q=10;w=1`, want: quotas(quota("p", 10, -1, 0, sec))},
		{name: "version 7", header: "RateLimit: limit=100, remaining=50, reset=30\nRateLimit-Policy: 100;w=60", want: quotas(quota("", 100, 50, 30*sec, minute))},
		{name: "version 6", header: "RateLimit-Limit: 100\nRateLimit-Remaining: 50\nRateLimit-Reset: 30\nRateLimit-Policy: 100;w=60;comment=\"a, b\"", want: quotas(quota("", 100, 50, 30*sec, minute))},
		{name: "version 3, two policies", header: "RateLimit-Limit: 10, 10;w=1, 1000;w=3600\nRateLimit-Remaining: 9\nRateLimit-Reset: 1", want: quotas(quota("", 10, 9, sec, sec), quota("", 1000, -1, 0, time.Hour))},
		{name: "version 3, one policy", header: "RateLimit-Limit: 100;w=60\nRateLimit-Remaining: 9", want: quotas(quota("", 100, 9, 0, minute))},
		{name: "Envoy", header: "X-RateLimit-Limit: 10, 10;w=1;name=\"per second\", 1000;w=3600;name=\"per hour\"\nX-RateLimit-Remaining: 9\nX-RateLimit-Reset: 1", want: quotas(quota("per second", 10, 9, sec, sec), quota("per hour", 1000, -1, 0, time.Hour))},
		{name: "GitHub", header: "X-RateLimit-Limit: 5000\nX-RateLimit-Remaining: 4987\nX-RateLimit-Reset: 1795436100\nX-RateLimit-Used: 13\nX-RateLimit-Resource: core", want: quotas(quota("core", 5000, 4987, 15*minute, 0))},
		{name: "milliseconds since 1970", header: "X-RateLimit-Remaining: 1\nX-RateLimit-Reset: 1795435201500", want: quotas(quota("", -1, 1, 1500*time.Millisecond, 0))},
		{name: "microseconds since 1970", header: "X-RateLimit-Remaining: 1\nX-RateLimit-Reset: 1795435201500000", want: quotas(quota("", -1, 1, 1500*time.Millisecond, 0))},
		{name: "nanoseconds since 1970", header: "X-RateLimit-Remaining: 1\nX-RateLimit-Reset: 1795435201500000000", want: quotas(quota("", -1, 1, 1500*time.Millisecond, 0))},
		{name: "X-Rate-Limit", header: "x-rate-limit-limit: 900\nx-rate-limit-remaining: 899\nx-rate-limit-reset: 1795436100", want: quotas(quota("", 900, 899, 15*minute, 0))},
		{name: "Discord", header: "X-RateLimit-Limit: 5\nX-RateLimit-Remaining: 4\nX-RateLimit-Reset: 1795435201.25\nX-RateLimit-Reset-After: 1.25\nX-RateLimit-Bucket: abcd1234", want: quotas(quota("abcd1234", 5, 4, 1250*time.Millisecond, 0))},
		{name: "Reddit", header: "x-ratelimit-remaining: 599.0\nx-ratelimit-used: 1\nx-ratelimit-reset: 420", want: quotas(quota("", -1, 599, 7*minute, 0))},
		{name: "MailerLite", header: "X-RateLimit-Limit: 60\nX-RateLimit-Remaining: 59\nX-RateLimit-Reset: 2026-11-23 12:00:42\nX-RateLimit-Retry-After: 42", want: evidence.Answer{RetryAfter: 42 * sec, Quotas: []evidence.Quota{quota("", 60, 59, 42*sec, 0)}}},
		{name: "Kong", header: "X-RateLimit-Limit-Minute: 20\nX-RateLimit-Remaining-Minute: 19\nX-RateLimit-Limit-Hour: 500\nX-RateLimit-Remaining-Hour: 499", want: quotas(quota("hour", 500, 499, 0, time.Hour), quota("minute", 20, 19, 0, minute))},
		{name: "RapidAPI", header: "X-RateLimit-Requests-Limit: 500\nX-RateLimit-Requests-Remaining: 499\nX-RateLimit-Requests-Reset: 86400", want: quotas(quota("requests", 500, 499, 24*time.Hour, 0))},
		{name: "OpenAI", header: "x-ratelimit-limit-requests: 60\nx-ratelimit-limit-tokens: 150000\nx-ratelimit-remaining-requests: 59\nx-ratelimit-remaining-tokens: 149984\nx-ratelimit-reset-requests: 1s\nx-ratelimit-reset-tokens: 6m0s", want: quotas(quota("requests", 60, 59, sec, 0), quota("tokens", 150000, 149984, 6*minute, 0))},
		{name: "a fast OpenAI", header: "x-ratelimit-reset-requests: 20ms\nx-ratelimit-reset-tokens: 2m59.56s", want: quotas(quota("requests", -1, -1, 20*time.Millisecond, 0), quota("tokens", -1, -1, 179560*time.Millisecond, 0))},
		{name: "Azure without a limit", header: "x-ratelimit-limit-tokens: -1\nx-ratelimit-remaining-tokens: -1\nx-ratelimit-reset-tokens: 0"},
		{
			name: "Anthropic",
			header: "anthropic-ratelimit-requests-limit: 50\nanthropic-ratelimit-requests-remaining: 49\nanthropic-ratelimit-requests-reset: 2026-11-23T12:00:01Z\n" +
				"anthropic-ratelimit-input-tokens-limit: 30000\nanthropic-ratelimit-input-tokens-remaining: 0\nanthropic-ratelimit-input-tokens-reset: 2026-11-23T13:01:00+01:00\n" +
				"anthropic-ratelimit-output-tokens-limit: 8000\nanthropic-ratelimit-output-tokens-remaining: 7000\nanthropic-ratelimit-output-tokens-reset: 2026-11-23T12:00:07.5Z\n" +
				"anthropic-ratelimit-tokens-limit: 38000\nanthropic-ratelimit-tokens-remaining: 7000\nanthropic-ratelimit-tokens-reset: 2026-11-23T12:01:00Z",
			want: quotas(quota("input-tokens", 30000, 0, minute, 0), quota("output-tokens", 8000, 7000, 7500*time.Millisecond, 0), quota("requests", 50, 49, sec, 0), quota("tokens", 38000, 7000, minute, 0)),
		},
	})
}

// TestRetryAfterForms has a row for each form of Retry-After.
func TestRetryAfterForms(t *testing.T) {
	for name, tc := range map[string]struct {
		header string
		want   time.Duration
	}{
		"seconds":                      {"Retry-After: 7", 7 * sec},
		"a fraction":                   {"Retry-After: 0.5", 500 * time.Millisecond},
		"blanks around":                {"Retry-After: \t 7 ", 7 * sec},
		"zeros before":                 {"Retry-After: 007", 7 * sec},
		"a duration":                   {"Retry-After: 1m30s", 90 * sec},
		"a date":                       {"Retry-After: Mon, 23 Nov 2026 12:01:30 GMT", 90 * sec},
		"a date of RFC 850":            {"Retry-After: Monday, 23-Nov-26 12:01:30 GMT", 90 * sec},
		"a date of asctime":            {"Retry-After: Mon Nov 23 12:01:30 2026", 90 * sec},
		"a time of RFC 3339":           {"Retry-After: 2026-11-23T12:01:30Z", 90 * sec},
		"Unix time":                    {"Retry-After: 1795435290", 90 * sec},
		"milliseconds":                 {"Retry-After-Ms: 350\nRetry-After: 1", 350 * time.Millisecond},
		"milliseconds, Azure":          {"x-ms-retry-after-ms: 350\nRetry-After: 1", 350 * time.Millisecond},
		"milliseconds, another server": {"X-Retry-After-Ms: 350.5", 350500 * time.Microsecond},
		"bad milliseconds":             {"Retry-After-Ms: soon\nRetry-After: 1", sec},
		"with X-":                      {"X-Retry-After: 9", 9 * sec},
		"without X- counts":            {"X-Retry-After: 9\nRetry-After: 7\nX-RateLimit-Retry-After: 11", 7 * sec},
		"of two with X-":               {"X-Retry-After: 9\nX-RateLimit-Retry-After: 11", 9 * sec},
		"none that can be read":        {"Retry-After: soon\nX-Retry-After: 9", 9 * sec},
		"zero":                         {"Retry-After: 0", 0},
		"the longest of several":       {"Retry-After: 3\nRetry-After: 11\nRetry-After: x\nRetry-After: 5", 11 * sec},
		"any case":                     {"rEtRy-aFtEr: 7", 7 * sec},
	} {
		t.Run(name, func(t *testing.T) {
			got := evidence.RetryAfter(header(tc.header), noon)
			t.Logf("\n%s\n=> %v", indented(tc.header), got)
			if read := evidence.Read(200, header(tc.header), noon).RetryAfter; got != tc.want || read != got {
				t.Errorf("RetryAfter %v, Read %v, want %v", got, read, tc.want)
			}
		})
	}
}

// TestStatus: the meaning of a status together with quotas.
func TestStatus(t *testing.T) {
	spent := "X-RateLimit-Limit: 60\nX-RateLimit-Remaining: 0\nX-RateLimit-Reset: 1795435500"
	left := "X-RateLimit-Limit: 60\nX-RateLimit-Remaining: 5\nX-RateLimit-Reset: 1795435500"
	none, some := quota("", 60, 0, 5*minute, 0), quota("", 60, 5, 5*minute, 0)
	check(t, []row{
		{name: "429", status: 429, want: evidence.Answer{Throttled: true}},
		{name: "429, nothing left", status: 429, header: spent, want: evidence.Answer{Throttled: true, RetryAfter: 5 * minute, Quotas: []evidence.Quota{none}}},
		{name: "429, Retry-After wins", status: 429, header: spent + "\nRetry-After: 2", want: evidence.Answer{Throttled: true, RetryAfter: 2 * sec, Quotas: []evidence.Quota{none}}},
		{name: "429, Retry-After of 0 wins", status: 429, header: spent + "\nRetry-After: 0", want: evidence.Answer{Throttled: true, Quotas: []evidence.Quota{none}}},
		{name: "429, something left", status: 429, header: left, want: evidence.Answer{Throttled: true, Quotas: []evidence.Quota{some}}},
		{name: "429, a reset alone", status: 429, header: "X-RateLimit-Reset: 30", want: evidence.Answer{Throttled: true, RetryAfter: 30 * sec, Quotas: []evidence.Quota{quota("", -1, -1, 30*sec, 0)}}},
		{
			name: "429, the longest of those that are spent", status: 429, header: "RateLimit: \"a\";r=0;t=10, \"b\";r=0;t=20, \"c\";r=1;t=30",
			want: evidence.Answer{Throttled: true, RetryAfter: 20 * sec, Quotas: []evidence.Quota{quota("a", -1, 0, 10*sec, 0), quota("b", -1, 0, 20*sec, 0), quota("c", -1, 1, 30*sec, 0)}},
		},
		{name: "403", status: 403, header: left, want: quotas(some)},
		{name: "403, GitHub's quota", status: 403, header: spent, want: evidence.Answer{Throttled: true, RetryAfter: 5 * minute, Quotas: []evidence.Quota{none}}},
		{name: "403, GitHub's second limit", status: 403, header: left + "\nRetry-After: 60", want: evidence.Answer{Throttled: true, RetryAfter: minute, Quotas: []evidence.Quota{some}}},
		{name: "503", status: 503, header: "Retry-After: 5", want: evidence.Answer{Overloaded: true, RetryAfter: 5 * sec}},
		{name: "503, nothing left", status: 503, header: spent, want: evidence.Answer{Throttled: true, RetryAfter: 5 * minute, Quotas: []evidence.Quota{none}}},
		{name: "529", status: 529, header: spent, want: evidence.Answer{Overloaded: true, Quotas: []evidence.Quota{none}}},
		{name: "500", status: 500, header: "Retry-After: 5", want: evidence.Answer{RetryAfter: 5 * sec}},
		{name: "200, nothing left", header: spent, want: quotas(none)},
		{name: "307", status: 307, header: left, want: quotas(some)},
	})
}
