package limiter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A provider allows 3 calls in any half minute. A rate spreads these calls, so that they do not start all at
// once.
func ExamplePerWindow() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		ctx := t.Context()
		l, err := limiter.NewMemory(limiter.SingleBucket("spotify", limiter.PerWindow(3, 30*time.Second), limiter.PerSecond(1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(ctx) }()
		start := time.Now()
		for range 6 {
			if err := l.Wait(ctx, "spotify"); err != nil {
				fmt.Println(err)
			}
			fmt.Println(time.Since(start).Round(time.Second))
		}
	})
	// Output:
	// 0s
	// 1s
	// 2s
	// 30s
	// 31s
	// 32s
}
