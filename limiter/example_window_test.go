package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A provider allows 100 calls in any half minute. A rate spreads these calls, so that they do not start all at once, and
// all providers share a budget.
func ExamplePerWindow() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"spotify": {limiter.PerWindow(3, 30*time.Second), limiter.PerSecond(1000, 1)},
			"global":  {limiter.PerSecond(40, 40)},
		},
		Routes: map[string][]string{"spotify": {"spotify", "global"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range 4 {
		err := l.Wait(ctx, "spotify")
		fmt.Println(err == nil, errors.Is(err, context.DeadlineExceeded))
	}
	// Output:
	// true false
	// true false
	// true false
	// false true
}
