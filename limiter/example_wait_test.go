package limiter_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
)

// A call that may wait: Wait returns when it may start.
func ExampleLimiter_Wait() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 1)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for i := range 3 {
		if err := l.Wait(ctx, "global"); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("call", i+1)
	}
	// Output:
	// call 1
	// call 2
	// call 3
}
