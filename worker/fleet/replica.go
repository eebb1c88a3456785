package fleet

import "time"

// Replica is what one replica says of itself.
type Replica struct {
	ID       string    `json:"id"`
	Host     string    `json:"host"`
	PID      int       `json:"pid"`
	Addr     string    `json:"addr"` // of its HTTP server
	Version  string    `json:"version"`
	Started  time.Time `json:"started"` // its own clock
	Draining bool      `json:"draining"`
	Slots    int       `json:"slots"`
	Pending  int       `json:"pending"`   // tasks that wait to start
	InFlight int       `json:"in_flight"` // tasks that execute
	Done     int64     `json:"done"`      // tasks that ended with a result
	Failed   int64     `json:"failed"`    // tasks that ended with an error
	Calls    int64     `json:"calls"`     // of its limiter to Redis
}

const (
	// Interval is the time between two heartbeats.
	Interval = 2 * time.Second
	// LostAfter is the silence after which a replica counts as lost.
	LostAfter = 10 * time.Second

	keep   = time.Minute
	forget = 10 * time.Minute
)
