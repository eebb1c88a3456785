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

// Publish writes the record of a replica for ttl, at least a millisecond. It takes Redis a sixth of the time of
// [Heartbeat]. [Heartbeat] has to be called every few seconds in any case.
func Publish(ctx context.Context, rdb redis.UniversalClient, keys Keys, id string, record []byte, ttl time.Duration) error {
	if err := rdb.Set(ctx, keys.Replica(id), record, ttl).Err(); err != nil {
		return fmt.Errorf("lua: publish: %w", err)
	}
	return nil
}

// Heartbeat publishes the record of a replica for ttl, and keeps its id in the set of replicas for forget (both at
// least a millisecond). It returns an operator's recent order, "" for none.
func Heartbeat(ctx context.Context, rdb redis.UniversalClient, keys Keys, id string, record []byte, ttl, forget time.Duration) (order string, err error) {
	names := []string{keys.Replicas(), keys.Replica(id), keys.Order(id)}
	run := func() ([]any, error) {
		return heartbeat.Run(ctx, rdb, names, id, record, ttl.Milliseconds(), forget.Milliseconds()).Slice()
	}
	reply, err := run()
	if err != nil && isWrongType(err) {
		if err = removeWrongTypes(ctx, rdb, map[string]string{names[0]: "zset", names[1]: "string", names[2]: "string"}); err == nil {
			reply, err = run()
		}
	}
	if err != nil {
		return "", fmt.Errorf("lua: heartbeat: %w", err)
	}
	if len(reply) == 2 {
		order, _ = reply[1].(string)
	}
	return order, nil
}
