package adapt

import "math"

// The constants of the rule were found together, by simulation of fleets at 40 a second with token buckets, fixed and
// sliding windows at the provider. TestMarks checks the results.
const (
	growth = 0.06    // of Limit, per pace³: from three eighths of the rate to the whole rate in four times the pace
	least  = 0.7     // of the rate remains at one event, as in TCP's cubic
	near   = 300_000 // µs: refusals of one moment count as spread over this time, which is a round trip
	deep   = 6       // refusals beyond which an event is deeper than it first seemed
	deeper = 0.06    // of the grants of a second: the bound of deep for a fast limit, twice the share of an event
	steady = 1.001   // times Limit: a rate above it is a probe
)

// refusals returns the event of refused calls: 3 % of the grants of half a second or of 12 grants, and at least two.
// Stray refusals of 1 % seldom reach that.
func refusals() event { return event{share: 0.03, grants: 25} }

// Refused takes in a call that was refused, 429. due is the due time of its grant, and cost its tokens.
//
// Everything that is due until a horizon after an event was reserved before the event. Its refusals belong to the
// event: they only show how deep it is.
func (s *State) Refused(l Limit, now, due, cost int64) {
	due = l.due(now, due)
	calls := l.calls(cost)
	if due <= s.Cut {
		s.deepen(l, calls, due)
		return
	}
	rate, found := s.Factor(l, now), s.found(l, now)
	probe := float64(rate) > float64(s.Limit)*steady && !s.fresh(l, now)
	if !s.Refusals.add(calls, due, rate, probe, refusals()) {
		return
	}
	more := s.Refusals.Reports - 1
	limit := calls.left(found, least, more, max(near, due-s.Refusals.First), rate)
	if probe && (l.Start == 0 || s.Began > 0) {
		// The limit is between the two. A third of the way costs fewer refused calls than half of it: 2.0 and not 2.2 %
		// with a token bucket. It is not lower, because several probes in turn find a limit that came back.
		limit = min(limit, (2*s.Limit+found)/3)
	}
	s.Limit = max(l.Floor(), limit)
	s.Cut, s.Was, s.Began, s.More, s.Refusals, s.Idle = now+l.Horizon, found, max(1, due), more, Count{}, 0
}

// deepen counts one more refusal of the last event.
func (s *State) deepen(l, calls Limit, due int64) {
	if due < s.Began {
		return // of an earlier event
	}
	s.More = min(most, s.More+1)
	if float64(s.More) > math.Max(deep, deeper*calls.grants(second, s.Was)) {
		s.Limit = max(l.Floor(), min(s.Limit, calls.left(s.Was, least, s.More, l.Horizon+near, s.Was)))
	}
}

// found returns the rate that refusals allow at a time: Limit·(1 + growth·(time ÷ pace − 1)³). It stays near Limit for
// long, and then grows ever faster.
func (s *State) found(l Limit, now int64) int64 {
	since, pace := max(0, now-s.Cut-s.Idle), l.pace()
	if l.Start > 0 {
		rate := s.untried(since)
		if s.Began > 0 {
			rate = s.grown(l, min(since, forgotten*pace), pace)
		}
		if s.Told > 0 {
			rate = min(rate, max(l.Floor(), s.Told))
		}
		return rate
	}
	if s.Limit == Whole || since >= forgotten*pace {
		return Whole
	}
	return s.grown(l, since, pace)
}

func (s *State) grown(l Limit, since, pace int64) int64 {
	x := float64(since)/float64(pace) - 1
	cube := x * x * x
	grown := 1 + float64(growth*cube) // the conversion keeps the two steps apart on every processor
	return bound(int64(math.Floor(float64(s.Limit)*grown)), l.Floor(), Whole)
}
