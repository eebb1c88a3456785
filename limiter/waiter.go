package limiter

import (
	"errors"
	"time"
)

// waiter is a caller.
type waiter struct {
	cost     int64
	units    int       // how many reservations it takes, at most
	ahead    bool      // takes them before they are due
	atOnce   bool      // takes one that is due when the reply comes, or none
	once     bool      // asks once, and comes back by itself
	urgent   bool      // passes the lines
	deadline time.Time // zero for none
	arrived  time.Time
	done     chan struct{}

	// guarded by the lane's mu until done is closed
	covered bool // a reservation of the pool will be its
	asked   int  // calls to the store that it was part of
	got     []*Reservation
	again   time.Time // where there was nothing once: when to come back
	err     error
}

// errLater ends the wait of one who asks once and stands in line now.
var errLater = errors.New("limiter: not yet")
