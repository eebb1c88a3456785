package orchestrator

import (
	"slices"
	"strings"
	"time"
)

// Snapshot is the state of an orchestrator at one moment.
type Snapshot struct {
	Counts

	Slots    int        `json:"slots"`
	Pending  int        `json:"pending"`   // tasks that wait to start, for the first time or again
	Cost     int64      `json:"cost"`      // the sum of theirs
	Waiting  int        `json:"waiting"`   // callers that wait for room
	InFlight int        `json:"in_flight"` // tasks that execute
	Stuck    int        `json:"stuck"`     // functions that nobody waits for any more and that have not returned: each has a slot
	Lanes    []Lane     `json:"lanes"`     // by route; those that had something to do lately
	Batches  []Progress `json:"batches"`   // by id; those that have not finished
}

// Counts are numbers that only grow.
type Counts struct {
	Done             int64 `json:"done"`              // tasks that ended with a result
	Failed           int64 `json:"failed"`            // tasks that ended with an error, cancelled ones included
	Retried          int64 `json:"retried"`           // attempts after the first
	OverBudget       int64 `json:"over_budget"`       // tasks that the retry budget did not let run again
	Joined           int64 `json:"joined"`            // tasks that shared the run of another
	Late             int64 `json:"late"`              // reservations that could not be used in time
	Refused          int64 `json:"refused"`           // tasks for which there was no room
	Shed             int64 `json:"shed"`              // tasks that made room for others
	Panicked         int64 `json:"panicked"`          // attempts that panicked
	BatchesUnawaited int64 `json:"batches_unawaited"` // finished batches that were forgotten though nobody had awaited them
}

// Lane is the state of one route's queue.
type Lane struct {
	Route      string `json:"route"`
	Pending    int    `json:"pending"`
	Urgent     int    `json:"urgent"` // of those that are pending, like the two below
	Normal     int    `json:"normal"`
	Background int    `json:"background"`
	OldestMS   int64  `json:"oldest_ms"` // how long the first of them has waited
	InFlight   int    `json:"in_flight"`
	Reserved   int    `json:"reserved"` // reservations asked for or not yet due
	TurnMS     *int64 `json:"turn_ms"`  // until the route comes back with its ticket; null where it does not stand in line
	EtaMS      *int64 `json:"eta_ms"`   // until its queue is empty, at the pace of the last seconds; null where there is none
}

// Snapshot reads the state; it is cheap enough to be read every second.
func (o *Orchestrator) Snapshot() Snapshot {
	o.mu.Lock()
	now := o.now()
	s := Snapshot{
		Counts: o.count, Slots: o.cfg.Slots, Pending: o.room.count, Cost: o.room.cost, Waiting: len(o.room.door),
		InFlight: o.busy.len + o.ready.len, Stuck: len(o.lost), Lanes: make([]Lane, 0, len(o.lanes)),
	}
	for _, n := range o.lanes {
		s.Lanes = append(s.Lanes, n.lookLocked(now))
	}
	s.BatchesUnawaited = o.batches.missed
	live := make([]kept, 0, len(o.batches.byID))
	for _, e := range o.batches.byID {
		if e.state != over {
			live = append(live, e.batch)
		}
	}
	o.mu.Unlock()
	s.Batches = make([]Progress, 0, len(live))
	for _, b := range live {
		s.Batches = append(s.Batches, b.progress())
	}
	slices.SortFunc(s.Lanes, func(a, b Lane) int { return strings.Compare(a.Route, b.Route) })
	slices.SortFunc(s.Batches, func(a, b Progress) int { return strings.Compare(a.ID, b.ID) })
	return s
}

func (n *lane) lookLocked(now int64) Lane {
	const ms = int64(time.Millisecond)
	v := Lane{
		Route: n.route, Pending: n.queue.len, InFlight: n.running, Reserved: n.asked + len(n.held),
		Urgent:     n.queue.lists[Urgent.rank()].len,
		Normal:     n.queue.lists[Normal.rank()].len,
		Background: n.queue.lists[Background.rank()].len,
	}
	if oldest := n.queue.oldest(); oldest != never {
		v.OldestMS = (now - oldest) / ms
	}
	if again := n.again[0]; n.queue.len > 0 && !again.IsZero() {
		turn := max(0, time.Until(again).Milliseconds())
		v.TurnMS = &turn
	}
	if pace := n.starts.perSecond(now); n.queue.len > 0 && pace > 0 {
		eta := int64(float64(n.queue.len) / pace * 1000)
		v.EtaMS = &eta
	}
	return v
}

// rate counts events over the last seconds: those of this span of time and of the one before.
type rate struct {
	span      int64 // since the orchestrator began
	this, was int
}

const rateSpan = int64(5 * time.Second)

func (r *rate) add(now int64) {
	r.pass(now)
	r.this++
}

func (r *rate) pass(now int64) {
	span := now / rateSpan
	switch span - r.span {
	case 0:
		return
	case 1:
		r.was = r.this
	default:
		r.was = 0
	}
	r.this, r.span = 0, span
}

// perSecond is the pace of late: that of this span, and of as much of the one before as makes up a whole one.
func (r *rate) perSecond(now int64) float64 {
	r.pass(now)
	part := float64(now%rateSpan) / float64(rateSpan)
	whole := min(float64(rateSpan), float64(max(now, 1))) // an orchestrator may be younger than that
	return (float64(r.this) + float64(r.was)*(1-part)) / (whole / float64(time.Second))
}
