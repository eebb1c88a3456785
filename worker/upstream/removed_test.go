package upstream_test

import (
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// TestRemovedPaths: a path that applications in development mode could call before 2026 is refused in Spotify's form, and the call is an arrival.
func TestRemovedPaths(t *testing.T) {
	s := server(t, roomy())
	id := strings.Repeat("0", 22)
	rows := []struct{ method, target, instead string }{
		{"GET", "/v1/tracks?ids=" + id, "one request for each track"},
		{"GET", "/v1/albums?ids=" + id, "one request for each album"},
		{"GET", "/v1/artists?ids=" + id, "one request for each artist"},
		{"GET", "/v1/episodes?ids=" + id, "one request for each episode"},
		{"GET", "/v1/audio-features?ids=" + id, "one request for each track"},
		{"GET", "/v1/playlists/" + upstream.SamplePlaylist + "/tracks", "/items"},
		{"POST", "/v1/playlists/" + upstream.SamplePlaylist + "/tracks", "/items"},
		{"PUT", "/v1/playlists/" + upstream.SamplePlaylist + "/tracks", "/items"},
		{"DELETE", "/v1/playlists/" + upstream.SamplePlaylist + "/tracks", "/items"},
		{"POST", "/v1/users/ann/playlists", "/v1/me/playlists"},
		{"GET", "/v1/users/ann/playlists", "/v1/me/playlists"},
	}
	for _, row := range rows {
		wantSpotifyError(t, s, row.method, row.target, "{}", 403)
		t.Logf("%-6s %-50s 403; instead %s", row.method, row.target, row.instead)
	}
	if n := s.Stats().Arrivals[upstream.Spotify]; n != int64(len(rows)) {
		t.Errorf("%d arrivals, want %d", n, len(rows))
	}
}

// spotifyLogin asks for a token as a row of a table says.
type spotifyLogin struct {
	Status       int
	Token        string `json:"access_token"`
	Refresh      string `json:"refresh_token"`
	Scope, Error string
	Expires      int `json:"expires_in"`
}

func logIn(t *testing.T, s *upstream.Server, form url.Values, basic string) spotifyLogin {
	t.Helper()
	headers := []string{"Content-Type: application/x-www-form-urlencoded"}
	if basic != "" {
		headers = append(headers, "Authorization: Basic "+basic)
	}
	var got spotifyLogin
	got.Status = ask(t, s, "POST", "/api/token", form.Encode(), &got, headers...).Code
	return got
}

// TestLogins: who may have a token, what it allows, and when it ends.
func TestLogins(t *testing.T) {
	const pkce, confidential = "phone", "d2ViOnNlY3JldA==" // web:secret
	refresh := func(id, token string) url.Values {
		v := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
		if id != "" {
			v.Set("client_id", id)
		}
		return v
	}
	synctest.Test(t, func(t *testing.T) {
		cfg := roomy()
		cfg.Accounts = []upstream.Account{
			{ClientID: pkce, RefreshToken: "first", Scopes: []string{"playlist-modify-private", "playlist-read-private"}, Rotates: true},
			{ClientID: "web", Secret: "secret", RefreshToken: "stays", Scopes: []string{"playlist-modify-public"}, Expires: time.Minute},
		}
		s := server(t, cfg)
		for _, row := range []struct {
			name   string
			form   url.Values
			basic  string
			status int
			err    string
		}{
			{"no grant type", url.Values{"client_id": {pkce}}, "", 400, "unsupported_grant_type"},
			{"an unknown client", refresh("nobody", "first"), "", 400, "invalid_client"},
			{"a wrong secret", refresh("", "stays"), "d2ViOndyb25n", 400, "invalid_client"},
			{"another's consent", refresh(pkce, "stays"), "", 400, "invalid_grant"},
			{"client credentials without a secret", url.Values{"grant_type": {"client_credentials"}, "client_id": {pkce}}, "", 400, "invalid_client"},
			{"client credentials", url.Values{"grant_type": {"client_credentials"}}, confidential, 200, ""},
			{"a consent that stays", refresh("", "stays"), confidential, 200, ""},
			{"a consent that stays, again", refresh("", "stays"), confidential, 200, ""},
			{"a consent that rotates", refresh(pkce, "first"), "", 200, ""},
			{"a token that was rotated", refresh(pkce, "first"), "", 400, "invalid_grant"},
		} {
			got := logIn(t, s, row.form, row.basic)
			t.Logf("%-36s %d %s", row.name, got.Status, got.Error)
			if got.Status != row.status || got.Error != row.err || (got.Token != "") != (row.status == 200) {
				t.Errorf("%s: %+v, want %d and error %q", row.name, got, row.status, row.err)
			}
		}

		nobody := logIn(t, s, url.Values{"grant_type": {"client_credentials"}}, confidential)
		public := logIn(t, s, refresh("", "stays"), confidential)
		private := func() spotifyLogin { // on a new server: the rows above rotated the token, and the test does not have the new one
			cfg := cfg
			s = server(t, cfg)
			nobody = logIn(t, s, url.Values{"grant_type": {"client_credentials"}}, confidential)
			public = logIn(t, s, refresh("", "stays"), confidential)
			return logIn(t, s, refresh(pkce, "first"), "")
		}()
		if again := logIn(t, s, refresh(pkce, private.Refresh), ""); again.Status != 200 || again.Refresh == private.Refresh {
			t.Errorf("a login with the rotated token: %+v, want 200 and a new refresh token", again)
		}
		if public.Refresh != "" || public.Expires != 60 || private.Expires != 3600 || private.Scope != "playlist-modify-private playlist-read-private" {
			t.Errorf("the login with a secret got %+v, the one without got %+v", public, private)
		}
		uri := list([]string{"spotify:track:" + strings.Repeat("0", 22)})
		create := func(public string) [3]string {
			return [3]string{"POST", "/v1/me/playlists", `{"name":"n","public":` + public + `}`}
		}
		for _, row := range []struct {
			name    string
			token   string
			request [3]string
			after   time.Duration
			status  int
		}{
			{"search for nobody", nobody.Token, [3]string{"GET", "/v1/search?q=x&type=track", ""}, 0, 200},
			{"create for nobody", nobody.Token, create("false"), 0, 403},
			{"create public, private consent", private.Token, create("true"), 0, 403},
			{"create private, private consent", private.Token, create("false"), 0, 201},
			{"create public, public consent", public.Token, create("true"), 0, 201},
			{"create private, public consent", public.Token, create("false"), 0, 403},
			{"read, private consent", private.Token, [3]string{"GET", "/v1/me/playlists", ""}, 0, 200},
			{"read, public consent", public.Token, [3]string{"GET", "/v1/me/playlists", ""}, 0, 403},
			{"read items, public consent", public.Token, [3]string{"GET", "/v1/playlists/" + upstream.SamplePlaylist + "/items", ""}, 0, 403},
			{"add, private consent", private.Token, [3]string{"POST", "/v1/playlists/" + upstream.SamplePlaylist + "/items", uri}, 0, 201},
			{"add, public consent", public.Token, [3]string{"POST", "/v1/playlists/" + upstream.SamplePlaylist + "/items", uri}, 0, 403},
			{"a token that nobody gave", "BQx", [3]string{"GET", "/v1/search?q=x&type=track", ""}, 0, 401},
			{"just before the end", public.Token, [3]string{"GET", "/v1/search?q=x&type=track", ""}, time.Minute - time.Millisecond, 200},
			{"an expired token", public.Token, [3]string{"GET", "/v1/search?q=x&type=track", ""}, time.Millisecond, 401},
		} {
			time.Sleep(row.after)
			var body struct {
				Error struct{ Message string }
			}
			res := ask(t, s, row.request[0], row.request[1], row.request[2], &body, "Authorization: Bearer "+row.token)
			t.Logf("%-34s %d %s", row.name, res.Code, body.Error.Message)
			if res.Code != row.status || row.status >= 400 && body.Error.Message == "" {
				t.Errorf("%s: status %d, body %s, want %d", row.name, res.Code, res.Body, row.status)
			}
		}
	})
}

// TestOwnPlaylists: the newest come first.
func TestOwnPlaylists(t *testing.T) {
	s := server(t, roomy())
	for _, name := range []string{"a", "b", "c"} {
		ask(t, s, "POST", "/v1/me/playlists", `{"name":"`+name+`","description":"of `+name+`"}`, nil, bearer)
	}
	var got struct {
		Items []struct{ Name, Description string }
		Total int
		Next  *string
	}
	ask(t, s, "GET", "/v1/me/playlists?limit=2", "", &got, bearer)
	if got.Total != 3 || len(got.Items) != 2 || got.Items[0].Name != "c" || got.Items[1].Description != "of b" || got.Next == nil {
		t.Errorf("page %+v, want two of three playlists, the newest first, and a next page", got)
	}
}
