package orchestrator_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// More tasks come than can be done. A bound on waiting tasks bounds memory and waits. A server answers 503 for a refused
// task.
func ExampleFullError() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1, MaxPending: 2, Full: orchestrator.Refuse})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	begun, end := make(chan struct{}, 4), make(chan struct{})
	submit := func() error {
		_, err := orchestrator.Submit(ctx, o, func(context.Context) (int, error) { begun <- struct{}{}; <-end; return 0, nil })
		return err
	}
	for i := range 4 {
		err := submit()
		if i == 0 {
			<-begun // the first executes, so it is not among the waiting ones
		}
		if full, ok := errors.AsType[*orchestrator.FullError](err); ok {
			fmt.Println("refused:", full.Pending, "wait")
			continue
		}
		fmt.Println("queued", err)
	}
	close(end)
	// Output:
	// queued <nil>
	// queued <nil>
	// queued <nil>
	// refused: 2 wait
}
