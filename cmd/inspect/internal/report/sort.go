package report

import (
	"cmp"
	"slices"
	"strings"
)

// BySeverity returns the buckets, most urgent state first, then longest wait first, then by name.
func (r *Report) BySeverity() []Bucket {
	out := slices.Clone(r.Buckets)
	slices.SortStableFunc(out, func(a, b Bucket) int {
		return cmp.Or(cmp.Compare(a.State.severity(), b.State.severity()), -cmp.Compare(value(a.OldestMS), value(b.OldestMS)), strings.Compare(a.Name, b.Name))
	})
	return out
}

func value(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// Find returns the first limit of a bucket; nil if there is no such bucket.
func (r *Report) Find(bucket string) *Bucket {
	for i := range r.Buckets {
		if r.Buckets[i].Name == bucket {
			return &r.Buckets[i]
		}
	}
	return nil
}

// RouteOf returns a route by name; nil if no live replica has published it.
func (r *Report) RouteOf(name string) *Route {
	for i := range r.Routes {
		if r.Routes[i].Name == name {
			return &r.Routes[i]
		}
	}
	return nil
}
