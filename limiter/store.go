package limiter

import (
	"context"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// line is the way of one lane to the store.
	line(id string) lane.Store
	// forget says that the lanes of these ids are given up, each after its last reply: what is kept for them is of no use. A
	// lane of the same id may be made at that moment, and its calls be under way. Its errors are the store's own affair.
	forget(ids []string)
	// configure tells the fleet of changes, if any, and returns what is in force.
	configure(ctx context.Context, changes []change, leaving bool) (configuration, error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
	// look reads the buckets of limits, as they are at this moment, without changing them.
	look(ctx context.Context, limits []bound) (*view, error)
	// shared reports whether others use the same buckets: calls take time, and what is given back is of use to them.
	shared() bool
}
