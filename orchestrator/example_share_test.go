package orchestrator_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// A long job must not hold up a short one that comes later. Tasks of different shares take turns.
func ExampleShare() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(1000, 100)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	opened := make(chan struct{}) // until all tasks are queued, one has the slot
	if _, err := orchestrator.Submit(ctx, o, func(context.Context) (int, error) { <-opened; return 0, nil }); err != nil {
		panic(err)
	}
	var order strings.Builder // one slot: the tasks write one after the other
	job := func(name string, tasks int) *orchestrator.Batch[int] {
		write := func(context.Context, int) (int, error) { return order.WriteString(name) }
		b, err := orchestrator.Map(ctx, o, "", make([]int, tasks), write, orchestrator.Share(name))
		if err != nil {
			panic(err)
		}
		return b
	}
	long, short := job("L", 12), job("s", 4)
	close(opened)
	for _, b := range []*orchestrator.Batch[int]{long, short} {
		if _, err := b.Values(ctx); err != nil {
			fmt.Println(err)
		}
	}
	fmt.Println(order.String())
	// Output: LsLsLsLsLLLLLLLL
}
