package limiter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter"
)

// The cost of a call may be known only after it has ended, for example the output tokens of a model. Reserve the largest
// cost, and settle the actual one. The difference returns to the bucket, for the whole fleet.
func ExampleReservation_Settle() {
	inVirtualTime(func(t *testing.T) { // so that the seconds below take no time
		l, err := limiter.NewMemory(limiter.SingleBucket("output", limiter.Limit{Tokens: 1, Per: time.Hour, Burst: 1000}))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(t.Context()) }()
		for _, actual := range []int64{250, 100} { // from its first settlement on, a bucket records which tokens calls may return
			r, err := l.Reserve(t.Context(), "output", limiter.Costs{"output": 300})
			if err != nil || !r.Use("output") {
				t.Fatal(err)
			}
			time.Sleep(time.Second)                   // the call, and its answer
			r.Settle(limiter.Costs{"output": actual}) // the tokens that the answer reports
			time.Sleep(6 * time.Second)               // the settlement reaches Redis within 5 s
			s, err := l.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			fmt.Printf("reserved 300, used %d, left %.0f\n", actual, s.Buckets[0].Tokens)
		}
	})
	// Output:
	// reserved 300, used 250, left 700
	// reserved 300, used 100, left 600
}
