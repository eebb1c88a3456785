package lua

import (
	"context"
	_ "embed" // the scripts
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

//go:embed heartbeat.lua
var heartbeatSource string

var heartbeat = redis.NewScript(heartbeatSource)

// Heartbeat publishes the snapshot of a replica for ttl, and keeps its id in the set of replicas for forget (both at
// least a millisecond). It returns the time of the Redis clock.
func Heartbeat(ctx context.Context, rdb redis.UniversalClient, keys Keys, id string, snapshot []byte, ttl, forget time.Duration) (time.Time, error) {
	run := func() (int64, error) {
		return heartbeat.Run(ctx, rdb, []string{keys.Replicas(), keys.Replica(id)},
			id, snapshot, ttl.Milliseconds(), forget.Milliseconds()).Int64()
	}
	us, err := run()
	if err != nil && isWrongType(err) {
		if err = removeWrongTypes(ctx, rdb, map[string]string{keys.Replicas(): "zset", keys.Replica(id): "string"}); err == nil {
			us, err = run()
		}
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("lua: heartbeat: %w", err)
	}
	return time.UnixMicro(us), nil
}
