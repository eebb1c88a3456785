package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// How does an operator stop all calls to a provider, in every replica? Pause closes the bucket. A call whose deadline is
// before the end of the pause is refused. When the pause ends the bucket is empty, so calls start at the rate, without a
// burst.
func ExampleLimiter_Pause() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 40}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	allowed := func() bool {
		ok, err := l.Allow(ctx, "global")
		if err != nil {
			panic(err)
		}
		return ok
	}
	fmt.Println("before:", allowed())
	if err := l.Pause(ctx, "global", limiter.UntilResumed); err != nil {
		fmt.Println(err)
	}
	s, err := l.Snapshot(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("paused:", allowed(), s.Buckets[0].PausedFor == limiter.UntilResumed)
	if err := l.Resume(ctx, "global"); err != nil {
		fmt.Println(err)
	}
	s, err = l.Snapshot(ctx)
	if err != nil {
		panic(err)
	}
	fmt.Println("resumed:", allowed(), s.Buckets[0].PausedFor)
	// Output:
	// before: true
	// paused: false true
	// resumed: false 0s
}
