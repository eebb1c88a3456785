package lua

import (
	"context"
	"fmt"
	"strings"

	"github.com/redis/go-redis/v9"
)

// isWrongType reports whether a script met a key of a type that it does not write.
func isWrongType(err error) bool { return strings.Contains(err.Error(), "WRONGTYPE") }

// removeWrongTypes removes the keys that have another type than this package gives them. Nobody can use such keys.
func removeWrongTypes(ctx context.Context, rdb redis.UniversalClient, types map[string]string) error {
	for key, want := range types {
		got, err := rdb.Type(ctx, key).Result()
		if err != nil {
			return fmt.Errorf("type of %s: %w", key, err)
		}
		if got != want && got != "none" {
			if err := rdb.Del(ctx, key).Err(); err != nil {
				return fmt.Errorf("removing %s, a %s: %w", key, got, err)
			}
		}
	}
	return nil
}
