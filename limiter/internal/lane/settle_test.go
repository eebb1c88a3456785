package lane

import (
	"testing"
	"time"
)

// TestSettledCostsDoNotPileUp: a lane in line sends settled costs with its next request. If they are too many for it, the lane makes
// a request for them at once.
func TestSettledCostsDoNotPileUp(t *testing.T) {
	n, now := New(sharedOf(), "lane", false, still{}, routeOf(20)), time.Now()
	n.place = place{inLine: true, again: now.Add(5 * time.Second)}
	for range maxSettled - 1 {
		n.settled = append(n.settled, settled{})
	}
	if at := n.reportAt(now); !at.IsZero() {
		t.Errorf("the lane sends %d settled costs in %v, want them sent with the next request", len(n.settled), at.Sub(now))
	}
	n.settled = append(n.settled, settled{})
	if at := n.reportAt(now); at.IsZero() || at.After(now) {
		t.Errorf("the lane sends %d settled costs at %v, want at once", len(n.settled), at)
	}
}

// TestCostOfAFormerLimit: the number of the limit that binds may be of a former route, which had more limits.
func TestCostOfAFormerLimit(t *testing.T) {
	c := Cost{Tokens: 2, Each: NewEach(map[string]int64{"global": 7})}
	if n := c.at(routeOf(20), 3); n != 2 {
		t.Errorf("the cost at a limit that the route does not have is %d, want 2", n)
	}
}
