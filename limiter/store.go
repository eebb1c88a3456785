package limiter

import (
	"context"
	"time"
)

// ask is one wish of a call to a store.
type ask struct {
	cost     int64
	patience time.Duration // longest wait; negative waits without end
}

// answer is what became of an ask: leave to start at a time, or the earliest time beyond its patience.
type answer struct {
	reserved bool
	at       int64  // µs, the store's clock
	bucket   string // that set it; "" when it is now
}

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// reserve asks for tokens on every bucket of a route; nothing is due sooner than lead from now. Calls of one route
	// come one at a time.
	reserve(ctx context.Context, r *route, lead time.Duration, asks []ask) (now int64, answers []answer, err error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
}
