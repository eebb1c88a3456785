package limiter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A call that may wait: Wait returns when it may start.
func ExampleLimiter_Wait() {
	inVirtualTime(func(t *testing.T) { // so that the output is always the same
		ctx := t.Context()
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 1)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(ctx) }()
		start := time.Now()
		for i := range 3 {
			if err := l.Wait(ctx, "global"); err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("call", i+1, "after", time.Since(start).Round(time.Millisecond))
		}
	})
	// Output:
	// call 1 after 0s
	// call 2 after 25ms
	// call 3 after 50ms
}
