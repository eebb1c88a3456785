package limiter

import (
	"context"
	"time"
)

// ask is one wish of a call to a store.
type ask struct {
	cost     int64
	patience time.Duration // longest wait; negative waits without end
	urgent   bool          // passes the lines
}

// answer is what became of an ask.
type answer struct {
	verdict verdict
	at      time.Duration // from reply.now: due, or the earliest that it could have been, or the time expected
	bucket  string        // that set it; "" when it is at once
}

type verdict int

const (
	reserved verdict = iota
	refused          // beyond its patience; nothing was taken
	waits            // stands in line
)

// reply is the answer of a store.
type reply struct {
	now      int64 // µs, the store's clock
	answers  []answer
	comeBack time.Duration // from now, when those that wait should ask again; negative if none waits
	tickets  []ticket      // to ask again with, one for each limit of the route
}

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// reserve asks for tokens on every bucket of a route; nothing is due sooner than lead from now. Tickets are those of
	// the last reply to this lane, nil for none. Calls of one lane come one at a time.
	reserve(r *route, lane string, lead time.Duration, asks []ask, tickets []ticket) (reply, error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
}
