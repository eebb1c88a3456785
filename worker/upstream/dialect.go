package upstream

import (
	"fmt"
	"slices"
)

// Dialect is a form of the headers that state what is left of the limits.
type Dialect string

// The dialects. Dialects with a single limit of calls state the limit of which least is left. Times are rounded up to
// the unit of the dialect, so that no client is asked to come too early.
const (
	// HeadersAnthropic is anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset},
	// with limits a minute and resets in RFC 3339, on Anthropic's answers only. Without a limit of all tokens, tokens
	// is the sum of input and output.
	HeadersAnthropic Dialect = "anthropic"

	// HeadersXSeconds is X-RateLimit-{Limit,Remaining,Reset}, with the reset in seconds from now.
	HeadersXSeconds Dialect = "x-seconds"
	// HeadersXDuration is the same with the reset as a duration, such as 6m0s.
	HeadersXDuration Dialect = "x-duration"
	// HeadersXRFC3339 is the same with the reset as a time in RFC 3339.
	HeadersXRFC3339 Dialect = "x-rfc3339"
	// HeadersXEpoch is the same with the reset in seconds since 1970.
	HeadersXEpoch Dialect = "x-epoch"

	// HeadersIETF is the present form of the IETF draft, with every limit of calls:
	// RateLimit-Policy: "total";q=100;w=60 and RateLimit: "total";r=50;t=30.
	HeadersIETF Dialect = "ietf"
	// HeadersIETFList is an older form: RateLimit: limit=100, remaining=50, reset=30.
	HeadersIETFList Dialect = "ietf-list"
	// HeadersIETFFields is RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset, each with a number.
	HeadersIETFFields Dialect = "ietf-fields"
	// HeadersIETFWindow is the same with the length of the window: RateLimit-Limit: 10;w=60.
	HeadersIETFWindow Dialect = "ietf-window"

	// RetrySeconds is Retry-After in seconds, as without any dialect.
	RetrySeconds Dialect = "retry-seconds"
	// RetryIMF is Retry-After as a date: Sun, 06 Nov 1994 08:49:37 GMT.
	RetryIMF Dialect = "retry-imf"
	// RetryRFC850 is Retry-After as a date: Sunday, 06-Nov-94 08:49:37 GMT.
	RetryRFC850 Dialect = "retry-rfc850"
	// RetryASCTIME is Retry-After as a date: Sun Nov  6 08:49:37 1994.
	RetryASCTIME Dialect = "retry-asctime"
	// RetryMS is retry-after-ms in milliseconds, in addition to Retry-After.
	RetryMS Dialect = "retry-ms"
)

// rivals are the dialects that write the same field.
func rivals() [][]Dialect {
	return [][]Dialect{
		{HeadersAnthropic},
		{HeadersXSeconds, HeadersXDuration, HeadersXRFC3339, HeadersXEpoch},
		{HeadersIETF, HeadersIETFList},
		{HeadersIETFFields, HeadersIETFWindow},
		{RetrySeconds, RetryIMF, RetryRFC850, RetryASCTIME},
		{RetryMS},
	}
}

func validateHeaders(dialects []Dialect) error {
	for _, d := range dialects {
		if all := slices.Concat(rivals()...); !slices.Contains(all, d) {
			return fmt.Errorf("upstream: headers dialect %q is unknown: the dialects are %v", d, all)
		}
	}
	for _, group := range rivals() {
		var chosen []Dialect
		for _, d := range dialects {
			if slices.Contains(group, d) {
				chosen = append(chosen, d)
			}
		}
		if len(chosen) > 1 {
			return fmt.Errorf("upstream: headers dialects %v write the same field: give one of them", chosen)
		}
	}
	return nil
}
