package limiter_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/weir-go/weir/limiter"
)

// limited is a handler that limits its clients, and tells them how many calls are left.
func limited(l *limiter.Limiter, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := l.Decide(r.Context(), "clients", 1)
		if err != nil { // for example, Redis is away
			http.Error(w, "try again later", http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("RateLimit", fmt.Sprintf("%q;r=%d", d.Bucket, d.Remaining))
		if !d.OK {
			w.Header().Set("Retry-After", fmt.Sprint(math.Ceil(d.RetryAfter.Seconds())))
			http.Error(w, "too many requests", http.StatusTooManyRequests)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// A server of your own limits its clients: Decide returns at once whether a call may start, how many are left, and
// after which time to retry.
func ExampleLimiter_Decide() {
	l, err := limiter.NewMemory(limiter.SingleBucket("clients", limiter.Limit{Tokens: 2, Per: time.Hour, Burst: 2}))
	if err != nil {
		panic(err)
	}
	handler := limited(l, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for range 3 {
		out := httptest.NewRecorder()
		handler.ServeHTTP(out, httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/", http.NoBody))
		fmt.Printf("%d %s, Retry-After %q\n", out.Code, out.Header().Get("RateLimit"), out.Header().Get("Retry-After"))
	}
	// Output:
	// 200 "clients";r=1, Retry-After ""
	// 200 "clients";r=0, Retry-After ""
	// 429 "clients";r=0, Retry-After "1800"
}
