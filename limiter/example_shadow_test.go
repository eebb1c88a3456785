package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A new limit goes to production for the first time. In shadow mode it delays no call: the metric weir.bucket.shadowed
// counts the calls that would have waited. Later it is switched on.
func ExampleLimiter_ShadowBucket() {
	l, err := limiter.NewMemory(limiter.SingleBucket("new", limiter.Limit{Tokens: 2, Per: time.Hour, Burst: 2}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	started := func() (n int) {
		for range 10 {
			if ok, err := l.Allow(ctx, "new"); err != nil {
				panic(err)
			} else if ok {
				n++
			}
		}
		return n
	}
	if err := l.ShadowBucket(ctx, "new", true); err != nil {
		fmt.Println(err)
	}
	fmt.Println("in shadow mode, of 10 calls start", started())
	if err := l.ShadowBucket(ctx, "new", false); err != nil {
		fmt.Println(err)
	}
	fmt.Println("switched on, of 10 calls start", started()) // the calls in shadow mode have taken the two tokens
	// Output:
	// in shadow mode, of 10 calls start 10
	// switched on, of 10 calls start 0
}
