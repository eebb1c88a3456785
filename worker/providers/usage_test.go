package providers_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/providers"
)

// tripFunc is a transport of one function.
type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// usage is one call of Claude whose cost differs from the estimate.
type usage struct {
	buckets       providers.UsageBuckets
	route         string
	costs         limiter.Costs
	status        int
	body          string
	input, output int64 // tokens that the call has taken in the end
}

// TestUsageIsSettled: after an answer the configured buckets have paid the tokens that the answer has used, instead of the reserved ones. If the
// answer ends early, the tokens count that it has named until then. A refused call has used nothing. A call without costs or without buckets,
// and a reservation of another route, settle nothing.
func TestUsageIsSettled(t *testing.T) {
	both := providers.UsageBuckets{Input: "claude-input", Output: "claude-output"}
	costs := limiter.Costs{"claude-input": 500, "claude-output": 300}
	whole := message()
	for name, u := range map[string]usage{
		"both":              {both, "anthropic", costs, 200, whole, 120, 40},
		"more":              {both, "anthropic", limiter.Costs{"claude-input": 10, "claude-output": 5}, 200, whole, 120, 40},
		"input alone":       {providers.UsageBuckets{Input: "claude-input"}, "anthropic", costs, 200, whole, 120, 300},
		"output alone":      {providers.UsageBuckets{Output: "claude-output"}, "anthropic", costs, 200, whole, 500, 40},
		"none":              {providers.UsageBuckets{}, "anthropic", costs, 200, whole, 500, 300},
		"no costs":          {both, "anthropic", nil, 200, whole, 1, 1},
		"refused":           {both, "anthropic", costs, 529, "{}", 0, 0},
		"an error midway":   {both, "anthropic", costs, 200, started + failing("overloaded_error", "Overloaded"), 120, 300},
		"an error at once":  {both, "anthropic", costs, 200, failing("overloaded_error", "Overloaded"), 500, 300},
		"cut":               {both, "anthropic", costs, 200, started + thought + textBlock("Hel"), 120, 300},
		"out of order":      {both, "anthropic", costs, 200, started + textBlock("Hel"), 120, 300},
		"nothing came":      {both, "anthropic", costs, 200, "", 500, 300},
		"the other's route": {both, "other", costs, 200, whole, 500, 300},
	} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, u.test) })
	}
}

func (u usage) test(t *testing.T) {
	limit, path := []limiter.Limit{limiter.PerSecond(100, 1000)}, []string{"claude-output", "claude-input"}
	metered := limiter.Metered{Reserve: -1, Exact: true}
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"claude-input": limit, "claude-output": limit}, Routes: map[string][]string{"anthropic": path, "other": path},
		Metered: map[string]limiter.Metered{"claude-input": metered, "claude-output": metered},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	const local = "http://localhost:1"
	c, err := providers.NewClients(providers.ClientConfig{
		AnthropicURL: local, SpotifyURL: local, LastFMURL: local, Limiter: &payments{}, Usage: u.buckets,
		Base: tripFunc(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: u.status, Header: http.Header{"Content-Type": {kindOf(u.body)}}, Body: io.NopCloser(strings.NewReader(u.body))}, nil
		}),
	})
	if err != nil {
		t.Fatal(err)
	}
	reserve := func(costs limiter.Costs) *limiter.Reservation {
		var opts []limiter.Option
		if costs != nil {
			opts = append(opts, costs)
		}
		r, err := l.Reserve(t.Context(), u.route, opts...)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	reserve(nil).Use(u.route) // from now on the buckets note how empty they are
	time.Sleep(time.Second)
	_, _ = c.Anthropic.Ask(limiter.NewContext(t.Context(), reserve(u.costs)), "Who?") // its error is not what is tested
	time.Sleep(time.Second)                                                           // and 100 tokens come
	if d, err := l.Decide(t.Context(), u.route, 1); !d.OK || err != nil {             // takes the correction along
		t.Errorf("the call that brings the correction: %+v, error %v", d, err)
	}
	t.Logf("input %d, output %d", u.input, u.output)
	for bucket, took := range map[string]int64{"claude-input": u.input, "claude-output": u.output} {
		d, err := l.Decide(t.Context(), bucket, 1)
		if got, want := d.Remaining+2, min(1000, 1000-took+100); err != nil || got != want {
			t.Errorf("%d tokens of %s are left, want %d; %v", got, bucket, want, err)
		}
	}
}
