package orchestrator_test

import (
	"context"
	"fmt"
	"strings"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// report prints the progress for somebody who waits for the result.
func report(format string, args ...any) { fmt.Printf(format+"\n", args...) }

// length asks how many seconds a track takes.
func length(_ context.Context, track string) (int, error) { return 180 + len(track), nil }

// The caller reports progress while the requests go on. A slow report delays no request. For a progress bar use
// Batch.Progress, which yields ten times a second at most.
func Example_progress() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(1000, 10)}},
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

	ctx := context.Background()
	batch, err := orchestrator.Map(ctx, o, "", strings.Fields(strings.Repeat("Creep ", 30)), length)
	if err != nil {
		fmt.Println(err)
		return
	}
	report("looking up %d tracks", batch.Total())
	done := 0
	for range batch.Completed(ctx) {
		if done++; done%10 == 0 {
			report("%d of %d", done, batch.Total())
		}
	}
	lengths, err := batch.Values(ctx)
	if err != nil {
		fmt.Println(err)
		return
	}

	report("adding up")
	seconds := 0
	for _, n := range lengths {
		seconds += n
	}
	report("the playlist takes %d minutes", seconds/60)
	// Output:
	// looking up 30 tracks
	// 10 of 30
	// 20 of 30
	// 30 of 30
	// adding up
	// the playlist takes 92 minutes
}
