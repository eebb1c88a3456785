package clients

import (
	"context"
	"net/http"
	"time"

	"golang.org/x/oauth2"
)

// oauth is a client that fetches an access token before its first call, and again when the token has expired. The request for the token goes
// through the transport because the context of the client names the http.Client. AuthStyle is given: without it the package tries two ways of
// authentication, so that a request for a token which the provider refuses is sent, and pays, twice.
var oauth = subject{
	make: func(hc *http.Client, url string) call {
		cfg := oauth2.Config{ClientID: "id", ClientSecret: "secret", Endpoint: oauth2.Endpoint{TokenURL: url + "/token", AuthStyle: oauth2.AuthStyleInParams}}
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, hc) // for as long as the client lives
		expired := &oauth2.Token{AccessToken: "old", RefreshToken: "refresh", Expiry: time.Now().Add(-time.Hour)}
		return netHTTP.make(cfg.Client(ctx, expired), url)
	},
	// No trouble: the first call needs a token.
	requests: 2,
	refusal:  refused,
}

func Example_oauth2() {
	oauth.show()
	// Output:
	// calls wait their turn: true
	// a call in trouble: 2 requests, 2 tokens
	// a replica is refused, another waits for 7s
}
