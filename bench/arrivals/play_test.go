package main

import (
	"testing"

	"github.com/weir-go/weir/bench/contestant"
)

// TestPlayCountsEachArrival: each call is accepted once, and the sums are those of the bins. Without a limiter the provider refuses what is
// above its budget.
func TestPlayCountsEachArrival(t *testing.T) {
	b := budget{Rate: 20, Burst: 20, AnswerMS: 1, Replicas: 2, Callers: 20, Calls: 20}
	p, err := b.played(t.Context(), unlimited(), nil, contestant.Setup{Replicas: b.Replicas})
	if err != nil {
		t.Fatal(err)
	}
	accepted, refused := 0, 0
	for i := range p.Accepted {
		accepted += p.Accepted[i]
		refused += p.Turned[i]
	}
	if accepted != b.Replicas*b.Calls || refused != p.Refused || accepted+refused != p.Sent {
		t.Errorf("%d accepted, %d refused in the bins; want %d accepted of %d sent, %d refused", accepted, refused, b.Replicas*b.Calls, p.Sent, p.Refused)
	}
	if p.Refused == 0 || p.Seconds < 0.5 {
		t.Errorf("%d refused, %.2f s: the provider has not refused what is above 20 a second, burst 20", p.Refused, p.Seconds)
	}
}
