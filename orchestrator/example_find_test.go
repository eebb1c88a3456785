package orchestrator_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// One handler starts a batch with an id. Another handler of the same process finds the batch by its id.
func ExampleAwaitBatch() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if _, err := orchestrator.Map(ctx, o, "playlist-7", []string{"Creep", "Hurt"}, length); err != nil {
		panic(err)
	}

	// Elsewhere, and maybe later:
	outcomes, err := orchestrator.AwaitBatch[int](ctx, o, "playlist-7")
	if err != nil {
		panic(err)
	}
	for _, out := range outcomes {
		fmt.Println(out.Value, out.Err)
	}
	_, err = orchestrator.AwaitBatch[int](ctx, o, "playlist-8")
	fmt.Println(err)
	// Output:
	// 185 <nil>
	// 184 <nil>
	// orchestrator: unknown batch: playlist-8
}
