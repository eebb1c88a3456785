package limiter_test

import (
	"context"
	"fmt"

	"github.com/weir-go/weir/limiter"
)

// Each tenant has its own bucket, created with the first call of the tenant.
func ExampleLimiter_AddRoute() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = l.AddRoute("tenant-7",
		limiter.Bucket{Name: "tenant-7", Limits: []limiter.Limit{limiter.PerSecond(1, 2)}}, limiter.Bucket{Name: "global"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(l.Allow(context.Background(), "tenant-7"))
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}
