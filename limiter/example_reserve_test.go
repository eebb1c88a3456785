package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A caller with its own schedule reserves a call, and uses the reservation once, later. A reservation that is cancelled
// serves another call.
func ExampleLimiter_Reserve() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 2}))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	reserve := func() *limiter.Reservation {
		r, err := l.Reserve(ctx, "global")
		if err != nil {
			panic(err)
		}
		return r
	}
	first, second := reserve(), reserve()
	fmt.Println("due:", first.Delay() == 0, "used:", first.Use("global"), "used again:", first.Use("global"))

	second.Cancel()
	ok, err := l.Allow(ctx, "global")
	fmt.Println("another call may start:", ok, err)
	// Output:
	// due: true used: true used again: false
	// another call may start: true <nil>
}
