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
	err = l.Wait(ctx, "daily")
	_, isDeadline := errors.AsType[*limiter.DeadlineError](err)
	fmt.Println(isDeadline, errors.Is(err, context.DeadlineExceeded))
	// Output:
	// <nil>
	// true true
}
