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

// How does a client of HTTP that exists already keep to a limit? It gets a transport that waits for a token before each
// request, retries and redirects included. Programs change in this one line.
func ExampleNew() {
	server := httptest.NewServer(http.RedirectHandler("/elsewhere", http.StatusFound)) // redirects without end
	defer server.Close()
	l, err := limiter.NewMemory(limiter.SingleBucket("api", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 100}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer func() { _ = l.Close(ctx) }()
	client := &http.Client{Transport: transport.New(server.Client().Transport, l, "api")}

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
	if err != nil {
		panic(err)
	}
	res, err := client.Do(req) // gives up after ten requests
	if res != nil {
		_ = res.Body.Close()
	}
	s, _ := l.Snapshot(ctx)
	fmt.Printf("gave up: %t, tokens left: %.0f of 100\n", err != nil, s.Buckets[0].Tokens)
	// Output: gave up: true, tokens left: 90 of 100
}
