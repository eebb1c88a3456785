package main

import (
	"testing"

	"github.com/weir-go/weir/bench/contestant"
)

// TestPlayCountsEachArrival: the provider accepts each call once, and the sums equal the sums of the bins. Without a limiter the provider
// refuses calls above its budget.
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
		t.Errorf("the bins have %d accepted and %d refused calls, want %d accepted and %d refused of %d sent", accepted, refused, b.Replicas*b.Calls, p.Refused, p.Sent)
	}
	if p.Refused == 0 || p.Seconds < 0.5 {
		t.Errorf("%d calls refused, %.2f s: the provider did not refuse the calls above 20 a second, burst 20", p.Refused, p.Seconds)
	}
}
