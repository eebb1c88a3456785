package upstreamtest

import (
	"net/http"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// Limit is a token bucket, a window, or both at once. Rate is in calls a second, from 0.001 to 1,000,000; Burst is the
// number of calls that may come at once, from 1 to 1,000,000.
type Limit = upstream.Limit

// Window allows at most N calls, from 1 to 1,000,000, within Per, at most 31 days. It slides unless it is Fixed.
type Window = upstream.Window

// Dialect is a form in which answers state what is left. Package upstream lists the dialects.
type Dialect = upstream.Dialect

// Config says what an API allows and how it answers. Limit alone has no usable zero.
type Config struct {
	// Limit is what the API allows. A bucket or a window is required.
	Limit Limit
	// Slack is the time by which a call may come too early, at most 5 s and less than the length of a window. A bucket
	// holds Rate × Slack calls more than its burst, and a window is shorter by Slack. So a client that is above the limit by
	// less than that is not found. Zero: none for calls through Client, and 50 ms where URL was called before the first call.
	Slack time.Duration
	// Headers are the fields in which every answer states what is left. Nil: refused calls have Retry-After, in whole
	// seconds, and no answer states what is left.
	Headers []Dialect
	// Handler answers the calls that are within the limit and that no step of a script answers. Nil: 200 and {}.
	Handler http.Handler
}

// loopbackSlack is what the noise of two goroutines and a socket needs on a machine that has other work.
const loopbackSlack = 50 * time.Millisecond

// TB is what an API needs of a test: *testing.T, *testing.B and *rapid.T have it.
type TB interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Cleanup(func())
}

// judged is the configuration of the judge. It is asked about one API alone, and this one has every dialect.
func (c Config) judged() upstream.Config {
	return upstream.Config{Total: c.Limit, Slack: c.Slack, Headers: c.Headers}
}

const judgedAs = upstream.Anthropic
