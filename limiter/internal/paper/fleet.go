package paper

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// fleet is the state of a run.
type fleet struct {
	World
	events
	redis
	tally

	rnd   *rand.Rand
	lanes []*lane
}

// replica is one process.
type replica struct {
	*fleet

	number    int
	clock     clock
	announced time.Duration
}

// one is the cost of every call.
var one = []int64{1} //nolint:gochecknoglobals // a constant

// Run simulates a world and returns its result.
func Run(w World) Result {
	f := &fleet{World: w, rnd: rand.New(rand.NewPCG(w.Seed, ofFleet+w.again))} //nolint:gosec // a world is to be repeated
	f.tally = tally{from: w.Warm, to: w.Warm + w.Length, served: make([]int64, w.Replicas)}
	f.build()
	f.arrive()
	for len(f.heap) > 0 && f.heap[0].at < f.to {
		e := f.next()
		e.do(e.at)
	}
	return f.result()
}

// build creates the buckets, the replicas and their lanes.
func (f *fleet) build() {
	var core []*bucket.Bucket
	for _, l := range f.Limits {
		core = append(core, bucket.New(l))
	}
	var routes []*route
	for i, of := range f.routes() {
		r := &route{number: i, plain: true}
		for k, l := range of {
			r.core.Limits, r.core.Of, r.limits = append(r.core.Limits, core[l]), append(r.core.Of, k), append(r.limits, f.Limits[l])
			r.plain = r.plain && !f.Limits[l].Window
		}
		routes = append(routes, r)
	}
	for i := range f.Replicas {
		r := &replica{fleet: f, number: i}
		f.plan(f.upTo(presenceEvery), r.presence)
		began := f.upTo(publishEvery)
		r.announced = began - time.Duration(f.rnd.IntN(5))*publishEvery
		f.plan(began, r.publish)
		for _, to := range routes {
			f.open(r, to)
		}
	}
}

// open creates a lane.
func (f *fleet) open(r *replica, to *route) {
	n := &lane{fleet: f, replica: r, route: to, id: fmt.Sprintf("%07d", len(f.lanes)), timer: none, place: place{again: none}, interval: none}
	for _, l := range to.limits {
		n.interval = min(n.interval, l.Interval(1))
	}
	f.lanes = append(f.lanes, n)
}

// arrive plans the first arrival of every caller.
func (f *fleet) arrive() {
	for i, at := range f.Comes() {
		n := f.lanes[i/f.Callers]
		f.plan(at, func(now time.Duration) { n.join(now) })
	}
}

// upTo draws a random time from 0 to most.
func (f *fleet) upTo(most time.Duration) time.Duration {
	return time.Duration(f.rnd.Int64N(int64(most) + 1))
}

// way draws the time of one direction: a request to Redis, or its reply.
func (f *fleet) way() time.Duration {
	return f.Costs.Trip/2 + time.Duration(f.rnd.ExpFloat64()*float64(f.Costs.Spread)/2)
}

// late draws how late a timer of a replica fires. The runtime of Go wakes up at whole milliseconds, so every delay up to the largest is
// equally likely.
func (f *fleet) late() time.Duration { return f.upTo(2 * f.Costs.Late) }

// start starts the call of a caller that asked at the time asked. The caller asks again when its task has ended. That end is late by a
// timer's error. Without this error, callers that once asked in the same microsecond would do so until the end of the run.
func (f *fleet) start(n *lane, asked time.Duration, g grant, now time.Duration) {
	f.started(n.replica.number, asked, now)
	if f.Saw != nil {
		f.Saw(Start{n.replica.number, n.route.number, g.at, now, now - asked})
	}
	f.plan(now+f.Task+f.late(), func(now time.Duration) { n.join(now) })
}
