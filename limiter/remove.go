package limiter

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Remove removes a namespace that nobody uses any more: what has no time to live in Redis, which is the levels of the configured
// limits and what replicas want. Keys with a time to live go by themselves: the levels of buckets that were made at run time, at the
// latest when they are full; the replies of a replica, a minute after its last announcement.
//
// A namespace of which a replica was heard in the last half minute is left alone, and the error says how many there are: to them it
// would be a Redis that has forgotten. Errors of Redis wrap [ErrUnavailable]. A namespace that is not there is removed already.
func Remove(ctx context.Context, rdb redis.UniversalClient, namespace string) error {
	if err := ValidateName("namespace", namespace); err != nil {
		return err
	}
	s, err := ReadSnapshot(ctx, rdb, namespace)
	if err != nil {
		return err
	}
	if s.Live > 0 {
		return fmt.Errorf("limiter: namespace %s is in use by %d replicas", namespace, s.Live)
	}
	keys := lua.Keys(namespace)
	fields, err := rdb.HGetAll(ctx, keys.State()).Result()
	if err != nil {
		return fmt.Errorf("%w: removing namespace %s: %w", ErrUnavailable, namespace, err)
	}
	names := []string{keys.State(), keys.Live(), keys.Wishes(), keys.Replicas()}
	for field := range fields {
		if f, ok := lua.ParseField(field); ok {
			names = append(names, keys.Line(f), keys.Log(f))
		}
	}
	if err := rdb.Del(ctx, names...).Err(); err != nil {
		return fmt.Errorf("%w: removing namespace %s: %w", ErrUnavailable, namespace, err)
	}
	return nil
}
