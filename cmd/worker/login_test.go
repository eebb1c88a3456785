package main

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/providers"
)

// TestWhatALoginNeeds checks that the error names the missing variables and no others, and that complete variables select the right grant.
func TestWhatALoginNeeds(t *testing.T) {
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	defer rdb.Close()
	keys := map[string]string{"ANTHROPIC_API_KEY": "k", "LASTFM_API_KEY": "k"}
	for _, row := range []struct {
		name    string
		set     map[string]string
		missing string // "" for nothing
		want    providers.SpotifyLogin
		token   string
	}{
		{"nothing", nil, "not set: SPOTIFY_ACCESS_TOKEN; set it", providers.SpotifyLogin{}, ""},
		{"an access token", map[string]string{"SPOTIFY_ACCESS_TOKEN": "t"}, "", providers.SpotifyLogin{}, "t"},
		{"an access token beside a login", map[string]string{"SPOTIFY_ACCESS_TOKEN": "t", "SPOTIFY_CLIENT_ID": "i"}, "", providers.SpotifyLogin{}, "t"},
		{"id and secret", map[string]string{"SPOTIFY_CLIENT_ID": "i", "SPOTIFY_CLIENT_SECRET": "s"}, "not set: SPOTIFY_REFRESH_TOKEN; set it", providers.SpotifyLogin{}, ""},
		{"an id alone", map[string]string{"SPOTIFY_CLIENT_ID": "i"}, "not set: SPOTIFY_REFRESH_TOKEN; set it", providers.SpotifyLogin{}, ""},
		{"a secret alone", map[string]string{"SPOTIFY_CLIENT_SECRET": "s"}, "not set: SPOTIFY_CLIENT_ID, SPOTIFY_REFRESH_TOKEN; set them", providers.SpotifyLogin{}, ""},
		{"a refresh token alone", map[string]string{"SPOTIFY_REFRESH_TOKEN": "r"}, "not set: SPOTIFY_CLIENT_ID; set it", providers.SpotifyLogin{}, ""},
		{"a file alone", map[string]string{"SPOTIFY_TOKEN_FILE": "f"}, "not set: SPOTIFY_CLIENT_ID, SPOTIFY_REFRESH_TOKEN; set them", providers.SpotifyLogin{}, ""},
		{"PKCE", map[string]string{"SPOTIFY_CLIENT_ID": "i", "SPOTIFY_REFRESH_TOKEN": "r"}, "", providers.SpotifyLogin{ClientID: "i", RefreshToken: "r"}, ""},
		{"PKCE with a file", map[string]string{"SPOTIFY_CLIENT_ID": "i", "SPOTIFY_REFRESH_TOKEN": "r", "SPOTIFY_TOKEN_FILE": "f"}, "", providers.SpotifyLogin{ClientID: "i", RefreshToken: "r", Rotated: providers.RefreshTokenFile("f")}, ""},
		{"code and secret", map[string]string{"SPOTIFY_CLIENT_ID": "i", "SPOTIFY_CLIENT_SECRET": "s", "SPOTIFY_REFRESH_TOKEN": "r"}, "", providers.SpotifyLogin{ClientID: "i", ClientSecret: "s", RefreshToken: "r"}, ""},
		{"no user", map[string]string{"SPOTIFY_GRANT": "client_credentials", "SPOTIFY_CLIENT_ID": "i", "SPOTIFY_CLIENT_SECRET": "s"}, "", providers.SpotifyLogin{ClientID: "i", ClientSecret: "s", Nobody: true}, ""},
		{"no user and no secret", map[string]string{"SPOTIFY_GRANT": "client_credentials", "SPOTIFY_CLIENT_ID": "i"}, "not set: SPOTIFY_CLIENT_SECRET; set it", providers.SpotifyLogin{}, ""},
		{"an unknown grant", map[string]string{"SPOTIFY_GRANT": "password", "SPOTIFY_CLIENT_ID": "i"}, `SPOTIFY_GRANT "password": want refresh_token, or client_credentials`, providers.SpotifyLogin{}, ""},
	} {
		for _, name := range []string{accessTokenVariable, clientIDVariable, clientSecretVariable, refreshTokenVariable, tokenFileVariable, grantVariable} {
			t.Setenv(name, row.set[name])
		}
		for name, value := range keys {
			t.Setenv(name, value)
		}
		var cfg worker.Config
		err := providerFlags{Model: "m", Narrator: "n"}.apply(&cfg)
		got := cfg.Providers
		t.Logf("%-32s %v", row.name, err)
		switch {
		case row.missing != "" && (err == nil || !strings.Contains(err.Error(), row.missing)):
			t.Errorf("%s: %v, want %q", row.name, err, row.missing)
		case row.missing == "" && (err != nil || got.SpotifyLogin != row.want || got.SpotifyToken != row.token || got.Model != "m" || got.NarratorModel != "n"):
			t.Errorf("%s: %v, %#v, want %+v", row.name, err, got.SpotifyLogin, row.want)
		case row.missing == "":
			if _, err := worker.New(worker.Config{Redis: rdb, Providers: got}); err != nil {
				t.Errorf("%s: %v", row.name, err)
			}
		}
	}
}
