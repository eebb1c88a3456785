package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
)

// Several processes share one limit through Redis. With two or more addresses the client is for a Redis Cluster, with a
// MasterName it is for Sentinel. With the two settings below a call ends in time even if Redis hangs.
func ExampleNew() {
	server := miniredis.RunT(discard{}) // a Redis inside this program
	defer server.Close()
	rdb := redis.NewUniversalClient(&redis.UniversalOptions{
		Addrs:                 []string{server.Addr()},
		ReadTimeout:           time.Second,
		ContextTimeoutEnabled: true,
	})
	defer func() { _ = rdb.Close() }()
	ctx := context.Background()
	cfg := limiter.SingleBucket("global", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 3})
	cfg.Namespace = "orders" // all processes with this name share the buckets

	for _, replica := range []string{"one", "two"} { // in production each process has one
		cfg.Replica = replica
		l, err := limiter.New(ctx, rdb, cfg)
		if err != nil {
			panic(err)
		}
		defer func() { _ = l.Close(ctx) }()
		for range 2 {
			ok, err := l.Allow(ctx, "global")
			fmt.Println(replica, ok, err)
		}
	}
	// Output:
	// one true <nil>
	// one true <nil>
	// two true <nil>
	// two false <nil>
}

// discard implements the part of testing.T that miniredis needs.
type discard struct{}

func (discard) Fatalf(format string, args ...any) { panic(fmt.Sprintf(format, args...)) }
func (discard) Cleanup(func())                    {}
func (discard) Logf(string, ...any)               {}
