package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A provider has answered 429 with Retry-After: 20. One replica reports that, and the whole fleet stops its calls until
// then. The transport of worker/transport reports by itself.
func ExampleLimiter_Report() {
	l, err := limiter.NewMemory(limiter.SingleBucket("spotify", limiter.PerSecond(40, 40)))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := l.Report(ctx, "spotify", limiter.Throttled{RetryAfter: 20 * time.Second}); err != nil {
		fmt.Println(err)
	}
	d, err := l.Decide(ctx, "spotify", 1)
	if err != nil {
		panic(err)
	}
	fmt.Println("may start:", d.OK, "in", d.RetryAfter.Round(time.Second))

	// A call that cannot wait that long is refused at once.
	soon, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	fmt.Println("refused:", l.Wait(soon, "spotify") != nil, "before its deadline:", soon.Err() == nil)
	// Output:
	// may start: false in 20s
	// refused: true before its deadline: true
}
