package limiter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// How do you test code that waits for minutes? In virtual time: in a bubble of testing/synctest the clock advances when
// all goroutines wait. In your test use synctest.Test(t, ...) instead of inVirtualTime.
func Example_withoutSleeping() {
	inVirtualTime(func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(10, 10)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }() // before the end of the bubble
		start := time.Now()
		for range 610 { // the burst covers ten of them
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		fmt.Println("610 calls at 10 a second took", time.Since(start).Round(time.Millisecond))
	})
	// Output: 610 calls at 10 a second took 1m0s
}
