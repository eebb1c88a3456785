package orchestrator

import (
	"slices"
	"strings"
	"time"

	"github.com/weir-go/weir/orchestrator/internal/core"
)

// Snapshot is the state of an orchestrator at one moment.
type Snapshot struct {
	Counts

	Slots    int        `json:"slots"`
	Pending  int        `json:"pending"`   // tasks that wait to start, for the first time or again
	Weight   int64      `json:"weight"`    // the sum of the weights of pending tasks
	Waiting  int        `json:"waiting"`   // tasks that wait for room
	InFlight int        `json:"in_flight"` // tasks that execute
	Stuck    int        `json:"stuck"`     // functions that still run after their tasks have ended: each has a slot
	Lanes    []Lane     `json:"lanes"`     // by route; only lanes used lately
	Batches  []Progress `json:"batches"`   // by id; unfinished batches that have an id
}

// Counts are counters. Each task that ended is in exactly one of the first nine.
type Counts struct {
	Done             int64 `json:"done"`              // with a result
	Failed           int64 `json:"failed"`            // with an error of its function or of the limiter
	Cancelled        int64 `json:"cancelled"`         // its context ended, or the orchestrator closed
	TimedOut         int64 `json:"timed_out"`         // an attempt took too long, or the deadline could not be met
	Panicked         int64 `json:"panicked"`          // by a panic or runtime.Goexit
	Shed             int64 `json:"shed"`              // ended to make room for more urgent tasks
	RetriesSpent     int64 `json:"retries_spent"`     // with an error, because the retry budget was spent
	HandedBack       int64 `json:"handed_back"`       // handed back by a drain
	Refused          int64 `json:"refused"`           // tasks that were not accepted
	Retried          int64 `json:"retried"`           // attempts after the first
	Joined           int64 `json:"joined"`            // callers that shared the run of another task
	Late             int64 `json:"late"`              // reservations that could not be used in time
	BatchesUnawaited int64 `json:"batches_unawaited"` // finished batches that were forgotten unawaited
}

// Lane is the state of one route's queue.
type Lane struct {
	Route      string `json:"route"`
	Pending    int    `json:"pending"`
	Urgent     int    `json:"urgent"` // pending tasks by class, like the two below
	Normal     int    `json:"normal"`
	Background int    `json:"background"`
	OldestMS   int64  `json:"oldest_ms"` // how long the oldest pending task has waited
	InFlight   int    `json:"in_flight"`
	Reserved   int    `json:"reserved"`         // reservations asked for or not yet due
	TurnMS     *int64 `json:"turn_ms"`          // until the route asks again; null if it does not wait in line
	EtaMS      *int64 `json:"eta_ms"`           // until the queue is empty at the latest pace; null if unknown
	ShutMS     int64  `json:"shut_ms"`          // until the route is open again: see [Orchestrator.Shut]
	Reason     string `json:"reason,omitempty"` // why the route is shut
}

// Snapshot returns the state. It takes time in proportion to the routes that were used lately, not to tasks.
func (o *Orchestrator) Snapshot() Snapshot {
	var state core.State
	o.look(func(c *core.Core, now core.Time) { state = c.Look(now) })
	live, unseen := o.batches.unfinished()
	s := Snapshot{
		Counts: o.observe.counted(), Slots: o.cfg.Slots, Pending: state.Pending, Weight: state.Weight, Waiting: state.Outside,
		InFlight: state.Executing, Stuck: state.Stuck, Lanes: make([]Lane, 0, len(state.Lanes)), Batches: make([]Progress, 0, len(live)),
	}
	s.Retried, s.Late, s.BatchesUnawaited = state.Retried, state.Late, unseen
	for _, n := range state.Lanes {
		s.Lanes = append(s.Lanes, laneOf(n))
	}
	for _, b := range live {
		s.Batches = append(s.Batches, b.progress())
	}
	slices.SortFunc(s.Lanes, func(a, b Lane) int { return strings.Compare(a.Route, b.Route) })
	slices.SortFunc(s.Batches, func(a, b Progress) int { return strings.Compare(a.ID, b.ID) })
	return s
}

func laneOf(n core.LaneState) Lane {
	v := Lane{
		Route: n.Route, InFlight: n.Running, Reserved: n.Reserved, ShutMS: n.Shut.Milliseconds(), Reason: n.Reason,
		Urgent: n.Pending[core.Urgent], Normal: n.Pending[core.Normal], Background: n.Pending[core.Background],
		OldestMS: slices.Max(n.Oldest[:]).Milliseconds(),
	}
	v.Pending = v.Urgent + v.Normal + v.Background
	if n.Turn >= 0 {
		turn := n.Turn.Milliseconds()
		v.TurnMS = &turn
	}
	if v.Pending > 0 && n.Pace > 0 {
		eta := int64(float64(v.Pending) / n.Pace * float64(time.Second/time.Millisecond))
		v.EtaMS = &eta
	}
	return v
}
