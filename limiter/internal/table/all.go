package table

import (
	"iter"
	"strings"
	"time"
)

// The dimensions of the table, as indexes into a choice.
const (
	ofRate = iota
	ofBurst
	ofCosts
	ofReplicas
	ofWaiters
	ofCallers
	ofArrivals
	ofRoutes
	dimensions
)

// choice is one value of each dimension.
type choice [dimensions]uint8

// values are the names of the values of each dimension.
func values() [dimensions][]string {
	return [dimensions][]string{
		ofRate:     {"5 a day", "1000 an hour", "1/s", "10/s", "40/s", "1000/s", "20000/s"},
		ofBurst:    {"b1", "b2", "b¼s", "b1s", "b1m"},
		ofCosts:    {"1", "1 or b", "1…¼b", "1…b"},
		ofReplicas: {"1", "4", "16"},
		ofWaiters:  {"×10", "×1+100"},
		ofCallers:  {"patient", "cancel", "give up", "die", "late"},
		ofArrivals: {"closed", "0.9", "1.1", "working"},
		ofRoutes:   {"one", "chain of two", "chain of three", "three", "window before", "window behind"},
	}
}

func rates() []Limit {
	return []Limit{
		{Tokens: 5, Per: 24 * time.Hour},
		{Tokens: 1000, Per: time.Hour},
		{Tokens: 1, Per: time.Second},
		{Tokens: 10, Per: time.Second},
		{Tokens: 40, Per: time.Second},
		{Tokens: 1000, Per: time.Second},
		{Tokens: 20000, Per: time.Second},
	}
}

const fastest = 6 // index of the fastest rate

func (c choice) String() string {
	var names []string
	for d, v := range values() {
		names = append(names, v[c[d]])
	}
	// Replicas and waiters are read together, as in 4×10.
	names[ofReplicas] += names[ofWaiters]
	names = append(names[:ofWaiters], names[ofWaiters+1:]...)
	return strings.Join(names, ", ")
}

// All returns every row of the table, without combinations that have no meaning:
//
//   - a burst or a kind of cost that equals another of the row, because the burst is small;
//   - one replica of which most callers leave;
//   - late requests with fewer than 16 replicas, where often all of them are late at once and no limiter could use the
//     tokens;
//   - departures at the highest rate: the ten seconds afterwards would be 200,000 tokens;
//   - a lane of 100 callers with costs of more than 1: most would start nothing within the run.
func All() iter.Seq[Row] {
	return func(yield func(Row) bool) {
		for c := range choices() {
			if !yield(build(c)) {
				return
			}
		}
	}
}

func choices() iter.Seq[choice] {
	return func(yield func(choice) bool) {
		v := values()
		var c choice
		for {
			if c.meaningful() && !yield(c) {
				return
			}
			d := dimensions - 1
			for ; d >= 0; d-- { // counts up, the last dimension fastest
				if c[d]++; int(c[d]) < len(v[d]) {
					break
				}
				c[d] = 0
			}
			if d < 0 {
				return
			}
		}
	}
}

func (c choice) meaningful() bool {
	rate := rates()[c[ofRate]]
	burst := burstOf(rate, c[ofBurst])
	for smaller := range c[ofBurst] {
		if burstOf(rate, smaller) == burst {
			return false
		}
	}
	// The smallest burst of the row bounds the cost of a call. If there are several limits, it is the burst of a slower
	// one.
	least := burst
	if c[ofRoutes] != 0 {
		least = burstOf(rate.times(1, slowest), c[ofBurst])
	}
	callers, leaving := Callers(c[ofCallers]), Callers(c[ofCallers]) == GiveUp || Callers(c[ofCallers]) == Die
	switch {
	case c[ofCosts] == 1 && least < 2, c[ofCosts] == 2 && least < 8, c[ofCosts] == 3 && least < 3:
		return false
	case leaving && (c[ofReplicas] == 0 || c[ofRate] == fastest):
		return false
	case callers == Late && c[ofReplicas] != 2:
		return false
	case c[ofCosts] != 0 && c[ofWaiters] == 1:
		return false
	}
	return true
}

// burstOf returns a burst of 1, 2, or what a limit gives in a quarter second, a second or a minute.
func burstOf(rate Limit, kind uint8) int64 {
	switch kind {
	case 0, 1:
		return int64(kind) + 1
	case 2:
		return max(1, int64(rate.Rate()/4))
	case 3:
		return max(1, int64(rate.Rate()))
	}
	return max(1, int64(rate.Rate()*60))
}

// build returns the row of a choice.
func build(c choice) Row {
	r := Row{pick: c, dims: c.String(), Callers: Callers(c[ofCallers]), Arrivals: Arrivals(c[ofArrivals])}
	r.route(rates()[c[ofRate]], c[ofBurst], c[ofRoutes])
	b := r.burst()
	r.Costs = []Costs{{Least: 1, Most: 1}, {Least: 1, Most: b}, {Least: 1, Most: max(1, b/4), Between: true}, {Least: 1, Most: b, Between: true}}[c[ofCosts]]
	r.Replicas = []int{1, 4, 16}[c[ofReplicas]]
	small, large := 10, 10
	if c[ofWaiters] == 1 {
		small, large = 1, 100
	}
	r.people(small, large)
	if r.Callers == GiveUp || r.Callers == Die {
		r.Leaving = r.Replicas * 3 / 4
	}
	r.measure()
	return r
}

// people makes the lanes: small ones in the replicas with even numbers, large ones in the others. A single replica has
// both, if they differ. The callers of a replica are divided among its routes.
func (r *Row) people(small, large int) {
	n := len(r.Routes)
	for replica := range r.Replicas {
		for route := range n {
			waiters := []int{small, large}[replica%2]
			r.Lanes = append(r.Lanes, Lane{replica, route, max(1, waiters/n)})
			if r.Replicas == 1 && small != large {
				r.Lanes = append(r.Lanes, Lane{replica, route, max(1, large/n)})
			}
		}
	}
}

// String returns the name of the kind.
func (c Callers) String() string { return values()[ofCallers][c] }

// String returns the name of the kind.
func (a Arrivals) String() string { return values()[ofArrivals][a] }
