package fleet

import (
	"encoding/json"
	"time"

	"github.com/weir-go/weir/limiter"
)

// Replica is the published state of one replica.
type Replica struct {
	limiter.Record

	State State
	Age   time.Duration   // of the record, by Redis' clock
	Raw   json.RawMessage // the record as written, with unknown fields; nil if there is none

	Tasks  *Tasks  // of its orchestrator; nil if it has none
	Server *Server // of its worker; nil if the replica is not a worker
}

// State is the state of a replica.
type State string

// The states of a replica.
const (
	Up       State = "up"
	Draining State = "draining" // accepts no new work, and ends
	Lost     State = "lost"     // silent for longer than announced; its last record may be outdated
	Unknown  State = "unknown"  // its record cannot be read: another version has written it
)

// Tasks is the section of an orchestrator. Package orchestrator documents its fields.
type Tasks struct {
	Slots    int   `json:"slots"`
	Pending  int   `json:"pending"`
	InFlight int   `json:"in_flight"`
	Stuck    int   `json:"stuck,omitempty"`
	Done     int64 `json:"done"`
	Failed   int64 `json:"failed"`
	Retried  int64 `json:"retried,omitempty"`
	Panicked int64 `json:"panicked,omitempty"`

	Lanes   []Lane  `json:"lanes,omitempty"`
	Batches []Batch `json:"batches,omitempty"`
	Omitted int     `json:"omitted,omitempty"`
}

// Lane is the queue of one route.
type Lane struct {
	Route      string `json:"route"`
	Urgent     int    `json:"urgent,omitempty"`
	Normal     int    `json:"normal,omitempty"`
	Background int    `json:"background,omitempty"`
	OldestMS   int64  `json:"oldest_ms,omitempty"`
	InFlight   int    `json:"in_flight,omitempty"`
	EtaMS      *int64 `json:"eta_ms,omitempty"`
	ShutMS     int64  `json:"shut_ms,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

// Batch is the progress of a batch of tasks.
type Batch struct {
	ID     string `json:"id"`
	Done   int    `json:"done"`
	Total  int    `json:"total"`
	Failed int    `json:"failed"`
}

// Server is the section of a worker, under the name [ServerSection].
type Server struct {
	Addr     string `json:"addr"` // at which the worker answers HTTP
	Draining bool   `json:"draining,omitempty"`
	Version  string `json:"version,omitempty"`
}

// The names of the sections that this package reads.
const (
	TasksSection  = "orchestrator"
	ServerSection = "worker"
)

// read sets the replica from the text of its record. The state becomes Unknown if the record cannot be read.
func (r *Replica) read(text string, id string) {
	r.State = Unknown
	var rec limiter.Record
	if json.Unmarshal([]byte(text), &rec) != nil || rec.ID != id || rec.Version != limiter.RecordVersion {
		r.ID = id
		return
	}
	rec.Waiting, rec.OldestMS = bounded(rec.Waiting), max(0, rec.OldestMS)
	for i := range rec.Routes {
		n := &rec.Routes[i]
		n.Waiting, n.Reserved, n.OldestMS = bounded(n.Waiting), bounded(n.Reserved), max(0, n.OldestMS)
	}
	r.Record, r.Raw, r.State = rec, json.RawMessage(text), Up
	section(rec, TasksSection, &r.Tasks)
	section(rec, ServerSection, &r.Server)
	if r.Server != nil && r.Server.Draining {
		r.State = Draining
	}
}

// bounded bounds a count of a record, so that a sum of counts does not overflow.
func bounded(n int) int { return max(0, min(n, 1<<30)) }

// section decodes a section. into stays nil if the section does not exist or cannot be read.
func section[T any](r limiter.Record, name string, into **T) {
	if text, ok := r.Sections[name]; ok {
		v := new(T)
		if json.Unmarshal(text, v) == nil {
			*into = v
		}
	}
}

// Pending returns how many calls and tasks wait in the replica, and how long the oldest has waited.
func (r *Replica) Pending() (n int, oldest time.Duration) {
	n, oldest = r.Waiting, time.Duration(r.OldestMS)*time.Millisecond
	if r.Tasks == nil {
		return n, oldest
	}
	for _, lane := range r.Tasks.Lanes {
		oldest = max(oldest, time.Duration(lane.OldestMS)*time.Millisecond)
	}
	return n + r.Tasks.Pending, oldest
}
