package clients

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/go-github/v72/github"
)

// gitHub is go-github. It does not retry, and it follows the redirect of a renamed repository. GitHub refuses calls with 403 and with 429.
var gitHub = subject{
	make: func(hc *http.Client, address string) call {
		client := github.NewClient(hc)
		base, err := url.Parse(address + "/")
		must(err)
		client.BaseURL = base
		return func(ctx context.Context) error {
			_, _, err := client.Repositories.Get(ctx, "octocat", "hello")
			return err
		}
	},
	trouble: []answer{moved}, requests: 2,
	refusal: answer{status: http.StatusForbidden, header: http.Header{"Retry-After": {"7"}}, body: `{"message": "You have exceeded a secondary rate limit"}`},
}

func Example_gitHub() {
	gitHub.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 2 requests, 2 tokens
	// the provider refuses one replica: another waits for 7s
}
