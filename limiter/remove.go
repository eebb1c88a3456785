package limiter

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Remove removes a namespace that nobody uses any more. It deletes the keys without a time to live in Redis: the levels
// of the configured limits, and the limits that replicas want. The other keys expire on their own: the levels of
// buckets made at run time, when they are full at the latest; the replies of a replica, a minute after its last
// announcement.
//
// If a replica of the namespace has announced itself in the last half minute, Remove changes nothing and returns an
// error with the number of such replicas: for them the namespace would be a loss. Errors of Redis wrap
// [ErrUnavailable]. If the namespace does not exist, Remove returns nil.
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
