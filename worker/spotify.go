package worker

import (
	"context"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/weir-go/weir/worker/transport"
)

// SpotifyLogin is what Spotify exchanges for access tokens: an application and a user's consent to it.
type SpotifyLogin struct{ ClientID, ClientSecret, RefreshToken string }

// tokens renews access tokens as they expire. Each renewal is a request to Spotify and pays like any other.
func (s SpotifyLogin) tokens(ctx context.Context, base http.RoundTripper, w transport.Waiter) oauth2.TokenSource {
	cfg := oauth2.Config{
		ClientID: s.ClientID, ClientSecret: s.ClientSecret,
		Endpoint: oauth2.Endpoint{TokenURL: "https://accounts.spotify.com/api/token"},
	}
	client := &http.Client{Transport: transport.New(base, w, "spotify")}
	return cfg.TokenSource(context.WithValue(context.WithoutCancel(ctx), oauth2.HTTPClient, client),
		&oauth2.Token{RefreshToken: s.RefreshToken})
}
