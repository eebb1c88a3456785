package limiter_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A call that may wait: ask, sleep until it may start, go.
func ExampleLimiter_Wait() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 1)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for i := range 3 {
		if err := l.Wait(ctx, "global"); err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println("call", i+1)
	}
	// Output:
	// call 1
	// call 2
	// call 3
}

// A call that must not wait: it may start now, or it does not start.
func ExampleLimiter_Allow() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {{Tokens: 5, Per: 24 * time.Hour, Burst: 2}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(l.Allow(context.Background(), "global"))
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}

// A call with a deadline that cannot be met is refused at once and costs nothing.
func ExampleDeadlineError() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"daily": {{Tokens: 1, Per: 24 * time.Hour}}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	fmt.Println(l.Wait(ctx, "daily"))
	err = l.Wait(ctx, "daily")
	_, isDeadline := errors.AsType[*limiter.DeadlineError](err)
	fmt.Println(isDeadline, errors.Is(err, context.DeadlineExceeded))
	// Output:
	// <nil>
	// true true
}

// A provider that counts 100 calls in any half minute, with a pace so that they do not come all at once, and a budget that
// all providers share.
func ExamplePerWindow() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{
			"spotify": {limiter.PerWindow(3, 30*time.Second), limiter.PerSecond(1000, 1)},
			"global":  {limiter.PerSecond(40, 40)},
		},
		Routes: map[string][]string{"spotify": {"spotify", "global"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for range 4 {
		err := l.Wait(ctx, "spotify")
		fmt.Println(err == nil, errors.Is(err, context.DeadlineExceeded))
	}
	// Output:
	// true false
	// true false
	// true false
	// false true
}

// A bucket for each tenant, made when the tenant is first seen.
func ExampleLimiter_Route() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = l.AddRoute("tenant-7",
		limiter.Bucket{Name: "tenant-7", Limits: []limiter.Limit{limiter.PerSecond(1, 2)}}, limiter.Bucket{Name: "global"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		fmt.Println(l.Allow(context.Background(), "tenant-7"))
	}
	// Output:
	// true <nil>
	// true <nil>
	// false <nil>
}

// An operator slows the fleet down, and stops it.
func ExampleLimiter_Configure() {
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	if err := l.Configure(ctx, "global", limiter.PerSecond(10, 1)); err != nil {
		fmt.Println(err)
	}
	if err := l.Pause(ctx, "global", limiter.UntilResumed); err != nil {
		fmt.Println(err)
	}
	ok, err := l.Allow(ctx, "global")
	s, _ := l.Snapshot(ctx)
	fmt.Println(ok, err, s.Buckets[0].Limit, s.Buckets[0].PausedFor == limiter.UntilResumed)
	// Output: false <nil> 10 per 1s, burst 1 true
}

// A provider that counts calls and tokens apart: 50 calls, 40,000 input tokens and 8,000 output tokens a minute.
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
	for range 3 { // of the bucket "claude" each call takes one token
		d, err := l.Decide(ctx, "messages", 1, limiter.Costs{"claude-input": 12_000, "claude-output": 3_200})
		fmt.Println(d.OK, d.Bucket, d.RetryAfter.Round(time.Second), err)
	}
	_ = l.Close(ctx)
	// Output:
	// true claude-output 0s <nil>
	// true claude-output 0s <nil>
	// false claude-output 12s <nil>
}
