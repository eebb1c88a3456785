package clients

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// oauth is a client that fetches an access token before its first call, and again when the token has expired. The request for the access token goes
// through the transport, because the context of the client names the http.Client. AuthStyle is set because the package otherwise tries two styles: a
// refused request for an access token would be sent twice, and would take two tokens of the limit.
var oauth = subject{
	make: func(hc *http.Client, url string) call {
		cfg := oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInParams}}
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, hc) // the client keeps this context
		expired := &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Now().Add(-time.Hour)}
		return netHTTP.make(cfg.Client(ctx, expired), url)
	},
	// Without trouble: the second request is for the access token.
	requests: 2,
	refusal:  refused,
}

func Example_oauth2() {
	oauth.show()
	// Output:
	// calls wait for their tokens: true
	// one call: 2 requests, 2 tokens
	// the provider refuses one replica: another waits for 7s
}
