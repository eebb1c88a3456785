package lane

import (
	"testing"
	"time"
)

// TestSettledCostsDoNotPileUp: a lane that stands in line sends corrected costs by themselves where its next request could not carry
// all of them.
func TestSettledCostsDoNotPileUp(t *testing.T) {
	n, now := New(sharedOf(), "lane", false, still{}, routeOf(20)), time.Now()
	n.place = place{inLine: true, again: now.Add(5 * time.Second)}
	for range maxSettled - 1 {
		n.settled = append(n.settled, settled{})
	}
	if at := n.reportAt(now); !at.IsZero() {
		t.Errorf("%d costs are sent in %v, want them to travel with the next request", len(n.settled), at.Sub(now))
	}
	n.settled = append(n.settled, settled{})
	if at := n.reportAt(now); at.IsZero() || at.After(now) {
		t.Errorf("%d costs are not sent at once: %v", len(n.settled), at)
	}
}

// TestCostOfAFormerLimit: the limit that binds may be that of a former route, which had more limits.
func TestCostOfAFormerLimit(t *testing.T) {
	c := Cost{Tokens: 2, Each: NewEach(map[string]int64{"global": 7})}
	if n := c.at(routeOf(20), 3); n != 2 {
		t.Errorf("a call takes %d of a limit that the route does not have, want 2", n)
	}
}
