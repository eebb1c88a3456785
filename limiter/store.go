package limiter

import (
	"context"
	"errors"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// back is a reservation that nobody here uses, on its way to whom it may serve elsewhere.
type back struct {
	due  int64 // µs, the store's clock
	cost int64
}

// call is one call to a store and its reply. A lane has one, and uses it again and again.
type call struct {
	lead  int64 // µs: nothing is due sooner than this from now
	asks  []bucket.Ask
	backs []back

	runs     int   // of scripts, that the call took
	now      int64 // µs, the store's clock
	answers  []bucket.Answer
	comeBack int64 // µs from now, when those that wait should ask again; negative if nobody waits
}

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// line is the way of one lane to the store.
	line(id string) line
	// forget says that the lanes of these ids are given up, each after its last reply: what is kept for them is of no use. A
	// lane of the same id may be made at that moment, and its calls be under way. Its errors are the store's own affair.
	forget(ids []string)
	// configure tells the fleet of changes, if any, and returns what is in force.
	configure(ctx context.Context, changes []change, leaving bool) (configuration, error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
	// shared reports whether others use the same buckets: calls take time, and what is given back is of use to them.
	shared() bool
}

// line asks for tokens on every bucket of a route. Calls of one line come one at a time. Each call replaces the lane's place
// in line; one without asks gives it up.
type line interface {
	reserve(r *route, c *call) error
}

// errOutdated reports that the configuration in force is not the one that the call was made with: nothing was done.
var errOutdated = errors.New("limiter: configuration outdated")
