package table

import (
	"iter"
	"math/rand/v2"
	"time"
)

// Costs is how many tokens a call costs: one of Least and Most, or any number between them.
type Costs struct {
	Least, Most int64
	Between     bool
}

// Mean returns the mean cost.
func (c Costs) Mean() float64 { return float64(c.Least+c.Most) / 2 }

func (c Costs) draw(rnd *rand.Rand) int64 {
	if c.Between {
		return c.Least + rnd.Int64N(c.Most-c.Least+1)
	}
	if rnd.IntN(2) == 0 {
		return c.Least
	}
	return c.Most
}

// Ask is one call.
type Ask struct {
	// Think is the time before the call, counted from the caller's last start or from the beginning.
	Think time.Duration
	// Lane is an index into Row.Lanes.
	Lane int
	// Cost is the number of tokens.
	Cost int64
	// Patience is how long the caller waits. It is Never for a caller that does not give up.
	Patience time.Duration
}

// Caller returns the calls of one caller of a lane, without end. The calls depend on nothing but the row and the
// numbers.
func (r Row) Caller(lane, number int) iter.Seq[Ask] {
	return func(yield func(Ask) bool) {
		rnd := rand.New(rand.NewPCG(r.Seed(), uint64(lane)<<32|uint64(number)))
		// At the beginning callers come one by one, so that the order of arrival is known.
		think := time.Duration(rnd.Int64N(int64(10 * time.Millisecond)))
		for {
			if !yield(r.ask(rnd, think, lane)) {
				return
			}
			think = 0
			if r.Arrivals == Working {
				think = time.Duration(rnd.ExpFloat64() * float64(r.turn(lane)) / 2)
			}
		}
	}
}

// Calls returns the calls of an open row in the order of their arrival, without end. Think counts from the call before.
// After a departure the calls go to the replicas that stay.
func (r Row) Calls() iter.Seq[Ask] {
	return func(yield func(Ask) bool) {
		rnd := rand.New(rand.NewPCG(r.Seed(), 0))
		load := 0.9
		if r.Arrivals == Over {
			load = 1.1
		}
		all, staying := r.lanesByRoute(false), r.lanesByRoute(true)
		mean := float64(time.Second) * r.Costs.Mean() / (load * r.capacity())
		for now := time.Duration(0); ; {
			think := time.Duration(rnd.ExpFloat64() * mean)
			now += think
			route, at := 0, rnd.Float64()*r.capacity()
			for at > r.Routes[route].Capacity && route < len(r.Routes)-1 {
				at -= r.Routes[route].Capacity
				route++
			}
			lanes := all[route]
			if r.Leaving > 0 && now >= r.Half {
				lanes = staying[route]
			}
			if !yield(r.ask(rnd, think, lanes[rnd.IntN(len(lanes))])) {
				return
			}
		}
	}
}

// lanesByRoute returns the lanes of each route, all or those that stay.
func (r Row) lanesByRoute(staying bool) [][]int {
	lanes := make([][]int, len(r.Routes))
	for i, l := range r.Lanes {
		if !staying || !r.Leaves(i) {
			lanes[l.Route] = append(lanes[l.Route], i)
		}
	}
	return lanes
}

func (r Row) ask(rnd *rand.Rand, think time.Duration, lane int) Ask {
	a := Ask{Think: think, Lane: lane, Cost: r.Costs.draw(rnd), Patience: Never}
	if r.Callers == Cancel {
		a.Patience = time.Duration((0.05 + rnd.Float64()) * 2 * float64(r.turn(lane)))
	}
	return a
}

// turn returns how long a call of a lane waits while all callers wait: one round of all callers of its route.
func (r Row) turn(lane int) time.Duration {
	route, waiters := r.Lanes[lane].Route, 0
	for _, l := range r.Lanes {
		if l.Route == route {
			waiters += l.Waiters
		}
	}
	if r.Arrivals.Open() {
		waiters = 10
	}
	return time.Duration(float64(waiters) * r.Costs.Mean() / r.Routes[route].Capacity * float64(time.Second))
}
