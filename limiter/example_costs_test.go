package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A provider has separate limits for calls and tokens: 50 calls, 40,000 input tokens and 8,000 output tokens a minute.
func ExampleCosts() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"claude":        {{Tokens: 50, Per: time.Minute, Burst: 50}},
			"claude-input":  {{Tokens: 40_000, Per: time.Minute, Burst: 40_000}},
			"claude-output": {{Tokens: 8_000, Per: time.Minute, Burst: 8_000}},
		},
		Routes: map[string][]string{"messages": {"claude-output", "claude-input", "claude"}},
	})
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	for range 3 { // each call takes one token of the bucket "claude"
		d, err := l.Decide(ctx, "messages", 1, limiter.Costs{"claude-input": 12_000, "claude-output": 3_200})
		fmt.Println(d.OK, d.Bucket, d.RetryAfter.Round(time.Second), err)
	}
	_ = l.Close(ctx)
	// Output:
	// true claude-output 0s <nil>
	// true claude-output 0s <nil>
	// false claude-output 12s <nil>
}
