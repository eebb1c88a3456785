package contestant

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/ulule/limiter/v3"
	store "github.com/ulule/limiter/v3/drivers/store/redis"
)

type ululeReplica struct {
	l   *limiter.Limiter
	key string
}

// ulule returns the limiter of ulule. A window begins with its first call, and all its calls may start at once, so the burst is the rate.
func ulule() Contestant {
	return Contestant{Name: "ulule", Open: func(ctx context.Context, s Setup) (*Fleet, error) {
		return overGoRedis(ctx, s, func(rdb *redis.Client) (Replica, error) {
			st, err := store.NewStore(rdb)
			if err != nil {
				return nil, err
			}
			l := limiter.New(st, limiter.Rate{Period: time.Second, Limit: int64(s.Rate)})
			return polled{ululeReplica{l, s.Key}}, nil
		})
	}}
}

func (r ululeReplica) ask(ctx context.Context) (bool, time.Duration, error) {
	c, err := r.l.Get(ctx, r.key)
	if err != nil {
		return false, 0, err
	}
	// Reset is in whole seconds, rounded down. In the last part of a window it is in the past.
	return !c.Reached, time.Until(time.Unix(c.Reset, 0)), nil
}
