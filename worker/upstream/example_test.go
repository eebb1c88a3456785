package upstream_test

import (
	"fmt"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// A test in virtual time asks the judge alone. Here a call that may produce 1,000 tokens comes every two seconds, under
// a limit of 100 tokens a second.
func ExampleJudge() {
	judge, err := upstream.NewJudge(upstream.Config{
		Total: upstream.Limit{Rate: 10, Burst: 10},
		Tokens: upstream.TokenLimits{
			Output: upstream.TokenLimit{PerMinute: 6000, Burst: 2000},
			Charge: upstream.ChargeHeld,
		},
	})
	if err != nil {
		panic(err)
	}
	call := upstream.Call{Input: 50, Output: 700, MaxTokens: 1000}
	for now := time.Duration(0); now < 8*time.Second; now += 2 * time.Second {
		v := judge.Arrive(upstream.Anthropic, now, call)
		if v.OK { // it takes a second
			judge.End(upstream.Anthropic, now+time.Second, call, upstream.Usage{Input: 50, Output: 700})
		}
		fmt.Printf("%v %t %v %q\n", now, v.OK, v.RetryAfter, v.By)
	}
	// Output:
	// 0s true 0s ""
	// 2s true 0s ""
	// 4s true 0s ""
	// 6s false 5s "output-tokens"
}
