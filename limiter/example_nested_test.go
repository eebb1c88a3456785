package limiter_test

import (
	"context"
	"fmt"
	"time"

	"github.com/weir-go/weir/limiter"
)

// An endpoint has a limit, its API another one, and the account a third. A route names all three, and each call obeys
// all of them. Which of them limits the call?
func Example_nestedRoutes() {
	hourly := func(burst int64) []limiter.Limit { return []limiter.Limit{{Tokens: 1, Per: time.Hour, Burst: burst}} }
	l, err := limiter.NewMemory(limiter.Config{
		Buckets: map[string][]limiter.Limit{"search": hourly(2), "api": hourly(4), "account": hourly(5)},
		Routes: map[string][]string{
			"search": {"search", "api", "account"},
			"tracks": {"api", "account"},
			"login":  {"account"},
		},
	})
	if err != nil {
		panic(err)
	}
	for _, route := range []string{"search", "search", "search", "tracks", "tracks", "tracks", "login", "login"} {
		d, err := l.Decide(context.Background(), route, 1)
		if err != nil {
			panic(err)
		}
		fmt.Println(route, d.OK, "by", d.Bucket)
	}
	// Output:
	// search true by search
	// search true by search
	// search false by search
	// tracks true by api
	// tracks true by api
	// tracks false by api
	// login true by account
	// login false by account
}
