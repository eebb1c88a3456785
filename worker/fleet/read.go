package fleet

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Seen is a replica as a reader sees it.
type Seen struct {
	Replica

	Age  time.Duration // of its last heartbeat, by Redis' clock
	Lost bool          // silent for [LostAfter]; what it said last may be gone
}

// Read returns the replicas of a namespace, the longest in the list first.
func Read(ctx context.Context, rdb redis.UniversalClient, namespace string) ([]Seen, error) {
	keys := lua.Keys(namespace)
	var now *redis.TimeCmd
	var beats *redis.ZSliceCmd
	_, err := rdb.Pipelined(ctx, func(pipe redis.Pipeliner) error {
		now, beats = pipe.Time(ctx), pipe.ZRangeWithScores(ctx, keys.Replicas(), 0, -1)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("fleet: reading namespace %s: %w", namespace, err)
	}
	if len(beats.Val()) == 0 {
		return nil, nil
	}
	names := make([]string, len(beats.Val()))
	seen := make([]Seen, len(names))
	for i, z := range beats.Val() {
		id, _ := z.Member.(string)
		names[i] = keys.Replica(id)
		seen[i].ID = id
		seen[i].Age = max(0, now.Val().Sub(time.UnixMilli(int64(z.Score))))
		seen[i].Lost = seen[i].Age > LostAfter
	}
	said, err := rdb.MGet(ctx, names...).Result()
	if err != nil {
		return nil, fmt.Errorf("fleet: reading namespace %s: %w", namespace, err)
	}
	for i, v := range said {
		text, ok := v.(string)
		if !ok {
			continue
		}
		r := Replica{}
		if err := json.Unmarshal([]byte(text), &r); err != nil || r.ID != seen[i].ID {
			continue // another version's words: its heartbeat still counts
		}
		seen[i].Replica = r
	}
	return seen, nil
}
