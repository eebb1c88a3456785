package clients

import (
	"context"
	"net/http"
	"net/url"

	"github.com/google/go-github/v72/github"
)

// gitHub is go-github. It has no retries, and follows the redirect of a repository that was renamed. GitHub refuses calls with 403 as well
// as with 429.
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
	// calls wait their turn: true
	// a call in trouble: 2 requests, 2 tokens
	// a replica is refused, another waits for 7s
}
