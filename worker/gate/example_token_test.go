package gate_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/worker/gate"
)

// Who may call my server? Clients with the token, and probes without it.
func ExampleNew() {
	g, err := gate.New(gate.Config{Token: "a-token-of-sixteen-or-more", Open: []string{"/livez"}})
	if err != nil {
		panic(err)
	}
	server := g.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	call := func(path, token string) int {
		req := httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, http.NoBody)
		if token != "" {
			req.Header.Set("Authorization", "Bearer "+token)
		}
		out := httptest.NewRecorder()
		server.ServeHTTP(out, req)
		return out.Code
	}
	fmt.Println("with the token:", call("/v1", "a-token-of-sixteen-or-more"))
	fmt.Println("with another one:", call("/v1", "another-token-of-sixteen"))
	fmt.Println("a probe:", call("/livez", ""))
	// Output:
	// with the token: 200
	// with another one: 401
	// a probe: 200
}
