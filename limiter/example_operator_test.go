package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// How does a limit change while the fleet works? Configure sets it for all replicas, until it is called again.
func ExampleLimiter_Configure() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(40, 40)))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	inForce := func() limiter.Limit {
		s, err := l.Snapshot(ctx)
		if err != nil {
			panic(err)
		}
		return s.Buckets[0].Limit
	}
	fmt.Println("as configured:", inForce())
	if err := l.Configure(ctx, "global", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1}); err != nil {
		fmt.Println(err)
	}
	fmt.Println("set at run time:", inForce())
	for range 2 {
		fmt.Println(l.Allow(ctx, "global"))
	}
	if err := l.Configure(ctx, "global"); err != nil { // without limits: the configured limits are in force again
		fmt.Println(err)
	}
	fmt.Println("set back:", inForce())
	// Output:
	// as configured: 40 per 1s, burst 40
	// set at run time: 1 per 1h0m0s, burst 1
	// true <nil>
	// false <nil>
	// set back: 40 per 1s, burst 40
}
