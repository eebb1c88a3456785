package orchestrator

// lanes is a set of lanes, in the order in which they came to it. The links are in the lanes.
type lanes struct{ first, last *place }

// place is a lane's place in a set.
type place struct {
	n          *lane
	prev, next *place
	in         bool
}

// keep puts a lane into the set or takes it out.
func (s *lanes) keep(p *place, in bool) {
	if in == p.in {
		return
	}
	p.in = in
	if in {
		p.prev, p.next = s.last, nil
		if s.last == nil {
			s.first = p
		} else {
			s.last.next = p
		}
		s.last = p
		return
	}
	if p.prev == nil {
		s.first = p.next
	} else {
		p.prev.next = p.next
	}
	if p.next == nil {
		s.last = p.prev
	} else {
		p.next.prev = p.prev
	}
	p.prev, p.next = nil, nil
}
