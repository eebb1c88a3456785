package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Why does my call wait? Where returns the bucket, the time until a call may start, and the reasons. It takes no
// tokens.
func ExampleLimiter_Where() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"spotify": {limiter.PerSecond(10, 10)},
			"budget":  {limiter.PerSecond(40, 40)},
		},
		Routes: map[string][]string{"spotify": {"spotify", "budget"}},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := l.Pause(ctx, "budget", time.Hour); err != nil {
		fmt.Println(err)
	}
	at, err := l.Where(ctx, "spotify")
	if err != nil {
		panic(err)
	}
	fmt.Println("bucket", at.Bucket, "in", at.In.Round(time.Minute))
	for _, why := range at.Why {
		fmt.Println(why.Kind, "for", why.For.Round(time.Minute))
	}
	// Output:
	// bucket budget in 1h0m0s
	// paused for 1h0m0s
}
