package adapt

// leastServed is the part of the rate that remains at one event, at least. With half, a provider that served nothing
// was asked 3.2 times a second in half a minute.
const leastServed = 0.25

// overloads returns the event of an overloaded provider, which refuses calls at any rate. Its errors are an event only
// when they are 40 % of the grants of a second or of three grants.
func overloads() event { return event{share: 0.8, grants: 3} }

// Overloaded takes in a call that failed because its provider is overloaded, 529 or 503. due is the due time of its
// grant, and cost its tokens. The report contains nothing about the limit. Once per event the rate falls by the part
// that failed. It doubles each second, beginning a second after the event.
func (s *State) Overloaded(l Limit, now, due, cost int64) {
	due = l.due(now, due)
	if due <= s.Slowed {
		return
	}
	rate, calls := s.Factor(l, now), l.calls(cost)
	if !s.Overloads.add(calls, due, rate, float64(rate) > float64(s.Slow)*steady, overloads()) {
		return
	}
	slow := calls.left(rate, leastServed, s.Overloads.Reports-1, max(near, due-s.Overloads.First), rate)
	s.Slow, s.Slowed, s.Overloads = max(l.crawl(), slow), now+l.Horizon, Count{}
}

// Waits makes calls start once a second from a time on, and twice as often each second.
func (s *State) Waits(l Limit, until int64) {
	if s.Slowed < until {
		s.Slow, s.Slowed = l.crawl(), until
	}
}

// eased returns the rate at which the provider is asked at a time. Between two doublings it grows evenly.
func (s *State) eased(now int64) int64 {
	since := max(0, now-s.Slowed-second)
	if s.Slow == Whole || since >= 10*second {
		return Whole // 2^10 times the lowest rate
	}
	rate := s.Slow
	for ; since >= second; since -= second {
		rate *= 2
	}
	return min(Whole, rate+rate*since/second)
}
