package fleet_test

import (
	"context"
	"fmt"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

// Which replicas exist, and which limits are in force? Every limiter on Redis publishes its state. Your own program can
// read it.
func ExampleRead() {
	server := miniredis.NewMiniRedis() // a Redis in this process
	if err := server.Start(); err != nil {
		panic(err)
	}
	defer server.Close()
	rdb := redis.NewClient(&redis.Options{Addr: server.Addr()})
	defer func() { _ = rdb.Close() }()
	ctx := context.Background()
	for _, name := range []string{"one", "two"} {
		cfg := limiter.SingleBucket("global", limiter.PerSecond(40, 40))
		cfg.Namespace, cfg.Replica = "orders", name
		l, err := limiter.New(ctx, rdb, cfg)
		if err != nil {
			panic(err)
		}
		defer func() { _ = l.Close(ctx) }()
	}
	f := &fleet.Fleet{}
	for len(f.Replicas) < 2 { // a limiter publishes in the background, a moment after its start
		var err error
		if f, err = fleet.Read(ctx, rdb, "orders"); err != nil {
			panic(err)
		}
	}
	for _, r := range f.Replicas {
		fmt.Println("replica", r.ID, r.State)
	}
	for _, b := range f.Buckets {
		fmt.Println("bucket", b.Bucket, b.Limit)
	}
	// Output:
	// replica one up
	// replica two up
	// bucket global 40 per 1s, burst 40
}
