package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// One call is urgent, and costs more than others. Whatever the client sends for it, retries included, pays like that.
func ExampleNewContext() {
	l, err := limiter.NewMemory(limiter.SingleBucket("claude", limiter.PerSecond(10, 50)))
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	defer func() { _ = l.Close(ctx) }()
	provider := httptest.NewServer(http.NotFoundHandler())
	defer provider.Close()
	client := &http.Client{Transport: transport.New(nil, l, "claude")}

	call := transport.NewContext(ctx, limiter.Urgent(), limiter.Costs{"claude": 20})
	req, err := http.NewRequestWithContext(call, http.MethodGet, provider.URL, http.NoBody)
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
	next, err := l.Decide(ctx, "claude", 40)
	fmt.Println("a call of 40 tokens may start at once:", next.OK, err)
	// Output: a call of 40 tokens may start at once: false <nil>
}
