package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// A task whose deadline comes before its token does not wait for the deadline. It ends at once and costs nothing. Its error
// says when it could have started.
func Example_deadline() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1}))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		panic(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	request := func(context.Context) (string, error) { return "an answer", nil }
	for range 2 {
		answer, err := orchestrator.Execute(ctx, o, request)
		if e, ok := errors.AsType[*limiter.DeadlineError](err); ok {
			fmt.Println("ready in", e.Ready.Round(time.Minute), "- the deadline has passed:", ctx.Err() != nil)
			continue
		}
		fmt.Println(answer, err)
	}
	// Output:
	// an answer <nil>
	// ready in 1h0m0s - the deadline has passed: false
}
