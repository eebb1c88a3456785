package limiter

import (
	"maps"
	"math"
	"sync"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Metered defines how a bucket treats costs that are known only when a call has ended: see [Reservation.Settle].
type Metered struct {
	// Holds means that the provider holds the estimated cost until the call ends, as some do with the most tokens that
	// a call may produce. Otherwise the provider counts the real cost, from the start of the call or as the cost
	// arises. With Holds a call that ends within a horizon of its start gets nothing back if the bucket was full.
	Holds bool
	// Reserve is the part of the burst that is kept for calls which cost more than estimated, 0 to 0.9. Zero is 0.1;
	// below 0 nothing is kept. No estimate can be larger than the rest of the burst. It does not apply to a limit that [Limiter.Configure] sets.
	Reserve float64
	// Exact takes estimates as they are. Otherwise they are multiplied by the ratio of real to estimated costs in about
	// the last hundred calls of the route in this process.
	Exact bool
}

const defaultReserve, mostReserve = 0.1, 0.9

// burst returns the burst of a limit without the reserve.
func (m Metered) burst(burst int64) int64 {
	part := m.Reserve
	if part == 0 {
		part = defaultReserve
	}
	return max(1, int64(float64(burst)*(1-max(0, part))))
}

// Settle corrects the cost of a call that started on the reservation: for each named bucket, the given number of tokens
// replaces the reserved one. Settle may be called once, at any time after the start. Later calls do nothing, and
// neither does a call on a reservation that was given up or is not due yet. The correction travels with a later request
// to Redis, within 5 s, and in memory at once.
//
// A surplus goes back to the fleet, except for tokens whose absence later reservations rely on: the fleet never gets
// more than if the cost had been known from the beginning. The bucket keeps bounds of what can go back, and rounds them
// down by a fifth at most. For calls before its first settlement a bucket that is not in [Config.Metered] gives nothing
// back.
//
// A shortfall is taken from the bucket at once. The bucket owes one burst at most, and any further cost counts as lost. A
// call that is never settled counts as reserved. A window gives nothing back. A settled reservation counts as used.
func (r *Reservation) Settle(costs Costs) {
	if r.Delay() > 0 {
		return
	}
	r.state.CompareAndSwap(held, used) // a settled reservation can no longer be given up
	if r.state.Load() == givenUp || !r.settled.CompareAndSwap(false, true) {
		return
	}
	known := Costs{}
	for bucket, tokens := range costs {
		if _, ok := most(r.grant.Route, bucket); ok {
			known[bucket] = min(max(0, tokens), exact/4)
		}
	}
	r.learn(known)
	r.overspent(known)
	r.grant.Settle(lane.NewEach(known))
}

// overspent counts as lost what a call has cost beyond what its bucket can ever owe, and logs it once a minute.
func (r *Reservation) overspent(costs Costs) {
	l := passedOf(r.grant.Route).limiter
	for bucket, actual := range costs {
		burst, _ := most(r.grant.Route, bucket)
		beyond := actual - r.grant.Cost.Of(bucket) - burst
		if beyond <= 0 {
			continue
		}
		if t := l.tallies.of[bucket]; t != nil {
			t.Lost.Add(beyond)
		}
		if l.notices.due("overspent " + bucket) {
			l.s.Logger.Warn("a call has cost more than its bucket can owe", "namespace", l.s.Namespace, "route", r.grant.Route.Name, "bucket", bucket,
				"reserved", r.grant.Cost.Of(bucket), "cost", actual, "lost", beyond)
		}
	}
}

// most returns the largest number of tokens that a call can take from a bucket of a route.
func most(r *lane.Route, bucket string) (tokens int64, ok bool) {
	tokens = math.MaxInt64
	for _, l := range r.Limits {
		if l.Bucket == bucket {
			tokens, ok = min(tokens, l.Burst), true
		}
	}
	return tokens, ok
}

// learn adds the cost of a call to the estimates of its route.
func (r *Reservation) learn(costs Costs) {
	e := passedOf(r.grant.Route).limiter.estimates
	if e == nil {
		return
	}
	for bucket, actual := range costs {
		e.learn(r.grant.Route.Name, bucket, r.asked.Of(bucket), actual)
	}
}

// estimates are the ratios of real to estimated costs, by route and bucket.
type estimates struct {
	metered map[string]Metered // fixed

	mu sync.Mutex
	of map[[2]string]ratio
}

// ratio is two sums over the last calls; older calls count less.
type ratio struct{ actual, estimated float64 }

func newEstimates(metered map[string]Metered) *estimates {
	if len(metered) == 0 {
		return nil
	}
	return &estimates{metered: maps.Clone(metered), of: map[[2]string]ratio{}}
}

func (e *estimates) learn(route, bucket string, estimated, actual int64) {
	m, ok := e.metered[bucket]
	if !ok || m.Exact || estimated <= 0 {
		return
	}
	const fade, calls = 0.99, 20 // as if the first twenty calls had cost what was estimated
	e.mu.Lock()
	defer e.mu.Unlock()
	k := [2]string{route, bucket}
	r, ok := e.of[k]
	if !ok {
		r = ratio{calls * float64(estimated), calls * float64(estimated)}
	}
	e.of[k] = ratio{fade*r.actual + float64(actual), fade*r.estimated + float64(estimated)}
}

// forget drops what was learnt about a route.
func (e *estimates) forget(route string) {
	if e == nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for bucket := range e.metered {
		delete(e.of, [2]string{route, bucket})
	}
}

// scaled returns the costs to reserve for estimated ones.
func (e *estimates) scaled(r *lane.Route, costs Costs) Costs {
	if e == nil || len(costs) == 0 {
		return costs
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	out := maps.Clone(costs)
	for bucket, tokens := range costs {
		seen, ok := e.of[[2]string{r.Name, bucket}]
		burst, known := most(r, bucket)
		if !ok || !known || tokens <= 0 || tokens > burst {
			continue
		}
		out[bucket] = min(burst, max(1, int64(math.Round(float64(tokens)*seen.actual/seen.estimated))))
	}
	return out
}
