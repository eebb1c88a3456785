package orchestrator_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// One API is slow or shut. Tasks of another API do not wait behind its tasks, because a waiting task has no slot.
func ExampleRoute() {
	l, err := limiter.NewMemory(limiter.Config{Buckets: map[string][]limiter.Limit{
		"spotify": {limiter.PerSecond(100, 10)},
		"claude":  {limiter.PerSecond(100, 10)},
	}})
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := o.Shut("spotify", time.Hour, "the key is renewed"); err != nil {
		fmt.Println(err)
	}
	if _, err := orchestrator.Map(ctx, o, "", []string{"Creep", "Hurt"}, length, orchestrator.Route("spotify")); err != nil {
		panic(err)
	}
	seconds, err := orchestrator.Execute(ctx, o, func(ctx context.Context) (int, error) { return length(ctx, "Airbag") }, orchestrator.Route("claude"))
	fmt.Println("claude answers", seconds, err)
	for _, lane := range o.Snapshot().Lanes {
		if lane.Reason != "" {
			fmt.Println(lane.Route, "has", lane.Pending, "tasks waiting:", lane.Reason)
		}
	}
	// Output:
	// claude answers 186 <nil>
	// spotify has 2 tasks waiting: the key is renewed
}
