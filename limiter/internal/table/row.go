package table

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"time"
)

// Row is one world. Its fields may be changed before a run, for example Length for a run in real time.
type Row struct {
	// Name is the name of a named row. It is empty for a row of the product.
	Name string
	// Limits are the limits of the world.
	Limits []Limit
	// Routes are the kinds of call.
	Routes []Route
	// Costs is how many tokens a call costs.
	Costs Costs
	// Replicas is the number of processes.
	Replicas int
	// Lanes are the queues: one for each replica and route, or two where a single replica holds a small and a large
	// one.
	Lanes []Lane
	// Callers is how callers and replicas behave.
	Callers Callers
	// Arrivals is when callers ask.
	Arrivals Arrivals
	// Leaving is the number of replicas that die or lose their callers half-way: the first ones.
	Leaving int
	// Half is when they leave.
	Half time.Duration
	// Length is how long the run takes.
	Length time.Duration

	dims string // the values of the dimensions, in short form
	pick choice
}

// Route is one kind of call.
type Route struct {
	// Limits are indexes into Row.Limits, narrowest first.
	Limits []int
	// Capacity is how many tokens a second the route can have while all routes are busy.
	Capacity float64
}

// Lane is the queue of one route in one replica.
type Lane struct{ Replica, Route, Waiters int }

// Callers is how callers and replicas behave.
type Callers int

// The kinds of callers.
const (
	Patient Callers = iota // wait until served
	Cancel                 // each call has a random patience
	GiveUp                 // the callers of the leaving replicas leave for good, half-way
	Die                    // the leaving replicas die, half-way
	Late                   // a fifth of the requests reach the store late, by up to Row.LateBy
)

// Arrivals is when callers ask.
type Arrivals int

// The kinds of arrivals.
const (
	Closed  Arrivals = iota // each caller asks again as soon as its call starts
	Under                   // calls arrive at random, at 0.9 of the capacity
	Over                    // calls arrive at random, at 1.1 of the capacity
	Working                 // each caller asks again a random time after its call starts
)

// Open reports whether calls arrive whether or not earlier calls have started.
func (a Arrivals) Open() bool { return a == Under || a == Over }

// String returns the name of the row, or the values of its dimensions.
func (r Row) String() string {
	if r.Name != "" {
		return r.Name
	}
	return r.dims
}

// Seed returns a number that depends on nothing but the row's name.
func (r Row) Seed() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(r.String()))
	return h.Sum64()
}

// World describes limits, routes and fleet at length.
func (r Row) World() string {
	var routes []string
	for _, route := range r.Routes {
		var path []string
		for _, l := range route.Limits {
			path = append(path, r.Limits[l].String())
		}
		routes = append(routes, strings.Join(path, " → "))
	}
	return fmt.Sprintf("%s; %d replicas, %d lanes, costs %d to %d, %v", strings.Join(routes, " | "), r.Replicas, len(r.Lanes),
		r.Costs.Least, r.Costs.Most, r.Length)
}

// Leaves reports whether a lane belongs to a replica that leaves half-way.
func (r Row) Leaves(lane int) bool { return r.Lanes[lane].Replica < r.Leaving }

// LateBy is how late a late request may reach the store: a second, or a tenth of a shorter run.
func (r Row) LateBy() time.Duration { return min(time.Second, r.Length/10) }

// Recovery returns the time after a departure in which less of the budget has to be used: ten seconds, or 200 tokens.
func (r Row) Recovery() time.Duration {
	return max(10*time.Second, time.Duration(200*r.Costs.Mean()/r.capacity()*float64(time.Second)))
}

// capacity returns the tokens a second of all routes together.
func (r Row) capacity() float64 {
	sum := 0.0
	for _, route := range r.Routes {
		sum += route.Capacity
	}
	return sum
}

// waiters returns the number of callers in lanes.
func (r Row) waiters() int {
	n := 0
	for _, l := range r.Lanes {
		n += l.Waiters
	}
	return n
}

// burst returns the smallest burst of all limits, which bounds the cost of a call.
func (r Row) burst() int64 {
	return slices.MinFunc(r.Limits, func(a, b Limit) int { return int(a.Burst - b.Burst) }).Burst
}

// measure sets Length and Half: long enough for a verdict, short enough for a table.
func (r *Row) measure() {
	calls := max(200, float64(min(2*r.waiters(), 1000)))
	if r.Costs.Most > 1 {
		calls = 150 // each is many tokens
	}
	r.Length = max(2*Horizon, time.Duration(calls*r.Costs.Mean()/r.capacity()*float64(time.Second)))
	for _, l := range r.Limits {
		if l.Window {
			r.Length += l.Per / 2 // not the moment at which a window opens again
		}
	}
	if r.Leaving > 0 {
		r.Half = r.Recovery() / 2
		r.Length = 2 * r.Recovery()
	}
}
