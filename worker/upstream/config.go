package upstream

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// API is the name of a provider, as it appears in statistics and as the route of its callers.
type API string

// The providers that a Server stands in for.
const (
	Anthropic API = "anthropic"
	Spotify   API = "spotify"
	LastFM    API = "lastfm"
)

const apiCount = 3

// apis are all of them; an API's place in it is its index wherever something is kept for each.
func apis() [apiCount]API { return [...]API{Anthropic, Spotify, LastFM} }

// Config says what a Server allows and how it behaves. Nothing is filled in: a zero means what its field says, and
// Default holds the usual values.
type Config struct {
	// Total is the limit that all APIs share. Its bucket is required, so a zero Rate or Burst is refused.
	Total Limit
	// PerAPI holds further limits, each for one API alone. Nil: none.
	PerAPI map[API]Limit
	// Slack is the time by which a call may come later than its token, at most 5 s: buckets hold rate·slack tokens
	// more than their burst and windows are shorter by it. Zero: a strict provider.
	Slack time.Duration
	// Latency is the range of the wait before an answer. Zero: every answer comes at once.
	Latency Latency
	// Seed fixes waits, errors and contents. Zero is a seed like any other.
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
}

// Limit is a token bucket, a sliding window, or both at once.
type Limit struct {
	// Rate is the refill in tokens a second, from 0.001 to 1,000,000 in steps of 0.001 (a slower limit is a window).
	// Zero, together with a zero Burst: no bucket.
	Rate float64
	// Burst is the number of tokens in a full bucket, slack apart, from 1 to 1,000,000. Zero: see Rate.
	Burst int64
	// Window allows at most so many calls in any span of a length. Zero: no window.
	Window Window
}

// Window allows at most N calls in every half-open span of length Per less the slack.
type Window struct {
	// N is from 1 to 1,000,000. Zero, together with a zero Per: no window.
	N int
	// Per is longer than the slack and at most 31 days. Zero: see N.
	Per time.Duration
}

// Latency is a range of waits. Each API has its own part of it: the lowest two fifths for Last.fm, the highest two
// fifths for Anthropic, and Spotify between them.
type Latency struct {
	// Min is the shortest wait. Zero: no floor.
	Min time.Duration
	// Max is the longest wait, at least Min and at most a minute. Zero, together with a zero Min: no wait.
	Max time.Duration
}

// Default is a provider of 40 calls a second, burst 40, slack 50 ms, that answers within 50 to 300 ms.
func Default() Config {
	return Config{
		Total:   Limit{Rate: 40, Burst: 40},
		Slack:   50 * time.Millisecond,
		Latency: Latency{Min: 50 * time.Millisecond, Max: 300 * time.Millisecond},
	}
}

// The bounds keep every product of the judge within 63 bits: 10⁶·10¹² units for a burst and 10⁹·5·10⁹ for the slack.
const (
	maxRate   = 1_000_000
	maxBurst  = 1_000_000
	maxSlack  = 5 * time.Second
	maxWindow = 1_000_000
	maxPer    = 31 * 24 * time.Hour
	maxWait   = time.Minute
)

func (c Config) validate() error {
	if c.Slack < 0 || c.Slack > maxSlack {
		return fmt.Errorf("upstream: slack is %v: give one from 0 (strict) to %v", c.Slack, maxSlack)
	}
	if err := c.Total.validate("total", c.Slack, true); err != nil {
		return err
	}
	all := apis()
	for api := range c.PerAPI {
		if !slices.Contains(all[:], api) {
			return fmt.Errorf("upstream: api %q of the per-API limits is unknown: the APIs are %v", api, all)
		}
	}
	for _, api := range all { // not the map, so that of two mistakes the same one is reported each time
		if err := c.PerAPI[api].validate(string(api), c.Slack, false); err != nil {
			return err
		}
	}
	if l := c.Latency; l.Min < 0 || l.Max < l.Min || l.Max > maxWait {
		return fmt.Errorf("upstream: latency is %v to %v: give a range that does not fall, within 0 to %v", l.Min, l.Max, maxWait)
	}
	for _, share := range []struct {
		name string
		of   float64
	}{{"failures", c.Failures}, {"overloaded", c.Overloaded}, {"failures + overloaded", c.Failures + c.Overloaded}} {
		if !(share.of >= 0 && share.of <= 1) { // so that NaN is refused too
			return fmt.Errorf("upstream: share of %s is %v: give one from 0 to 1", share.name, share.of)
		}
	}
	return nil
}

func (l Limit) validate(name string, slack time.Duration, required bool) error {
	if required || l.Rate != 0 || l.Burst != 0 {
		if !(l.Rate >= 0.001 && l.Rate <= maxRate) || math.Round(l.Rate*1000)/1000 != l.Rate {
			return fmt.Errorf("upstream: %s rate is %v: give one from 0.001 to %d a second in steps of 0.001", name, l.Rate, maxRate)
		}
		if l.Burst < 1 || l.Burst > maxBurst {
			return fmt.Errorf("upstream: %s burst is %d: give one from 1 to %d", name, l.Burst, maxBurst)
		}
	}
	if w := l.Window; w != (Window{}) {
		if w.N < 1 || w.N > maxWindow {
			return fmt.Errorf("upstream: %s window count is %d: give one from 1 to %d", name, w.N, maxWindow)
		}
		if w.Per <= slack || w.Per > maxPer {
			return fmt.Errorf("upstream: %s window length is %v: give one longer than the slack (%v) and at most %v", name, w.Per, slack, maxPer)
		}
	}
	return nil
}
