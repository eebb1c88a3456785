package orchestrator_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// report prints the progress for somebody who waits for the result. The reader takes 0.8 seconds.
func report(format string, args ...any) {
	fmt.Printf(format+"\n", args...)
	time.Sleep(800 * time.Millisecond)
}

// length asks how many seconds a track takes.
func length(_ context.Context, track string) (int, error) { return 180 + len(track), nil }

// The caller reports progress while the requests go on. A slow report delays no request. For a progress bar use
// Batch.Progress, which yields ten times a second at most.
func Example_progress() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(10, 10)}},
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
		batch, err := orchestrator.Map(ctx, o, "", strings.Fields(strings.Repeat("Creep ", 30)), length)
		if err != nil {
			fmt.Println(err)
			return
		}
		report("looking up %d tracks", batch.Total())
		done := 0
		for _, out := range batch.Completed(ctx) {
			if done++; done%10 == 0 {
				ended, told := out.Waited+out.Ran, time.Since(start)
				report("%d of %d after %v, told after %v", done, batch.Total(), ended.Round(time.Second/10), told.Round(time.Second/10))
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
	})
	// Output:
	// looking up 30 tracks
	// 10 of 30 after 0s, told after 800ms
	// 20 of 30 after 1s, told after 1.6s
	// 30 of 30 after 2s, told after 2.4s
	// adding up
	// the playlist takes 92 minutes
}
