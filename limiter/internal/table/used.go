package table

import (
	"math"
	"time"
)

// phase is a part of a run in which a certain share of the budget has to be used.
type phase struct {
	from, to time.Duration
	want     float64
}

// phases returns the parts of a run and what each has to use.
func phases(r Row, end time.Duration) []phase {
	want := 0.99
	switch {
	case r.Callers == Late && r.burst() == 1:
		want = 0.85
	case r.sharedIsShort():
		want = 0.95
	}
	if r.Leaving == 0 || r.Half >= end {
		return []phase{{0, end, want}}
	}
	after := 0.95
	if r.Callers == Die && 4*(r.Replicas-r.Leaving) < r.Replicas {
		after = 0.65
	}
	recovered := min(end, r.Half+r.Recovery())
	all := []phase{{0, r.Half, want}, {r.Half, recovered, min(want, after)}}
	if recovered < end {
		all = append(all, phase{recovered, end, want})
	}
	return all
}

// sharedIsShort reports whether a limit under several narrow ones holds less than the tokens of a horizon.
func (r Row) sharedIsShort() bool {
	last := r.Routes[0].Limits[len(r.Routes[0].Limits)-1]
	l := r.Limits[last]
	return len(r.Routes) > 1 && float64(l.Burst) < l.HorizonTokens()
}

// stretch is a time in which some task waits, and the tokens that the tasks which wait in it ask for.
type stretch struct {
	from, to time.Duration
	demand   int64
}

// waiting returns the stretches of a phase. Tasks are sorted by arrival, and left returns when each stops waiting.
func waiting(tasks []Task, left func(i int) time.Duration, p phase) []stretch {
	var out []stretch
	for i, t := range tasks {
		from, to := max(t.Arrived, p.from), min(left(i), p.to)
		if from >= to {
			continue
		}
		if n := len(out); n == 0 || from > out[n-1].to {
			out = append(out, stretch{from: from})
		}
		last := &out[len(out)-1]
		last.to, last.demand = max(last.to, to), last.demand+t.Cost
	}
	return out
}

// used returns the share of the tokens of a row with one route that started while some task waited: tokens started ÷
// (tokens available at the beginning of a stretch + rate × its length), over all stretches, by the limit that allows
// the fewest. No stretch can use more than its tasks ask for: a call that waits for a round trip at a full bucket loses
// nothing. The time idle at the beginning of each stretch is not counted. used also returns the tokens that could have
// started.
func used(r Row, tasks []Task, stretches []stretch, idle time.Duration) (share, could float64) {
	all, got := starts(r, 0, tasks)[1:], int64(0) // the first start is that of newLevel
	var levels []*level
	for _, l := range r.Limits {
		levels = append(levels, newLevel(l))
	}
	take := func(until time.Duration) (sum int64) {
		for ; len(all) > 0 && all[0].at <= until; all = all[1:] {
			for _, v := range levels {
				v.take(all[0].at, all[0].cost)
			}
			sum += all[0].cost
		}
		return sum
	}
	for _, s := range stretches {
		take(s.from)
		least := math.Inf(1)
		for _, v := range levels {
			least = min(least, v.arriving(s.from, s.to-min(idle, s.to-s.from)))
		}
		could += min(least, float64(s.demand))
		got += take(s.to)
	}
	if could == 0 {
		return 1, 0
	}
	return float64(got) / could, could
}

// arriving returns the tokens that a limit can give from one time to another.
func (v *level) arriving(from, to time.Duration) float64 {
	if !v.limit.Window {
		return v.available(from) + v.limit.Rate()*(to-from).Seconds()
	}
	// A window gives again what it gave, a period later. Between these moments its tokens come in steps.
	whole := (to - from) / v.limit.Per
	sum := v.available(from) + float64(whole)*float64(v.limit.Tokens)
	for _, s := range v.starts {
		if s.at+v.limit.Per <= to-whole*v.limit.Per {
			sum += float64(s.cost)
		}
	}
	return sum
}

// given returns the tokens that a limit gave in a phase.
func given(all []start, p phase) float64 {
	sum := int64(0)
	for _, s := range all[1:] {
		if s.at > p.from && s.at <= p.to {
			sum += s.cost
		}
	}
	return float64(sum)
}
