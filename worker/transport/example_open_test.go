package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// A client whose requests pay for themselves, and whose fleet leaves the provider alone when it asks for that. A request to a host that is not
// listed is refused.
func ExampleOpen() {
	provider := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	}))
	defer provider.Close()
	ctx := context.Background()
	l, err := limiter.NewMemory(limiter.Config{ // limiter.New shares the buckets through Redis
		Buckets: map[string][]limiter.Limit{
			"claude-input": {limiter.PerSecond(1000, 50_000)}, "claude": {limiter.PerSecond(10, 50)}, "global": {limiter.PerSecond(40, 40)},
		},
		Routes: map[string][]string{"claude": {"claude", "claude-input", "global"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = l.Close(ctx) }()

	routes := transport.Routes{Hosts: map[string]string{"api.anthropic.com": "claude", "127.0.0.1": "claude"}}
	rt, err := transport.Open(http.DefaultTransport, l, routes,
		transport.Quotas(map[string]string{"requests": "claude", "input-tokens": "claude-input"}),
		transport.Costs(func(r *http.Request) limiter.Costs { return limiter.Costs{"claude-input": r.ContentLength / 4} }),
	)
	if err != nil { // a route, or a bucket of a quota, that the limiter does not know
		fmt.Println(err)
		return
	}
	client := &http.Client{Transport: rt}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, provider.URL, http.NoBody)
	if err != nil {
		fmt.Println(err)
		return
	}
	res, err := client.Do(req)
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = res.Body.Close()

	next, err := l.Decide(ctx, "claude", 1)
	fmt.Println(res.Status, next.OK, next.RetryAfter.Round(time.Second), err)
	// Output: 429 Too Many Requests false 7s <nil>
}
