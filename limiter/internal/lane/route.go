package lane

import (
	"math"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Limit is one limit of a route.
type Limit struct {
	bucket.Limit

	Bucket string        // the bucket of the limit
	Per    time.Duration // distinguishes limits of a kind in one bucket
	Tally  *Tally        // of the bucket; nil if nobody counts
	Meter  bool          // costs of calls are known only when they have ended
	Holds  bool          // the provider holds the estimate until the call ends
	Whole  int64         // the burst of the fleet, if the limit is only a share of it; otherwise 0
}

// Route is the limits that calls of one kind pass, narrowest first. It never changes: another configuration is another
// Route.
type Route struct {
	Name    string
	Version int64         // of the configuration
	Built   int64         // number in the order in which routes were built
	Away    int64         // 0 if requests go to the store of the fleet; otherwise the number of the outage
	Limits  []Limit       // none if every call may start at once
	Beside  []string      // buckets that the calls pass, too, without tokens by this route
	Slack   time.Duration // how long a reservation may be used after it is due
	Info    any           // for the limiter

	narrow   int           // the limit of the smallest burst
	interval time.Duration // the time of one token, of the fastest limit
}

// NewRoute completes a route.
func NewRoute(r Route) *Route {
	r.interval = math.MaxInt64
	for i, l := range r.Limits {
		if l.most() < r.Limits[r.narrow].most() {
			r.narrow = i
		}
		r.interval = min(r.interval, l.Interval(1))
	}
	return &r
}

// free reports whether calls of a cost take nothing of any limit of the route.
func (r *Route) free(c Cost) bool {
	if len(r.Limits) == 0 {
		return true
	}
	if len(r.Beside) == 0 || c.Each == "" {
		return false
	}
	for i := range r.Limits {
		if c.at(r, i) > 0 {
			return false
		}
	}
	return true
}

// Burst returns the largest cost that the route can ever start, and the bucket that sets it.
func (r *Route) Burst() (int64, string) { return r.Limits[r.narrow].most(), r.Limits[r.narrow].Bucket }

// most returns the largest cost that a limit can ever start.
func (l *Limit) most() int64 { return max(l.Burst, l.Whole) }

// fits reports whether calls of a cost can start with the current limits. A share may be too small for them.
func (r *Route) fits(c Cost) bool {
	if r.Away == 0 {
		return true
	}
	for i := range r.Limits {
		if c.at(r, i) > r.Limits[i].Burst {
			return false
		}
	}
	return true
}

// Alike reports whether two routes have the same limits in the same places, whatever their rates.
func (r *Route) Alike(o *Route) bool {
	if len(r.Limits) != len(o.Limits) {
		return false
	}
	for i := range r.Limits {
		a, b := &r.Limits[i], &o.Limits[i]
		if a.Bucket != b.Bucket || a.Per != b.Per || a.Window != b.Window {
			return false
		}
	}
	return true
}
