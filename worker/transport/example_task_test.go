package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/transport"
)

// Does a request within a task pay twice? No: it spends the reservation of the task, which is in its context. A second
// request of the task pays for itself.
func Example_inATask() {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	l, err := limiter.NewMemory(limiter.SingleBucket("api", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 100}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	defer func() { _ = l.Close(ctx) }()
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Route: "api"})
	if err != nil {
		panic(err)
	}
	client := &http.Client{Transport: transport.New(server.Client().Transport, l, "api")}
	for _, requests := range []int{1, 2} {
		_, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) {
			for range requests {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, http.NoBody)
				if err != nil {
					return 0, err
				}
				res, err := client.Do(req)
				if err != nil {
					return 0, err
				}
				_ = res.Body.Close()
			}
			return requests, nil
		})
		s, _ := l.Snapshot(ctx)
		fmt.Printf("a task with %d requests: %v, tokens left: %.0f\n", requests, err, s.Buckets[0].Tokens)
	}
	// Output:
	// a task with 1 requests: <nil>, tokens left: 99
	// a task with 2 requests: <nil>, tokens left: 97
}
