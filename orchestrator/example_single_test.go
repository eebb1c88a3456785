package orchestrator_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// library is a client of an API that keeps playlists.
type library struct{}

func (library) create(_ context.Context, name string) (string, error) {
	return "playlist " + name, nil
}

// A single request waits for its token and returns its result.
func Example_single() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(100, 10)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		fmt.Println(err)
		return
	}

	var api library
	created, err := orchestrator.Execute(context.Background(), o, func(ctx context.Context) (string, error) {
		return api.create(ctx, "Evening drive")
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("created:", created)
	// Output:
	// created: playlist Evening drive
}
