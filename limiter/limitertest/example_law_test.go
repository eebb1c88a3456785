package limitertest_test

import (
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// A log has the times at which calls started. Did the calls keep the limit of 10 a second, burst 3?
func ExampleLaw() {
	limit := limiter.PerSecond(10, 3)
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	calls := []time.Time{at(0), at(0), at(0), at(100), at(200)}
	fmt.Println(limitertest.Law(calls, limit, 0))

	calls = append(calls, at(260)) // 40 ms before its token
	fmt.Println("strictly:", limitertest.Law(calls, limit, 0) == nil)
	fmt.Println("with 50 ms of slack:", limitertest.Law(calls, limit, 50*time.Millisecond) == nil)
	// Output:
	// <nil>
	// strictly: false
	// with 50 ms of slack: true
}
