package tui

import (
	"time"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// screen is one of the six.
type screen int

const (
	fleetScreen screen = iota
	bucketScreen
	replicaScreen
	batchScreen
	redisScreen
	eventScreen
	screens // how many there are
)

func (s screen) String() string {
	return [...]string{"Fleet", "Buckets", "Replicas", "Batches", "Redis", "Events"}[s]
}

// filtered is the screen whose filter a screen obeys: a name of a bucket chooses no replica.
func (s screen) filtered() screen {
	switch s {
	case replicaScreen, eventScreen:
		return s
	}
	return bucketScreen
}

// data is what has been read.
type data struct {
	namespace, addr string

	history  report.History
	received time.Time // when the reading of the last report began, by the clock of this machine; zero where none has succeeded

	broken      string // why the last reading failed, "" where it did not
	brokenSince time.Time

	why       *report.Why // nil where it is unknown
	whyOf     string      // the bucket it is of
	whyBroken string      // why it is unknown, "" where nobody has asked

	events []event         // oldest first
	met    map[string]bool // replicas that have been there
	acted  report.Event    // the latest of operators
}

// state is what the operator has chosen.
type state struct {
	now             time.Time // by the clock of this machine
	interval, stale time.Duration

	screen  screen
	cursors [screens]cursor
	sorts   [screens]string // the title of the column by which rows are sorted, "" for the order of the screen
	filters [screens]report.Filter

	editing  bool   // a filter is being typed
	input    string // what has been typed
	inputBad string // why that is no filter
	write    bool   // the view may change the fleet
	confirm  *confirming

	faults, wide, frozen, help bool

	detail string // the bucket whose detail is open, "" for none
	offset int    // lines by which the detail or the help is scrolled
	notice string // what the last key could not do
}

// cursor is the row that is chosen on a screen. The key finds it again wherever it moves; the place serves once the row has gone.
type cursor struct {
	key   string
	place int
}

// in returns the index of the chosen row, 0 where there are none.
func (c cursor) in(keys []string) int {
	for i, k := range keys {
		if k == c.key {
			return i
		}
	}
	return max(0, min(c.place, len(keys)-1))
}

// filter is the one that the screen obeys.
func (s *state) filter() report.Filter { return s.filters[s.screen.filtered()] }

// age is how old the data is.
func (s *state) age(d *data) time.Duration { return max(0, s.now.Sub(d.received)) }

// old reports whether the data must not look live: it is older than allowed, or the last reading failed.
func (s *state) old(d *data) bool {
	return !d.received.IsZero() && (d.broken != "" || s.age(d) > s.stale)
}
