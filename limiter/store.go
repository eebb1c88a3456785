package limiter

import (
	"context"
	"errors"
)

// ask is a number of equal wishes of a call to a store.
type ask struct {
	n        int
	cost     int64
	patience int64 // µs, longest wait; negative waits without end
	urgent   bool  // passes the lines
}

type verdict int

const (
	reserved verdict = iota
	refused          // beyond its patience; nothing was taken
	waits            // stands in line
)

// back is a reservation that nobody here uses, on its way to whom it may serve elsewhere.
type back struct {
	due  int64 // µs, the store's clock
	cost int64
}

// call is one call to a store and its reply. A lane has one, and uses it again and again.
type call struct {
	lead    int64 // µs: nothing is due sooner than this from now
	asks    []ask
	tickets []ticket // of the last reply to this lane, nil for none
	backs   []back

	now      int64     // µs, the store's clock
	answers  []planned // for the asks in order
	comeBack int64     // µs from now, when those that wait should ask again; negative if none waits
	next     []ticket  // to ask again with, one for each limit of the route
}

// store keeps the buckets: Redis for a fleet, memory for one process.
type store interface {
	// line is the way of one lane to the store.
	line(id string) line
	// configure tells the fleet of changes, if any, and returns what is in force.
	configure(ctx context.Context, changes []change, leaving bool) (configuration, error)
	// snapshot reads the state of every bucket without changing it.
	snapshot(ctx context.Context) (Snapshot, error)
	// shared reports whether others use the same buckets: calls take time, and what is given back is of use to them.
	shared() bool
}

// line asks for tokens on every bucket of a route. Calls of one line come one at a time.
type line interface {
	reserve(r *route, c *call) error
}

// errOutdated reports that the configuration in force is not the one that the call was made with: nothing was done.
var errOutdated = errors.New("limiter: configuration outdated")
