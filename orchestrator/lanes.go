package orchestrator

import "slices"

// lanes is a set of lanes, in the order in which they came to it: those whose tasks are of the same age take turns.
type lanes struct{ places []*place }

// place is a lane's place in a set.
type place struct {
	n  *lane
	in bool // it is in the set
}

// keep puts a lane into the set or takes it out.
func (s *lanes) keep(p *place, in bool) {
	switch {
	case in == p.in:
		return
	case in:
		s.places = append(s.places, p)
	default:
		at := slices.Index(s.places, p)
		s.places = slices.Delete(s.places, at, at+1)
	}
	p.in = in
}

// richest is the lane of the set with the most reservations that are not due, of those that hold more slots than some;
// nil if there is none.
func (s *lanes) richest(slots int) *lane {
	var most *lane
	for _, p := range s.places {
		if p.n.holds() > slots && (most == nil || len(p.n.held) > len(most.held)) {
			most = p.n
		}
	}
	return most
}
