package main

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/integration/faults/process"
)

const key = "provider"

// redisRate asks with Allow of redis_rate. Allow gets the limit at each call, and returns after which time to ask again.
type redisRate struct {
	l     *redis_rate.Limiter
	limit atomic.Pointer[redis_rate.Limit]
}

func newRedisRate(s process.Settings, rdb redis.UniversalClient) *redisRate {
	r := &redisRate{l: redis_rate.NewLimiter(rdb)}
	r.limit.Store(&redis_rate.Limit{Rate: int(s.Rate), Burst: int(s.Burst), Period: s.Per})
	return r
}

func (r *redisRate) ask(ctx context.Context) (bool, time.Duration, error) {
	res, err := r.l.Allow(ctx, key, *r.limit.Load())
	if err != nil {
		return false, 0, err
	}
	return res.Allowed > 0, res.RetryAfter, nil
}

func (r *redisRate) setRate(tokens int64) {
	limit := *r.limit.Load()
	limit.Rate = int(tokens)
	r.limit.Store(&limit)
}
