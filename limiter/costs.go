package limiter

import (
	"fmt"
	"maps"
	"strconv"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// Costs is what one call takes from buckets of its route, each in the bucket's own unit. It is for providers that count
// requests and tokens separately. It is an [Option] of every verb. From a bucket that Costs does not name, the call
// takes one token, or the N of a verb with N. A call that takes 0 from a bucket does not pass this bucket.
//
// A bucket that the route does not have, a number below 0, and a call that takes 0 of every bucket are errors of the
// verb. A number above the burst of its bucket is an [ExceedsBurstError].
type Costs map[string]int64

func (c Costs) apply(o *options) { o.costs = c }

// String is the costs in one line, sorted by bucket: "input 1200 output 500". Equal costs have equal lines.
func (c Costs) String() string { return string(lane.NewEach(c)) }

// ParseCosts reads a line of [Costs.String]. It ignores words that are no costs.
func ParseCosts(line string) Costs {
	c := Costs{}
	maps.Insert(c, lane.Each(line).All)
	return c
}

// cost converts what a call takes to the form of a lane.
func (c Costs) cost(route string, n int64) (lane.Cost, error) {
	for bucket, tokens := range c {
		if tokens < 0 || ValidateName("bucket", bucket) != nil {
			return lane.Cost{}, fmt.Errorf("limiter: route %s: a call that takes %d of bucket %s: want 0 or more of a bucket of the route",
				route, tokens, strconv.Quote(bucket))
		}
	}
	if n < 1 {
		return lane.Cost{}, fmt.Errorf("limiter: route %s: a call of %d tokens: want 1 or more", route, n)
	}
	return lane.Cost{Tokens: n, Each: lane.NewEach(c)}, nil
}

// Cost is the number of tokens requested of each bucket of the route that [Reservation.Costs] does not name.
func (r *Reservation) Cost() int64 { return r.asked.Tokens }

// Costs is what the caller named for some buckets; nil if it named none. From a bucket of [Config.Metered] the
// reservation may take another number, based on what calls of the route have cost.
func (r *Reservation) Costs() Costs {
	if r.asked.Each == "" {
		return nil
	}
	return ParseCosts(string(r.asked.Each))
}

// BucketError reports a call that names a cost for a bucket which its route does not pass.
type BucketError struct{ Route, Bucket string }

func (e *BucketError) Error() string {
	return "limiter: route " + e.Route + " does not pass bucket " + e.Bucket + ", for which the call names a cost"
}
