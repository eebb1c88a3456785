package limiter_test

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter"
)

// A user waits for the result of this call. As an urgent call it starts before the other waiting calls, in this replica
// and in others.
func ExampleUrgent() {
	cfg := limiter.SingleBucket("global", limiter.PerSecond(50, 1))
	cfg.Horizon = 20 * time.Millisecond // an urgent call waits behind existing reservations, a horizon at most
	l, err := limiter.NewMemory(cfg)
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	var mu sync.Mutex
	var order []string
	call := func(name string, opts ...limiter.Option) {
		if err := l.Wait(ctx, "global", opts...); err != nil {
			fmt.Println(err)
		}
		mu.Lock()
		defer mu.Unlock()
		order = append(order, name)
	}
	var calls sync.WaitGroup
	if err := l.Pause(ctx, "global", limiter.UntilResumed); err != nil { // so that all calls wait
		fmt.Println(err)
	}
	for range 20 {
		calls.Go(func() { call("normal") })
	}
	waiting(l, 20)
	calls.Go(func() { call("urgent", limiter.Urgent()) })
	waiting(l, 21)
	if err := l.Resume(ctx, "global"); err != nil {
		fmt.Println(err)
	}
	calls.Wait()
	for i, name := range order {
		if name == "urgent" {
			fmt.Println("the urgent call is among the first half of 21:", i < 10)
		}
	}
	// Output: the urgent call is among the first half of 21: true
}

// waiting returns once calls wait for so many tokens.
func waiting(l *limiter.Limiter, n int64) {
	for {
		at, err := l.Where(context.Background(), "global")
		if err != nil {
			panic(err)
		}
		var tokens int64
		for _, w := range at.Line {
			tokens += w.Tokens
		}
		if tokens >= n {
			return
		}
	}
}
