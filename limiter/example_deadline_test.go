package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

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
	for range 2 { // had the first of them cost a token, the second would be ready a day later
		err := l.Wait(ctx, "daily")
		late, isDeadline := errors.AsType[*limiter.DeadlineError](err)
		fmt.Println(isDeadline, errors.Is(err, context.DeadlineExceeded))
		if isDeadline {
			fmt.Println("ready in", late.Ready.Round(time.Hour), "- the deadline has passed:", ctx.Err() != nil)
		}
	}
	// Output:
	// <nil>
	// true true
	// ready in 24h0m0s - the deadline has passed: false
	// true true
	// ready in 24h0m0s - the deadline has passed: false
}
