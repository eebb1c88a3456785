package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Two APIs each have their own limit, and share a budget. A call takes a token from both of its buckets, or from none.
func Example_twoAPIs() {
	l, err := limiter.NewMemory(limiter.Config{ // limiter.New(ctx, rdb, cfg) shares the buckets between processes
		Buckets: map[string][]limiter.Limit{
			"spotify": {{Tokens: 1, Per: time.Hour, Burst: 2}},
			"claude":  {{Tokens: 1, Per: time.Hour, Burst: 9}},
			"budget":  {{Tokens: 1, Per: time.Hour, Burst: 5}},
		},
		Routes: map[string][]string{ // narrowest bucket first, the shared one last
			"spotify": {"spotify", "budget"},
			"claude":  {"claude", "budget"},
		},
	})
	if err != nil {
		panic(err)
	}
	start := func(route string) (n int) {
		for {
			ok, err := l.Allow(context.Background(), route)
			if err != nil {
				panic(err)
			}
			if !ok {
				return n
			}
			n++
		}
	}
	fmt.Println("spotify:", start("spotify")) // limited by its own bucket
	fmt.Println("claude:", start("claude"))   // limited by what Spotify has left of the budget
	// Output:
	// spotify: 2
	// claude: 3
}
