package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A call that must not wait: Allow reports whether it may start now.
func ExampleLimiter_Allow() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {{Tokens: 5, Per: 24 * time.Hour, Burst: 2}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(l.Allow(context.Background(), "global"))
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}
