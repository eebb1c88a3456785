package orchestrator_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// Somebody waits for one task, and nobody waits for the others. The urgent task is the next to start, even if it came last.
func ExamplePriority() {
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
	tasks := []orchestrator.Task[string]{func(context.Context) (string, error) { <-opened; return "first", nil }}
	classes := []orchestrator.Class{orchestrator.Normal}
	for _, class := range []orchestrator.Class{orchestrator.Background, orchestrator.Normal, orchestrator.Urgent} {
		tasks = append(tasks, func(context.Context) (string, error) { fmt.Println(class); return class.String(), nil })
		classes = append(classes, class)
	}
	var queued []*orchestrator.Future[string]
	for i, task := range tasks {
		f, err := orchestrator.Submit(ctx, o, task, orchestrator.Priority(classes[i]))
		if err != nil {
			panic(err)
		}
		queued = append(queued, f)
	}
	close(opened)
	for _, f := range queued {
		if _, err := f.Await(ctx); err != nil {
			fmt.Println(err)
		}
	}
	// Output:
	// urgent
	// normal
	// background
}
