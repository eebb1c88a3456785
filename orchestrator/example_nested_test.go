package orchestrator_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// A task may await other tasks of the same orchestrator. It lends its slot while it waits, so that there is no deadlock
// even with one slot.
func ExampleFuture_Await() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
	if err != nil {
		panic(err)
	}
	album := func(ctx context.Context) (int, error) {
		tracks, err := orchestrator.Map(ctx, o, "", []string{"Creep", "Stop Whispering"}, length)
		if err != nil {
			return 0, err
		}
		lengths, err := tracks.Values(ctx) // each of them takes the slot, one after the other
		sum := 0
		for _, n := range lengths {
			sum += n
		}
		return sum, err
	}
	ctx := context.Background()
	future, err := orchestrator.Submit(ctx, o, album)
	if err != nil {
		panic(err)
	}
	seconds, err := future.Await(ctx)
	fmt.Println("the album takes", seconds, "s,", err)
	// Output: the album takes 380 s, <nil>
}
