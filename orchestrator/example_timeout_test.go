package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// A request that never ends must not keep a slot. Timeout bounds an attempt from its start: waiting for a token does not
// count.
func ExampleTimeout() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
	if err != nil {
		panic(err)
	}
	_, err = orchestrator.Execute(context.Background(), o, func(ctx context.Context) (string, error) {
		<-ctx.Done() // as an HTTP client waits for a server that does not answer
		return "", ctx.Err()
	}, orchestrator.Name("lyrics"), orchestrator.Timeout(time.Millisecond))
	if late, ok := errors.AsType[*orchestrator.TimeoutError](err); ok {
		fmt.Println(late.Name, "took longer than", late.After)
	}
	// Output: lyrics took longer than 1ms
}
