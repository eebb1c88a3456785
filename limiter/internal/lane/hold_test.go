package lane

import (
	"testing"
	"time"
)

// TestHoldFindsItsBucket: a hold is for a bucket. The request sends it for the position that the bucket has in the route by then. A
// route that does not pass the bucket drops the hold.
func TestHoldFindsItsBucket(t *testing.T) {
	n, now := New(sharedOf(), "lane", false, still{}, routeOf(20)), time.Now()
	one, other := routeOf(20).Limits[0], routeOf(20).Limits[0]
	other.Bucket = "other"
	for want, r := range []*Route{NewRoute(Route{Limits: []Limit{one, other}}), NewRoute(Route{Limits: []Limit{other, one}})} {
		n.route.Store(r)
		n.held = held{now.Add(time.Second), one.Bucket}
		n.holdLocked(now)
		if h := n.request.Hold; h.For != 1_000_000 || h.Limit != want {
			t.Errorf("the request has a hold of limit %d for %d µs, want limit %d", h.Limit, h.For, want)
		}
	}
	n.route.Store(NewRoute(Route{Limits: []Limit{other}}))
	n.holdLocked(now)
	if n.request.Hold.For != 0 || !n.held.until.IsZero() {
		t.Errorf("the request has a hold of a bucket that the route does not pass: %+v", n.request.Hold)
	}
}
