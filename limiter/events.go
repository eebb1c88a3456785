package limiter

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/lua"
)

// Event is one action of an operator.
type Event struct {
	At   time.Time // of Redis' clock
	What string
	Of   string // "bucket NAME", "replica NAME" or "fleet"
	By   string
}

// ReadEvents reads at most n actions of operators in a namespace, of the last week, latest first, in one command.
// Errors wrap [ErrUnavailable].
func ReadEvents(ctx context.Context, rdb redis.UniversalClient, namespace string, n int64) ([]Event, error) {
	entries, err := rdb.XRevRangeN(ctx, lua.Keys(namespace).Events(), "+", "-", n).Result()
	if err != nil {
		return nil, fmt.Errorf("%w: reading events of %s: %w", ErrUnavailable, namespace, err)
	}
	out := make([]Event, 0, len(entries))
	for _, m := range entries {
		e := Event{}
		e.What, _ = m.Values["what"].(string)
		e.Of, _ = m.Values["of"].(string)
		e.By, _ = m.Values["by"].(string)
		var ms int64
		if _, err := fmt.Sscanf(m.ID, "%d-", &ms); err == nil {
			e.At = time.UnixMilli(min(ms, latest/1000))
		}
		out = append(out, e)
	}
	return out, nil
}
