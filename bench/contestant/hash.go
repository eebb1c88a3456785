package contestant

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// hashScript is about the least work of a limiter that uses Redis' clock: it reads the time and a hash, and writes
// the hash.
//
// KEYS[1] the hash
// Reply: 1
const hashScript = `
local key = KEYS[1]
local now = redis.call('TIME')
local was = redis.call('HMGET', key, 'level', 'seen')
redis.call('HSET', key, 'level', was[1] or 0, 'seen', now[1])
return 1`

type hashReplica struct {
	rdb    *redis.Client
	script *redis.Script
	key    string
}

// hash is not a limiter. It shows the cost of one script through go-redis, and allows every call.
func hash() Contestant {
	return Contestant{Name: "EVALSHA of a hash", Yardstick: true, Open: func(ctx context.Context, s Setup) (*Fleet, error) {
		return overGoRedis(ctx, s, func(rdb *redis.Client) (Replica, error) {
			return hashReplica{rdb, redis.NewScript(hashScript), s.Key}, nil
		})
	}}
}

func (r hashReplica) Allow(ctx context.Context) (bool, error) {
	n, err := r.script.Run(ctx, r.rdb, []string{r.key}).Int()
	return n == 1, err
}

func (r hashReplica) Wait(ctx context.Context) error {
	_, err := r.Allow(ctx)
	return err
}
