package adapt

// Enter notes that a bucket with an unknown limit is used. Such a bucket begins at Start. The rate doubles each second
// until the provider refuses calls, or until an answer names the limit. Then it follows the provider as others do. Time
// counts only while the bucket is used: a rate that nobody has tried proves nothing.
func (s *State) Enter(l Limit, now int64) {
	if l.Start == 0 {
		return
	}
	if s.Seen == 0 {
		s.Limit, s.Cut = bound(l.Start, l.Floor(), Whole), max(s.Cut, now)
	} else {
		s.Idle += max(0, now-s.Seen-second)
	}
	s.Seen = max(s.Seen, now)
}

// untried returns the rate of an unknown limit that the provider has never refused.
func (s *State) untried(since int64) int64 {
	rate := s.Limit
	for ; since >= second && rate < Whole; since -= second {
		rate *= 2
	}
	if rate >= Whole {
		return Whole
	}
	return min(Whole, rate+rate*since/second)
}
