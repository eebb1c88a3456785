package orchestrator_test

import (
	"context"
	"fmt"
	"testing"
	"time"

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
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(1, 1)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}

		var api library
		start := time.Now()
		for _, name := range []string{"Evening drive", "Morning run"} {
			created, err := orchestrator.Execute(t.Context(), o, func(ctx context.Context) (string, error) {
				return api.create(ctx, name)
			})
			if err != nil {
				fmt.Println(err)
				return
			}
			fmt.Println("created:", created, "after", time.Since(start).Round(time.Millisecond))
		}
	})
	// Output:
	// created: playlist Evening drive after 0s
	// created: playlist Morning run after 1s
}
