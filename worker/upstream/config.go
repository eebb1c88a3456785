package upstream

import "time"

// API is the name of a provider, as it appears in statistics and as the route of its callers.
type API string

// The providers that a Server stands in for.
const (
	Anthropic API = "anthropic"
	Spotify   API = "spotify"
	LastFM    API = "lastfm"
)

const apiCount = 3

// apis are all APIs. The position of an API is its index in every table by API.
func apis() [apiCount]API { return [...]API{Anthropic, Spotify, LastFM} }

// Config sets what a Server allows and how it behaves. Zero values have no defaults: each field documents its zero, and
// Default has the usual values.
type Config struct {
	// Total is the limit that all APIs share. A bucket or a window is required.
	Total Limit
	// PerAPI has further limits, each for one API. Nil: none.
	PerAPI map[API]Limit
	// Slack is the time by which a call may come later than its token, at most 5 s: buckets hold rate·slack tokens more
	// than their burst, and windows are shorter by Slack. Zero: a strict provider.
	Slack time.Duration
	// Latency is the range of the wait before an answer. Zero: every answer comes at once.
	Latency Latency
	// Seed determines waits, errors and contents. Zero is a seed like any other.
	Seed uint64
	// Failures is the share of accepted requests, 0 to 1, that fail: with 500 or 503, at Last.fm with error 11 or 16
	// inside 200. Zero: none.
	Failures float64
	// Overloaded is the share of accepted Anthropic requests that are answered 529, on top of Failures; both together
	// are at most 1. Zero: none.
	Overloaded float64
	// DenyAudioFeatures answers 403 to every request for audio features, as Spotify does to new apps. Zero: they are
	// served.
	DenyAudioFeatures bool

	// Models are the names of Anthropic's models, at most 1,000. Others are unknown. Nil: those that Anthropic serves
	// in November 2026.
	Models []string
	// Accounts are the applications at Spotify that may ask for access tokens. Then other tokens are refused, and each
	// token is valid for its scopes until it expires. Nil: no application may ask, and every token is valid for
	// everything.
	Accounts []Account

	// Tokens limits the tokens of Anthropic's models. Zero: tokens are not limited.
	Tokens TokenLimits
	// Output is how many output tokens Anthropic's answers have. Zero: as many as their texts have.
	Output OutputLength
	// Headers are the dialects in which answers state what is left. Nil: refusals have Retry-After. Refusals of
	// Anthropic then also have its headers about requests, if only constant limits of calls can refuse.
	Headers []Dialect
	// RetryAfter replaces the wait in refusals of an API, at most 31 days. Nil: the true wait.
	RetryAfter map[API]time.Duration
	// Schedule has the changes of Total, in the order of time. Nil: Total does not change.
	Schedule []Change
	// Strangers are other clients with the same key. Nil: none.
	Strangers []Strangers
	// Stretches are times in which calls fail. Nil: none.
	Stretches []Stretch
}

// Limit is a token bucket, a window, or both at once.
type Limit struct {
	// Rate is the refill in tokens a second, from 0.001 to 1,000,000 in steps of 0.001 (a slower limit is a window).
	// Zero, together with a zero Burst: no bucket.
	Rate float64
	// Burst is the number of tokens in a full bucket, slack apart, from 1 to 1,000,000. Zero: see Rate.
	Burst int64
	// Window allows at most so many calls within a length. Zero: no window.
	Window Window
}

// Window allows at most N calls in every half-open span of length Per less the slack, or in every span of length Per
// that begins at a multiple of Per.
type Window struct {
	// N is from 1 to 1,000,000. Zero, together with a zero Per: no window.
	N int
	// Per is longer than the slack and at most 31 days. Zero: see N.
	Per time.Duration
	// Fixed aligns the spans to multiples of Per since the start, without slack. Zero: the window slides.
	Fixed bool
}

// Latency is a range of waits. Each API has its own part of the range: the lowest two fifths for Last.fm, the highest
// two fifths for Anthropic, and the part between them for Spotify.
type Latency struct {
	// Min is the shortest wait. Zero: no floor.
	Min time.Duration
	// Max is the longest wait, at least Min and at most a minute. Zero, together with a zero Min: no wait.
	Max time.Duration
}

// Default is a provider with 40 calls a second, burst 40, slack 50 ms, that answers within 50 to 300 ms.
func Default() Config {
	return Config{
		Total:   Limit{Rate: 40, Burst: 40},
		Slack:   50 * time.Millisecond,
		Latency: Latency{Min: 50 * time.Millisecond, Max: 300 * time.Millisecond},
	}
}
