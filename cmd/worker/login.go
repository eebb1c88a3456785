package main

import (
	"os"
	"slices"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/worker/providers"
)

// The variables of a login to Spotify.
const (
	accessTokenVariable  = "SPOTIFY_ACCESS_TOKEN"
	clientIDVariable     = "SPOTIFY_CLIENT_ID"
	clientSecretVariable = "SPOTIFY_CLIENT_SECRET"
	refreshTokenVariable = "SPOTIFY_REFRESH_TOKEN"
	tokenFileVariable    = "SPOTIFY_TOKEN_FILE"
	grantVariable        = "SPOTIFY_GRANT"
)

// The OAuth grants of a login. A login without a secret was made with PKCE.
const (
	grantRefresh = "refresh_token"
	grantClient  = "client_credentials"
)

// spotifyLogin reads a login from the environment. It returns the zero login if none of the variables is set.
func spotifyLogin() (providers.SpotifyLogin, error) {
	l := providers.SpotifyLogin{ClientID: os.Getenv(clientIDVariable), ClientSecret: os.Getenv(clientSecretVariable)}
	switch grant := os.Getenv(grantVariable); grant {
	case grantClient:
		l.Nobody = true
		return l, nil
	case "", grantRefresh:
	default:
		return l, cli.Usagef("%s %q: want %s, or %s for a login without a user, which creates no playlist", grantVariable, grant, grantRefresh, grantClient)
	}
	l.RefreshToken = os.Getenv(refreshTokenVariable)
	if file := os.Getenv(tokenFileVariable); file != "" && l.RefreshToken != "" {
		l.Rotated = providers.RefreshTokenFile(file)
	}
	return l, nil
}

// missingKeys returns the variables that the real providers need and that are not set. Spotify needs an access token or a login. The login of a
// user needs the client id and the refresh token, and the client secret if the application has one. A login without a user needs the client id and
// the secret. If no variable of a login is set, missingKeys asks for the access token.
func missingKeys() (missing []string) {
	needed := []string{"ANTHROPIC_API_KEY", "LASTFM_API_KEY"}
	isSet := func(name string) bool { return os.Getenv(name) != "" }
	switch {
	case isSet(accessTokenVariable):
	case os.Getenv(grantVariable) == grantClient:
		needed = append(needed, clientIDVariable, clientSecretVariable)
	case slices.ContainsFunc([]string{clientIDVariable, clientSecretVariable, refreshTokenVariable, tokenFileVariable}, isSet):
		needed = append(needed, clientIDVariable, refreshTokenVariable)
	default:
		needed = append(needed, accessTokenVariable)
	}
	return slices.DeleteFunc(needed, isSet)
}
