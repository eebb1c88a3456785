package lua

import (
	"context"

	"github.com/redis/go-redis/v9"
)

// getOwn reads the level of a limit that was made at run time. Readers outside the fleet never do: such limits belong
// to one replica.
func getOwn(ctx context.Context, p redis.Pipeliner, keys Keys, l Limit) *redis.StringCmd {
	return p.Get(ctx, keys.Own(l.Field))
}
