package upstreamtest

import (
	"net/http"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// Limit is a token bucket, a window, or both. Rate is in calls a second, from 0.001 to 1,000,000. Burst is the number
// of calls that may come at once, from 1 to 1,000,000.
type Limit = upstream.Limit

// Window allows at most N calls, from 1 to 1,000,000, within Per, at most 31 days. It slides unless it is Fixed.
type Window = upstream.Window

// Dialect is the form of the headers that state what is left of the limit. Package upstream lists the dialects.
type Dialect = upstream.Dialect

// Config sets what an API allows and how it answers. Only Limit must be set.
type Config struct {
	// Limit is what the API allows. A bucket or a window is required.
	Limit Limit
	// Slack is the time by which a call may come too early, at most 5 s and less than the length of a window. A bucket
	// holds Rate × Slack calls more than its burst, and a window is shorter by Slack. So the test does not find a
	// client that exceeds the limit by less than that. Zero: none for calls through Client, and 50 ms if URL was called
	// before the first call.
	Slack time.Duration
	// Headers are the dialects in which every answer states what is left. Nil: refused calls have Retry-After, in whole
	// seconds, and no answer states what is left.
	Headers []Dialect
	// Handler answers the calls within the limit that no step of a script answers. Nil: 200 and {}.
	Handler http.Handler
}

// loopbackSlack covers the timing noise of two goroutines and a socket on a busy machine.
const loopbackSlack = 50 * time.Millisecond

// TB is the part of a test that an API needs. *testing.T, *testing.B and *rapid.T implement it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// judged returns the configuration of the judge. The judge has only this API, in every dialect.
func (c Config) judged() upstream.Config {
	return upstream.Config{Total: c.Limit, Slack: c.Slack, Headers: c.Headers}
}

const judgedAs = upstream.Anthropic
