package adapt

import "math"

// Answer is what a provider's answer contains about its limit.
type Answer struct {
	Heard     int64 // µs: when the answer arrived
	Limit     int64 // tokens in a period
	Period    int64 // µs; 0 if unknown: then the limit is taken as the configured rate
	Remaining int64 // tokens
	UnderWay  int64 // tokens of reservations and calls that the answer does not count yet
}

// reserve is a part of the limit. If less than that remains, the rate falls with it, so that a fleet that shares the
// limit with strangers slows down before the limit is exceeded.
const reserve = 0.25

// Remaining takes in an answer if it is the newest by its own time, and reports whether it is.
func (s *State) Remaining(l Limit, now int64, a Answer) bool {
	arrived := min(now, a.Heard)
	if arrived <= s.Heard || a.Limit < 1 {
		return false
	}
	left := math.Max(0, float64(a.Remaining)-float64(a.UnderWay))
	part := math.Min(1, left/(reserve*float64(a.Limit)))
	whole := 1.0
	if a.Period > 0 {
		whole = math.Min(1, float64(a.Limit)*float64(l.Per)/float64(l.Tokens)/float64(a.Period))
	}
	if l.Start > 0 && a.Period > 0 {
		s.Told = max(1, int64(math.Floor(Whole*whole)))
	}
	s.Heard, s.Share = arrived, bound(int64(math.Floor(Whole*whole*part)), l.Floor(), Whole)
	return true
}

// fresh reports whether the answers still show what remains. While they do, no rate is a probe: a single refusal is no
// event.
func (s *State) fresh(l Limit, now int64) bool { return s.Heard > 0 && now-s.Heard < 2*l.pace() }
