package clients

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"
)

// restyClient is resty over an http.Client. It retries above the transport, so that each attempt takes a token.
var restyClient = subject{
	make: func(hc *http.Client, url string) call {
		client := resty.NewWithClient(hc).SetBaseURL(url).
			SetRetryCount(3).SetRetryWaitTime(time.Millisecond).
			AddRetryCondition(func(res *resty.Response, err error) bool {
				return err != nil || res.StatusCode() >= http.StatusInternalServerError
			})
		return func(ctx context.Context) error {
			res, err := client.R().SetContext(ctx).Get("/items")
			if err == nil && res.IsError() {
				err = fmt.Errorf("status %s", res.Status())
			}
			return err
		}
	},
	trouble: []answer{broken, broken}, requests: 3,
	refusal: refused,
}

func Example_resty() {
	restyClient.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 3 requests, 3 tokens
	// the provider refuses one replica: another waits for 7s
}
