package limiter_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/limiter"
)

// What happens while Redis is away? Config.WhenAway decides: no call starts, every call starts, or (the default) a
// replica that has worked before continues with its share of each limit.
func ExampleWhenAway() {
	ctx := context.Background()
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}) // no server listens there
	defer func() { _ = rdb.Close() }()
	for _, row := range []struct {
		name string
		away limiter.WhenAway
	}{{"FailClosed", limiter.FailClosed}, {"FailOpen", limiter.FailOpen}} {
		cfg := limiter.SingleBucket("global", limiter.PerSecond(10, 10))
		cfg.WhenAway = row.away
		cfg.Lazy = true // the program starts without Redis
		l, err := limiter.New(ctx, rdb, cfg)
		if err != nil {
			panic(err)
		}
		ok, err := l.Allow(ctx, "global")
		fmt.Println(row.name, ok, errors.Is(err, limiter.ErrUnavailable))
		_ = l.Close(ctx)
	}
	// Output:
	// FailClosed false true
	// FailOpen true false
}
