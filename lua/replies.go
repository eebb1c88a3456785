package lua

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"
)

// forgetAtOnce is how many replies one command removes. That takes Redis a fraction of a millisecond.
const forgetAtOnce = 500

// ForgetReplies removes the stored replies of lanes that a process has removed. If a call of such a lane is then sent
// again, it is charged again.
func ForgetReplies(ctx context.Context, rdb redis.UniversalClient, keys Keys, session string, lanes []string) error {
	for some := range slices.Chunk(lanes, forgetAtOnce) {
		names := make([]string, len(some))
		for i, lane := range some {
			names[i] = laneName(session, lane)
		}
		if err := rdb.HDel(ctx, keys.Replies(session), names...).Err(); err != nil {
			return fmt.Errorf("lua: forgetting replies: %w", err)
		}
	}
	return nil
}

// laneName returns the name of a lane in the fleet.
func laneName(session, lane string) string { return session + ":" + lane }
