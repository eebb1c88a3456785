// Package evidence reads what a provider's answer states about the provider's limits.
//
// # The model
//
// [Read] takes the status and the headers of an HTTP answer and the time at which it came. It returns an [Answer]:
// whether the provider refused the call because of a quota, how long it asks to wait, and what it states about each
// limit. [RetryAfter] reads only the wait. Time is an argument: the package reads no clock.
//
// # The dialects
//
// No finished standard for these headers exists, so the package reads the headers that servers send:
//
//	RateLimit-Policy: "burst";q=100;w=60        the IETF draft, since its version 8
//	RateLimit: "burst";r=50;t=30
//	RateLimit: limit=100, remaining=50, reset=30, RateLimit-Policy: 100;w=60      version 7
//	RateLimit-Limit: 100, 100;w=60, RateLimit-Remaining, RateLimit-Reset          until version 6
//	X-RateLimit-Limit, -Remaining, -Reset, -Reset-After; also X-Rate-Limit-*
//	X-RateLimit-Limit-Requests, X-RateLimit-Requests-Limit                        one limit of several, by its name
//	Anthropic-RateLimit-Requests-Limit, -Remaining, -Reset
//	Retry-After, Retry-After-Ms, X-Retry-After, X-Retry-After-Ms, X-Ms-Retry-After-Ms, X-RateLimit-Retry-After
//
// The case of header names does not matter. If two headers describe one limit, the header without X- counts.
//
// # Waits and moments
//
// A wait is a number of seconds, a duration such as 6m0s, a date of HTTP in its three forms, a time of RFC 3339, or a
// moment in Unix time. A number below 1e9 is a number of seconds to wait: as a wait, 1e9 s are 31 years; as a moment,
// they are the year 2001. A larger number is a moment: in seconds below 1e11, in milliseconds below 1e14, in
// microseconds below 1e17, in nanoseconds below 1e20. Each of these ranges ends in the year 5138. A number of 1e20 or
// more is an endless wait.
//
// The wait until a moment is measured from the answer's own Date. Both come from one clock, so an error of that clock
// cancels out. Without a Date the wait is measured from the time of the caller. A moment that has passed is a wait of
// 0.
//
// # The guarantee
//
// No header makes Read panic. A wait is between 0 and 31 days; a longer wait is cut. A moment further away is also cut
// if the answer has a Date. Without a Date it is ignored, because then a wrong clock is more likely. A count is at most
// 2^53-1. An Answer has at most 16 quotas. Values of more than 4 KiB, more than 16 values of one header and more than
// 64 headers are not read. An answer without such headers costs no allocation. The same answer reads the same each
// time.
//
// # When things fail
//
// A value that cannot be read counts as missing. In a list only the faulty member counts as missing.
//
// # Goroutines
//
// The package starts no goroutine and keeps no state.
package evidence
