package adapt

import (
	"strconv"
	"strings"
)

// State is what a bucket has learnt from its provider's answers. Every number is a whole number that is exact in a
// float64, so that a record of numbers as text keeps it exactly. Times are µs of the store's clock; parts are ppm of
// the configured rate.
type State struct {
	// From refused calls, 429.
	Limit    int64 // ppm: the highest rate that seems to be accepted
	Cut      int64 // µs: a refusal of a grant that was due until then belongs to the last event; 0 for none
	Was      int64 // ppm: the rate at the last event
	Began    int64 // µs: the due time of the grant whose refusal made it an event
	More     int64 // refusals of the last event
	Refusals Count // since the last event

	// From an overloaded provider, 529 or 503.
	Slow      int64 // ppm: the rate at which the provider is asked
	Slowed    int64 // µs: as Cut
	Overloads Count // since the last event

	// From the answers that contain what remains.
	Heard int64 // µs: when the newest answer arrived; 0 for none
	Share int64 // ppm: the rate that follows from it

	// For an unknown limit: see [State.Enter].
	Told int64 // ppm: the limit by an answer; 0 for none
	Seen int64 // µs: when the bucket was used last; 0 for never
	Idle int64 // µs since the last event in which the bucket was not used
}

// String returns the numbers in the order of the fields, with commas between, as in a record.
func (s State) String() string {
	b := make([]byte, 0, 128)
	for i, n := range [...]int64{
		s.Limit, s.Cut, s.Was, s.Began, s.More, s.Refusals.First, s.Refusals.Reports, s.Slow, s.Slowed, s.Overloads.First, s.Overloads.Reports,
		s.Heard, s.Share, s.Told, s.Seen, s.Idle,
	} {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendInt(b, n, 10)
	}
	return string(b)
}

// Parse reads what String writes, and bounds it to what the rule can have made of it. It reports whether text is such
// numbers.
func Parse(text string, l Limit, now int64) (s State, ok bool) {
	words := strings.Split(text, ",")
	to := [...]*int64{
		&s.Limit, &s.Cut, &s.Was, &s.Began, &s.More, &s.Refusals.First, &s.Refusals.Reports, &s.Slow, &s.Slowed, &s.Overloads.First,
		&s.Overloads.Reports, &s.Heard, &s.Share, &s.Told, &s.Seen, &s.Idle,
	}
	if len(words) != len(to) {
		return State{}, false
	}
	for i, word := range words {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return State{}, false
		}
		*to[i] = n
	}
	return s.Bounded(l, now), true
}

// Count counts reports whose grants were due close together.
type Count struct {
	First   int64 // µs: due time of the first; 0 for none
	Reports int64
}

// New returns the state of a bucket that has learnt nothing.
func New() State { return State{Limit: Whole, Was: Whole, Slow: Whole, Share: Whole} }

// Bounded returns the state with every number bounded to what the rule can have made of it by a time. A record may have
// been damaged, and the limit may have been another.
func (s State) Bounded(l Limit, now int64) State {
	far := now + l.Horizon
	count := func(c Count) Count { return Count{bound(c.First, 0, far), bound(c.Reports, 0, most)} }
	s.Limit, s.Was = bound(s.Limit, l.Floor(), Whole), bound(s.Was, l.Floor(), Whole)
	s.Cut = bound(s.Cut, 0, far)
	s.Began = bound(s.Began, 0, s.Cut)
	s.More = bound(s.More, 0, most)
	s.Refusals = count(s.Refusals)
	s.Slow = bound(s.Slow, l.crawl(), Whole)
	s.Slowed = bound(s.Slowed, 0, far)
	s.Overloads = count(s.Overloads)
	s.Heard = bound(s.Heard, 0, now)
	s.Share = bound(s.Share, l.Floor(), Whole)
	s.Told, s.Seen, s.Idle = bound(s.Told, 0, Whole), bound(s.Seen, 0, now), bound(s.Idle, 0, now)
	return s
}

// Factor returns the rate of the bucket at a time, in ppm of the configured rate: at least Floor, at most Whole.
func (s *State) Factor(l Limit, now int64) int64 {
	factor := min(s.found(l, now), s.eased(now))
	if s.fresh(l, now) {
		factor = min(factor, s.Share)
	}
	return factor
}

// Hope returns the rate that callers with a long wait may count on: what refusals allow. It ignores an overload and a
// low remaining quota, because both end soon.
func (s *State) Hope(l Limit, now int64) int64 { return s.found(l, now) }

// Forgotten reports whether no report counts any more: the bucket is as one that has learnt nothing.
func (s *State) Forgotten(l Limit, now int64) bool {
	return l.Start == 0 && now-max(s.Cut, s.Slowed, s.Refusals.First, s.Overloads.First, s.Heard) >= forgotten*l.pace()
}

// due bounds the due time of a report: no reservation is due beyond the horizon.
func (l Limit) due(now, due int64) int64 { return bound(due, 0, now+l.Horizon) }
