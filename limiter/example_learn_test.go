package limiter_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
)

// The limit of this provider is unknown. The fleet begins with one call a second, doubles the rate while the provider
// refuses nothing, and never exceeds Most. An operator who finds the limit in a manual ends the learning.
func ExampleLearn() {
	l, err := limiter.NewMemory(limiter.Config{
		Learn: map[string]limiter.Learn{"unknown": {Start: limiter.PerSecond(1, 1), Most: limiter.PerSecond(200, 200)}},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	show := func(when string) {
		s, err := l.Snapshot(ctx)
		if err != nil {
			panic(err)
		}
		b := s.Buckets[0]
		fmt.Printf("%s: %.0f a second of %.0f\n", when, b.Served*b.Limit.Rate(), b.Limit.Rate())
	}
	show("at first")
	if err := l.Configure(ctx, "unknown", limiter.PerSecond(50, 50)); err != nil {
		fmt.Println(err)
	}
	show("from the manual")
	// Output:
	// at first: 1 a second of 200
	// from the manual: 50 a second of 50
}
