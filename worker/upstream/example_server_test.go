package upstream_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/worker/upstream"
)

// How does my client of Spotify behave without Spotify? The simulator answers on its paths, and refuses what is above the
// budget. For an API of your own there is package upstreamtest.
func ExampleServer() {
	spotify, err := upstream.New(upstream.Config{Total: upstream.Limit{Rate: 0.001, Burst: 2}})
	if err != nil {
		panic(err)
	}
	for range 3 {
		req := httptest.NewRequestWithContext(context.Background(), http.MethodGet, "/v1/tracks/70LcF31zb1H0PyJoS1Sx1r", http.NoBody)
		req.Header.Set("Authorization", "Bearer any")
		out := httptest.NewRecorder()
		spotify.ServeHTTP(out, req)
		fmt.Println(out.Code, out.Header().Get("Retry-After") != "")
	}
	s := spotify.Stats()
	fmt.Println(s.Total, "calls,", s.Refused, "refused")
	// Output:
	// 200 false
	// 200 false
	// 429 true
	// 3 calls, 1 refused
}
