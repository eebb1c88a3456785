package tui

import (
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// screen is one of the six screens.
type screen int

const (
	fleetScreen screen = iota
	bucketScreen
	replicaScreen
	batchScreen
	redisScreen
	eventScreen
	screens // the number of screens
)

func (s screen) String() string {
	return [...]string{"Fleet", "Buckets", "Replicas", "Batches", "Redis", "Events"}[s]
}

// filtered returns the screen whose filter applies to a screen. Replicas and events have filters of their own, because their names are not buckets'.
func (s screen) filtered() screen {
	switch s {
	case replicaScreen, eventScreen:
		return s
	}
	return bucketScreen
}

// data is the result of the readings.
type data struct {
	namespace, addr string

	history  report.History
	received time.Time // when the reading of the last report began, by the clock of this machine; zero before the first report

	broken      string // why the last reading failed; "" if it succeeded
	brokenSince time.Time

	why       *report.Why // of the bucket whyOf; nil if unknown
	whyOf     string      // the bucket whose reasons were read last
	whyBroken string      // why the reasons could not be read; "" if they were

	events []event         // oldest first
	met    map[string]bool // replicas that the view has seen
	acted  report.Event    // the newest event of operators in events
}

// state is the choices of the operator.
type state struct {
	now             time.Time // by the clock of this machine
	interval, stale time.Duration

	screen  screen
	cursors [screens]cursor
	sorts   [screens]string // the title of the column by which rows are sorted, "" for the order of the screen
	filters [screens]report.Filter

	editing  bool   // the operator types a filter
	input    string // the typed text
	inputBad string // why the typed text is not a filter
	write    bool   // the view may change the fleet
	confirm  *confirming

	faults, wide, frozen, help bool

	detail string // the bucket whose detail is open, "" for none
	offset int    // lines by which the detail or the help is scrolled
	notice string // the result of the last key, or why it had none
}

// cursor is the selected row of a screen. key finds the row after it has moved. If the row is gone, place is used.
type cursor struct {
	key   string
	place int
}

// in returns the index of the selected row, 0 if there are no rows.
func (c cursor) in(keys []string) int {
	for i, k := range keys {
		if k == c.key {
			return i
		}
	}
	return max(0, min(c.place, len(keys)-1))
}

// filter returns the filter that applies to the screen.
func (s *state) filter() report.Filter { return s.filters[s.screen.filtered()] }

// age returns how old the data is.
func (s *state) age(d *data) time.Duration { return max(0, s.now.Sub(d.received)) }

// old reports whether the data must not look live: it is older than allowed, or the last reading failed.
func (s *state) old(d *data) bool {
	return !d.received.IsZero() && (d.broken != "" || s.age(d) > s.stale)
}
