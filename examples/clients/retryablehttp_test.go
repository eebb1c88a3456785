package clients

import (
	"context"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"
)

// retryable is go-retryablehttp over an http.Client. It retries a status of 500 or more. It retries 429 after the time that the provider asks for.
var retryable = subject{
	make: func(hc *http.Client, url string) call {
		client := retryablehttp.NewClient()
		client.HTTPClient, client.Logger = hc, nil
		client.RetryWaitMin, client.RetryWaitMax = time.Millisecond, time.Second
		return func(ctx context.Context) error {
			req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodGet, url+"/items", nil)
			if err != nil {
				return err
			}
			res, err := client.Do(req)
			if err != nil {
				return err
			}
			return res.Body.Close()
		}
	},
	trouble: []answer{broken, broken, broken}, requests: 4,
	refusal: refused,
}

func Example_retryablehttp() {
	retryable.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 4 requests, 4 tokens
	// the provider refuses one replica: another waits for 7s
}
