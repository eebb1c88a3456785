package clients

import (
	"context"
	"fmt"
	"io"
	"net/http"
)

// netHTTP is the client of the standard library. It follows redirects. Each redirect is another request.
var netHTTP = subject{
	make: func(hc *http.Client, url string) call {
		return func(ctx context.Context) error {
			req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+"/items", http.NoBody)
			if err != nil {
				return err
			}
			res, err := hc.Do(req)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("status %s", res.Status)
			}
			_, err = io.Copy(io.Discard, res.Body)
			return err
		}
	},
	trouble: []answer{moved}, requests: 2,
	refusal: refused,
}

func Example_netHTTP() {
	netHTTP.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 2 requests, 2 tokens
	// the provider refuses one replica: another waits for 7s
}
