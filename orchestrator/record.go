package orchestrator

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"
)

// SectionName is the name of the section that an orchestrator adds to the record of its replica, see
// [limiter.Limiter.Section].
const SectionName = "orchestrator"

// Record is the part of an orchestrator in the record of its replica: a [Snapshot] in at most 3 KiB of JSON.
type Record struct {
	Slots    int   `json:"slots"`
	Pending  int   `json:"pending"`   // tasks that wait to start, for the first time or again
	InFlight int   `json:"in_flight"` // tasks that execute
	Stuck    int   `json:"stuck,omitempty"`
	Done     int64 `json:"done"`   // tasks that ended with a result
	Failed   int64 `json:"failed"` // tasks that ended otherwise
	Retried  int64 `json:"retried,omitempty"`
	Panicked int64 `json:"panicked,omitempty"`

	Lanes   []LaneRecord `json:"lanes,omitempty"`   // at most 64, lanes with the oldest tasks first
	Batches []Progress   `json:"batches,omitempty"` // at most 64, batches with most tasks left first
	Omitted int          `json:"omitted,omitempty"` // lanes and batches that were left out
}

// LaneRecord is a [Lane] in a record. Zero fields are left out.
type LaneRecord struct {
	Route      string `json:"route"`
	Urgent     int    `json:"urgent,omitempty"` // tasks that wait to start, by class
	Normal     int    `json:"normal,omitempty"`
	Background int    `json:"background,omitempty"`
	OldestMS   int64  `json:"oldest_ms,omitempty"`
	InFlight   int    `json:"in_flight,omitempty"`
	EtaMS      *int64 `json:"eta_ms,omitempty"`
	ShutMS     int64  `json:"shut_ms,omitempty"`
	Reason     string `json:"reason,omitempty"`
}

const (
	maxRecord    = 3 << 10 // bytes
	mostRecorded = 64
	longestWord  = 64 // bytes of a batch's id or of a reason
)

// publishes is a limiter that publishes a record of its replica.
type publishes interface {
	Section(name string, value func() any) error
}

// record returns the present state, cut to its bounds.
func (o *Orchestrator) record() any {
	s := o.Snapshot()
	r := Record{
		Slots: s.Slots, Pending: s.Pending, InFlight: s.InFlight, Stuck: s.Stuck, Done: s.Done, Retried: s.Retried, Panicked: s.Panicked,
		Failed: s.Failed + s.Cancelled + s.TimedOut + s.Panicked + s.Shed + s.RetriesSpent + s.HandedBack,
	}
	var lanes []LaneRecord
	for _, n := range s.Lanes {
		lanes = append(lanes, LaneRecord{n.Route, n.Urgent, n.Normal, n.Background, n.OldestMS, n.InFlight, n.EtaMS, n.ShutMS, word(n.Reason)})
	}
	slices.SortFunc(lanes, func(a, b LaneRecord) int {
		return cmp.Or(-cmp.Compare(a.OldestMS, b.OldestMS), strings.Compare(a.Route, b.Route))
	})
	batches := s.Batches
	for i := range batches {
		batches[i].ID = word(batches[i].ID)
	}
	slices.SortStableFunc(batches, func(a, b Progress) int { return cmp.Compare(b.Total-b.Done, a.Total-a.Done) })
	for most := mostRecorded; ; most /= 2 {
		r.Lanes, r.Batches = lanes[:min(most, len(lanes))], batches[:min(most, len(batches))]
		r.Omitted = len(lanes) - len(r.Lanes) + len(batches) - len(r.Batches)
		if text, err := json.Marshal(r); most == 0 || err == nil && len(text) <= maxRecord {
			return r
		}
	}
}

// word returns the beginning of a text that may be long.
func word(s string) string {
	if len(s) <= longestWord {
		return s
	}
	return strings.ToValidUTF8(s[:longestWord], "") + "…"
}
