package orchestrator_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// A provider answers many ids in one request. Each caller asks for one id, and a Batcher makes one request of them. Fifty
// callers cost one token, not fifty.
func ExampleBatcher() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(100, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		panic(err)
	}
	fetch := func(_ context.Context, ids []int) (map[int]string, error) {
		fmt.Println("one request for", len(ids), "ids")
		found := map[int]string{}
		for _, id := range ids {
			found[id] = fmt.Sprintf("track %d", id)
		}
		return found, nil
	}
	// The request begins when it is full. A single caller waits for Delay.
	tracks, err := orchestrator.NewBatcher(o, fetch, orchestrator.BatcherConfig{Size: 50, Delay: time.Minute})
	if err != nil {
		panic(err)
	}
	names := make([]string, 50)
	var callers sync.WaitGroup
	for id := range names {
		callers.Go(func() {
			name, err := tracks.Load(context.Background(), id)
			if err != nil {
				fmt.Println(err)
			}
			names[id] = name
		})
	}
	callers.Wait()
	fmt.Println(names[0], names[49])
	// Output:
	// one request for 50 ids
	// track 0 track 49
}
