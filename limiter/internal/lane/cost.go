package lane

import (
	"slices"
	"strconv"
	"strings"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Cost is what a call takes of the buckets of its route. Equal costs are equal values.
type Cost struct {
	Tokens int64 // of each bucket that Each does not name, 1 or more
	Each   Each
}

// Each is what a call takes of the buckets for which it takes another number, 0 or more: "bucket tokens bucket tokens",
// by bucket. Names of buckets contain no blank.
type Each string

// NewEach writes costs by bucket.
func NewEach(costs map[string]int64) Each {
	if len(costs) == 0 {
		return ""
	}
	parts := make([]string, 0, len(costs))
	for name, tokens := range costs {
		parts = append(parts, name+" "+strconv.FormatInt(tokens, 10))
	}
	slices.Sort(parts)
	return Each(strings.Join(parts, " "))
}

// All yields the named buckets and what the call takes of each.
func (e Each) All(yield func(bucket string, tokens int64) bool) {
	for rest := string(e); rest != ""; {
		var name, text string
		name, rest, _ = strings.Cut(rest, " ")
		text, rest, _ = strings.Cut(rest, " ")
		if tokens, err := strconv.ParseInt(text, 10, 64); err == nil && !yield(name, tokens) {
			return
		}
	}
}

// one is the cost of most calls.
var one = Cost{Tokens: 1} //nolint:gochecknoglobals // a constant

// Of returns what a call takes of a bucket.
func (c Cost) Of(bucket string) int64 {
	if c.Each != "" {
		for name, tokens := range c.Each.All {
			if name == bucket {
				return tokens
			}
		}
	}
	return c.Tokens
}

// at returns what a call takes of one of the limits of a route.
func (c Cost) at(r *Route, limit int) int64 {
	if c.Each == "" || limit < 0 || limit >= len(r.Limits) { // a limit that binds may belong to a former route
		return c.Tokens
	}
	return c.Of(r.Limits[limit].Bucket)
}

// On returns what a call takes of each limit of a route; one number if that is the same for all.
func (c Cost) On(r *Route) []int64 {
	if c == one {
		return ones
	}
	if c.Each == "" {
		return []int64{c.Tokens}
	}
	out := make([]int64, len(r.Limits))
	for i := range out {
		out[i] = c.at(r, i)
	}
	return out
}

var ones = []int64{1} //nolint:gochecknoglobals // a constant

// Check returns an error if calls of a cost can never start on a route.
func (r *Route) Check(c Cost) error {
	if c.Each == "" {
		if len(r.Limits) == 0 {
			return nil
		}
		if burst, bucket := r.Burst(); c.Tokens > burst {
			return &TooLargeError{bucket, c.Tokens, burst}
		}
		return nil
	}
	takes := slices.ContainsFunc(r.Beside, func(bucket string) bool { return c.Of(bucket) > 0 })
	for i, l := range r.Limits {
		tokens := c.at(r, i)
		if most := l.most(); tokens > most {
			return &TooLargeError{l.Bucket, tokens, most}
		}
		takes = takes || tokens > 0
	}
	for name := range c.Each.All {
		if !slices.Contains(r.Beside, name) && !slices.ContainsFunc(r.Limits, func(l Limit) bool { return l.Bucket == name }) {
			return &BucketError{name}
		}
	}
	if !takes {
		return ErrNoCost
	}
	return nil
}

// limitOf returns the limit that sets the time of an answer, and what a call takes of it.
func (r *Route) limitOf(a *bucket.Answer, c Cost) (bucket.Limit, int64) {
	if a.Bound < 0 {
		return bucket.Limit{}, c.Tokens
	}
	return r.Limits[a.Bound].Limit, c.at(r, a.Bound)
}
