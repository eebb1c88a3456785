package limiter

import (
	"fmt"
	"math"

	"github.com/weir-go/weir/limiter/internal/adapt"
)

// Learn defines how a bucket with an unknown limit begins. Its rate doubles each second while the fleet uses it, until
// the provider refuses calls ([Throttled]) or an answer names the limit ([Remaining] with Per). Then it follows the
// provider, as other buckets do.
type Learn struct {
	// Start is the rate with which the fleet begins, a thousandth of Most or more; its burst is ignored. Zero is one a
	// second.
	Start Limit
	// Most is the highest possible limit. The fleet never exceeds it, and its rate falls at most to a thousandth of it.
	// Zero is 100 a second, burst 100.
	Most Limit
}

// learning adds the buckets with unknown limits. It returns with which parts of their rates, ppm, they begin.
func (c *Config) learning() (map[string]int64, error) {
	starts := map[string]int64{}
	for _, name := range sorted(c.Learn) {
		learn := c.Learn[name]
		if learn.Start == (Limit{}) {
			learn.Start = PerSecond(1, 1)
		}
		if learn.Most == (Limit{}) {
			learn.Most = PerSecond(100, 100)
		}
		if len(c.Buckets[name]) > 0 {
			return nil, fmt.Errorf("limiter: bucket %s is in Learn and in Buckets: want only one of them", name)
		}
		for _, l := range []*Limit{&learn.Start, &learn.Most} {
			n, err := l.normal()
			if err != nil || n.Window {
				return nil, fmt.Errorf("limiter: bucket %s: the limit to learn from, %v: want a bucket (%w)", name, *l, err)
			}
			*l = n
		}
		part := learn.Start.Rate() / learn.Most.Rate()
		if !(part <= 1) {
			return nil, fmt.Errorf("limiter: bucket %s: begins with %v, above %v", name, learn.Start, learn.Most)
		}
		ppm := int64(math.Round(part * adapt.Whole)) // rounding: the float may be slightly below an exact thousandth
		if ppm < adapt.Whole/1000 {
			return nil, fmt.Errorf("limiter: bucket %s: begins with %v, less than a thousandth of %v", name, learn.Start, learn.Most)
		}
		c.Buckets[name] = []Limit{learn.Most}
		starts[name] = ppm
	}
	return starts, nil
}
