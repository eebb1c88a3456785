package contestant

import (
	"context"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
)

type redisRateReplica struct {
	l     *redis_rate.Limiter
	key   string
	limit redis_rate.Limit
}

func redisRate() Contestant {
	return Contestant{Name: "redis_rate", Open: func(ctx context.Context, s Setup) (*Fleet, error) {
		return overGoRedis(ctx, s, func(rdb *redis.Client) (Replica, error) {
			limit := redis_rate.Limit{Rate: s.Rate, Burst: s.Burst, Period: time.Second}
			return polled{redisRateReplica{redis_rate.NewLimiter(rdb), s.Key, limit}}, nil
		})
	}}
}

func (r redisRateReplica) ask(ctx context.Context) (bool, time.Duration, error) {
	res, err := r.l.Allow(ctx, r.key, r.limit)
	if err != nil {
		return false, 0, err
	}
	return res.Allowed > 0, res.RetryAfter, nil
}
