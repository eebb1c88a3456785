package orchestrator_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// Three callers ask for the same thing at the same time: they share one request. With Keep, a caller that comes later has
// its result as well.
func ExampleKey() {
	l, err := limiter.NewMemory(limiter.SingleBucket("global", limiter.PerSecond(100, 10)))
	if err != nil {
		panic(err)
	}
	o, err := orchestrator.New(orchestrator.Config{Limiter: l})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	answered := make(chan struct{})
	artist := func(context.Context) (string, error) { //nolint:unparam // a client of an API
		fmt.Println("a request")
		<-answered
		return "Radiohead", nil
	}
	ask := func() *orchestrator.Future[string] {
		f, err := orchestrator.Submit(ctx, o, artist, orchestrator.Key("artist/4Z8W4f"), orchestrator.Keep(time.Hour))
		if err != nil {
			panic(err)
		}
		return f
	}
	callers := []*orchestrator.Future[string]{ask(), ask(), ask()}
	close(answered)
	for _, f := range callers {
		fmt.Println(f.Await(ctx))
	}
	fmt.Println(ask().Await(ctx)) // later
	// Output:
	// a request
	// Radiohead <nil>
	// Radiohead <nil>
	// Radiohead <nil>
	// Radiohead <nil>
}
