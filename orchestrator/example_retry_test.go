package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

var errUnavailable = errors.New("the provider is unavailable")

// Which errors are worth another attempt? Those that the task marks with Again, or that Retry.Classify knows. Each attempt
// pays for a token of its own.
func ExampleAgain() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	title, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (string, error) {
		if n := orchestrator.Attempt(ctx); n < 3 {
			fmt.Println("attempt", n, "fails")
			return "", orchestrator.Again(errUnavailable, time.Millisecond) // what Retry-After asks for; 0 leaves it to Retry
		}
		return "Creep", nil
	})
	fmt.Println(title, err)

	_, err = orchestrator.Execute(ctx, o, func(ctx context.Context) (string, error) {
		fmt.Println("attempt", orchestrator.Attempt(ctx), "fails for good")
		return "", errNoSuchTrack
	})
	fmt.Println(err)
	// Output:
	// attempt 1 fails
	// attempt 2 fails
	// Creep <nil>
	// attempt 1 fails for good
	// no such track
}
