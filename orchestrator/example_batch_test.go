package orchestrator_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

var errNoSuchTrack = errors.New("no such track")

// listeners is a client of an API that counts who listens to a track. It takes a second to answer.
type listeners map[string]int

func (l listeners) count(_ context.Context, track string) (int, error) {
	time.Sleep(time.Second)
	n, ok := l[track]
	if !ok {
		return 0, errNoSuchTrack
	}
	return n, nil
}

// Requests of a batch run side by side, while the caller does other work. A request that fails costs only its own result.
func Example_batch() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(100, 10)}},
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		o, err := orchestrator.New(orchestrator.Config{Limiter: l})
		if err != nil {
			t.Fatal(err)
		}

		ctx, start := t.Context(), time.Now()
		api := listeners{"Creep": 31, "Karma Police": 24, "Hurt": 19}
		tracks := []string{"Creep", "Nameless", "Karma Police", "Hurt"}
		batch, err := orchestrator.Map(ctx, o, "", tracks, api.count)
		if err != nil {
			fmt.Println(err)
			return
		}

		time.Sleep(time.Second)
		fmt.Println("other work, until", time.Since(start).Round(time.Millisecond))

		counts, err := batch.Values(ctx)
		if failures, ok := errors.AsType[*orchestrator.BatchError](err); ok {
			for i, at := range failures.Indexes {
				fmt.Printf("%s: %v\n", tracks[at], failures.Errors[i])
			}
		} else if err != nil { // there are no values
			fmt.Println(err)
			return
		}
		fmt.Println("listeners:", counts, "after", time.Since(start).Round(time.Millisecond))
	})
	// Output:
	// other work, until 1s
	// Nameless: no such track
	// listeners: [31 0 24 19] after 1s
}
