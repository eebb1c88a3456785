package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A call that may wait: ask, sleep until it may start, go.
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

// A call that must not wait: it may start now, or it does not start.
func ExampleLimiter_Allow() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {{Tokens: 5, Per: 24 * time.Hour, Burst: 2}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(l.Allow(context.Background(), "global"))
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}

// A call with a deadline that cannot be met is refused at once and costs nothing.
func ExampleDeadlineError() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"daily": {{Tokens: 1, Per: 24 * time.Hour}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(l.Wait(ctx, "daily"))
	err = l.Wait(ctx, "daily")
	_, isDeadline := errors.AsType[*limiter.DeadlineError](err)
	fmt.Println(isDeadline, errors.Is(err, context.DeadlineExceeded))
	// Output:
	// <nil>
	// true true
}
