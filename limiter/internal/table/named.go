package table

import "time"

// named is how a named row is written down.
type named struct {
	name              string
	limits            []Limit
	routes            [][]int
	replicas, waiters int
	costs             Costs
	callers           Callers
	leaving           int
}

// Named returns the rows that once went wrong, each under its name.
func Named() []Row {
	bucket := func(tokens int64, per time.Duration, burst int64) Limit {
		return Limit{Tokens: tokens, Per: per, Burst: burst}
	}
	persec := func(tokens, burst int64) Limit { return bucket(tokens, time.Second, burst) }
	one, twoKinds := Costs{Least: 1, Most: 1}, func(n int64) Costs { return Costs{Least: 1, Most: n} }
	rows := []named{
		{name: "chain 10b1 → 40b1", limits: []Limit{persec(10, 1), persec(40, 1)}, replicas: 4, waiters: 12},
		{name: "chain 10b1 → 20b1 → 40b1", limits: []Limit{persec(10, 1), persec(20, 1), persec(40, 1)}, replicas: 16, waiters: 4},
		{name: "1000 an hour burst 1000", limits: []Limit{bucket(1000, time.Hour, 1000)}, replicas: 4, waiters: 15},
		{name: "10/s burst 100", limits: []Limit{persec(10, 100)}, replicas: 4, waiters: 15},
		{name: "40/s burst 160", limits: []Limit{persec(40, 160)}, replicas: 4, waiters: 15},
		{name: "1/s burst 60", limits: []Limit{persec(1, 60)}, replicas: 4, waiters: 15},
		{name: "1000 an hour burst 1000, cancelled", limits: []Limit{bucket(1000, time.Hour, 1000)}, replicas: 4, waiters: 15, callers: Cancel},
		{name: "1/s burst 60, costs 1 and 60, cancelled", limits: []Limit{persec(1, 60)}, replicas: 4, waiters: 5, costs: twoKinds(60), callers: Cancel},
		{name: "40/s burst 40, costs 1 and burst", limits: []Limit{persec(40, 40)}, replicas: 4, waiters: 10, costs: twoKinds(40)},
		{name: "2/s burst 20, costs 1 and burst", limits: []Limit{persec(2, 20)}, replicas: 4, waiters: 10, costs: twoKinds(20)},
		{name: "2/s burst 20, costs 1 and burst, cancelled", limits: []Limit{persec(2, 20)}, replicas: 4, waiters: 10, costs: twoKinds(20), callers: Cancel},
		{name: "200/s burst 20, costs 1 and burst", limits: []Limit{persec(200, 20)}, replicas: 4, waiters: 10, costs: twoKinds(20)},
		{name: "40/s burst 40, cancelled", limits: []Limit{persec(40, 40)}, replicas: 4, waiters: 10, callers: Cancel},
		{name: "5/s burst 10, most give up", limits: []Limit{persec(5, 10)}, replicas: 40, waiters: 6, callers: GiveUp, leaving: 36},
		{name: "5/s burst 10, most die", limits: []Limit{persec(5, 10)}, replicas: 40, waiters: 6, callers: Die, leaving: 36},
		{name: "40/s burst 40, most give up", limits: []Limit{persec(40, 40)}, replicas: 8, waiters: 100, callers: GiveUp, leaving: 6},
		{name: "40/s burst 40, most die", limits: []Limit{persec(40, 40)}, replicas: 8, waiters: 10, callers: Die, leaving: 6},
		{name: "10/s burst 20, 300 callers", limits: []Limit{persec(10, 20)}, replicas: 4, waiters: 75},
		{name: "40/s burst 40 from empty", limits: []Limit{persec(40, 40)}, replicas: 4, waiters: 10},
		{name: "40/s burst 1", limits: []Limit{persec(40, 1)}, replicas: 16, waiters: 10},
		{
			name: "three above 40b40", limits: []Limit{persec(30, 30), persec(30, 10), persec(5, 2), persec(40, 40)},
			routes: [][]int{{0, 3}, {1, 3}, {2, 3}}, replicas: 4, waiters: 15,
		},
		{
			name: "20b1 and 20b1 → 40b1", limits: []Limit{persec(20, 1), persec(20, 1), persec(40, 1)},
			routes: [][]int{{0, 2}, {1, 2}}, replicas: 4, waiters: 12,
		},
		{
			name: "window 10 in 1s → 40b40", limits: []Limit{{Tokens: 10, Per: time.Second, Burst: 10, Window: true}, persec(40, 40)},
			replicas: 4, waiters: 10,
		},
		{name: "window 40 in 1s", limits: []Limit{{Tokens: 40, Per: time.Second, Burst: 40, Window: true}}, replicas: 16, waiters: 10},
		{name: "20000/s burst 1000", limits: []Limit{persec(20000, 1000)}, replicas: 8, waiters: 32},
	}
	out := make([]Row, len(rows))
	for i, n := range rows {
		if n.costs.Most == 0 {
			n.costs = one
		}
		out[i] = n.row()
	}
	return out
}

func (n named) row() Row {
	r := Row{Name: n.name, Limits: n.limits, Costs: n.costs, Replicas: n.replicas, Callers: n.callers, Leaving: n.leaving}
	if n.routes == nil {
		path := make([]int, len(n.limits))
		for i := range path {
			path[i] = i
		}
		n.routes = [][]int{path}
	}
	shared := n.limits[len(n.limits)-1].Rate()
	for _, path := range n.routes {
		capacity := shared / float64(len(n.routes))
		for _, l := range path {
			capacity = min(capacity, n.limits[l].Rate())
		}
		r.Routes = append(r.Routes, Route{path, capacity})
	}
	r.people(n.waiters, n.waiters)
	r.measure()
	return r
}

// InRealTime returns the row for a run in real time, cut to a few seconds, or to twelve where replicas leave. It also
// returns whether that makes sense: some tens of calls must start, and the limits must fill, in a few seconds.
func (r Row) InRealTime() (Row, bool) {
	for _, l := range r.Limits {
		if time.Duration(l.Burst)*l.Interval() > 4*time.Second {
			return r, false
		}
	}
	if r.capacity()/r.Costs.Mean() < 10 {
		return r, false
	}
	r.Length = min(r.Length, 6*time.Second)
	if r.Leaving > 0 {
		r.Half = 1500 * time.Millisecond
		r.Length = r.Half + 10*time.Second
	}
	return r, true
}
