package limiter

import (
	"context"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// line returns the store of one lane.
	line(id string) lane.Store
	// forget drops what is kept for removed lanes, each after its last reply. A lane of the same id may be made at that
	// moment, and have calls in flight. The store handles its errors itself.
	forget(ids []string)
	// configure sends changes to the fleet, if any, and returns what is in force.
	configure(ctx context.Context, changes []change, leaving bool) (configuration, error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
	// look reads the buckets of limits as they are now, without changing them.
	look(ctx context.Context, limits []bound) (*view, error)
	// shared reports whether others use the same buckets. If so, calls take time, and others can use what is returned.
	shared() bool
}
