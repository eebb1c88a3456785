package contestant

import (
	"context"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/throttled/throttled/v2"
	"github.com/throttled/throttled/v2/store/goredisstore.v9"
)

type throttledReplica struct {
	l   *throttled.GCRARateLimiterCtx
	key string
}

// throttledGCRA returns the limiter of throttled. It reads TIME and the level in one round trip and writes the level in another. If another
// client has written the level meanwhile, it tries again, ten times at most, and then returns an error.
func throttledGCRA() Contestant {
	return Contestant{
		Name: "throttled",
		Calls: func(commands map[string]int64) int64 {
			return commands["time"] + commands["eval"] + commands["setnx"]
		},
		Open: func(ctx context.Context, s Setup) (*Fleet, error) {
			return overGoRedis(ctx, s, func(rdb *redis.Client) (Replica, error) {
				st, err := goredisstore.NewCtx(rdb, "throttled:")
				if err != nil {
					return nil, err
				}
				quota := throttled.RateQuota{MaxRate: throttled.PerSec(s.Rate), MaxBurst: s.Burst - 1}
				l, err := throttled.NewGCRARateLimiterCtx(st, quota)
				return polled{throttledReplica{l, s.Key}}, err
			})
		},
	}
}

func (r throttledReplica) ask(ctx context.Context) (bool, time.Duration, error) {
	limited, res, err := r.l.RateLimitCtx(ctx, r.key, 1)
	if err != nil {
		return false, 0, err
	}
	return !limited, res.RetryAfter, nil
}
