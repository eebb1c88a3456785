package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/weir-go/weir/worker/transport"
)

// How do spans get names without ids of users? By templates of the paths that a client requests.
func ExampleTemplates() {
	template := transport.Templates("GET /v1/tracks/{id}", "POST api.example.com/v1/messages")
	for _, url := range []string{"https://api.example.com/v1/tracks/70LcF31zb1H0", "https://api.example.com/v1/me"} {
		req := httptest.NewRequestWithContext(context.Background(), http.MethodGet, url, http.NoBody)
		fmt.Printf("%q\n", template(req))
	}
	// Output:
	// "/v1/tracks/{id}"
	// ""
}
