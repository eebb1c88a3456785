package providers_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/providers"
	"github.com/weir-go/weir/worker/upstream"
)

// accounts is a simulator whose tokens expire, in virtual time. It notes the requests for tokens.
type accounts struct {
	*upstream.Server
	asked atomic.Int64
	slow  func(n int64) time.Duration // how long the n-th request for a token takes to arrive, and its answer too; nil for no time
}

func (a *accounts) RoundTrip(r *http.Request) (*http.Response, error) {
	var takes time.Duration
	if r.URL.Path == "/api/token" {
		if n := a.asked.Add(1); a.slow != nil {
			takes = a.slow(n)
		}
	}
	if !sleep(r.Context(), takes) {
		return nil, r.Context().Err()
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	if !sleep(r.Context(), takes) {
		return nil, r.Context().Err()
	}
	return w.Result(), nil
}

// sleep waits, and reports whether ctx has not ended meanwhile.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

func newAccounts(t *testing.T, all ...upstream.Account) *accounts {
	t.Helper()
	sim, err := upstream.New(upstream.Config{Total: upstream.Limit{Rate: 1000, Burst: 100_000}, Accounts: all})
	if err != nil {
		t.Fatal(err)
	}
	return &accounts{Server: sim}
}

// client is a replica's client with a login.
func (a *accounts) client(t *testing.T, login providers.SpotifyLogin) (*providers.Spotify, *payments) {
	t.Helper()
	const local = "http://localhost:1"
	paid := &payments{}
	c, err := providers.NewClients(providers.ClientConfig{AnthropicURL: local, SpotifyURL: local, LastFMURL: local, Limiter: paid, Base: a, SpotifyLogin: login})
	if err != nil {
		t.Fatal(err)
	}
	return c.Spotify, paid
}

const (
	modify = "playlist-modify-private"
	read   = "playlist-read-private"
)

// TestLogins: five hours of a search every ten minutes and of a playlist at the end, by every grant.
func TestLogins(t *testing.T) {
	both := []string{modify, read}
	for _, row := range []struct {
		name     string
		account  upstream.Account
		login    providers.SpotifyLogin
		renewals int64
		cannot   string // create a playlist; "" if it can
	}{
		{"code and secret", upstream.Account{Secret: "s&cret/1", RefreshToken: "first", Scopes: both}, providers.SpotifyLogin{ClientSecret: "s&cret/1", RefreshToken: "first"}, 6, ""},
		{"code and secret, rotating", upstream.Account{Secret: "secret", RefreshToken: "first", Scopes: both, Rotates: true}, providers.SpotifyLogin{ClientSecret: "secret", RefreshToken: "first"}, 6, ""},
		{"PKCE", upstream.Account{RefreshToken: "first", Scopes: both}, providers.SpotifyLogin{RefreshToken: "first"}, 6, ""},
		{"PKCE, rotating", upstream.Account{RefreshToken: "first", Scopes: both, Rotates: true}, providers.SpotifyLogin{RefreshToken: "first"}, 6, ""},
		{"PKCE, rotating, tokens of 5 min", upstream.Account{RefreshToken: "first", Scopes: both, Rotates: true, Expires: 5 * time.Minute}, providers.SpotifyLogin{RefreshToken: "first"}, 32, ""},
		{"PKCE, without a scope", upstream.Account{RefreshToken: "first", Scopes: []string{read}}, providers.SpotifyLogin{RefreshToken: "first"}, 6, "has not consented to " + modify},
		{"client credentials", upstream.Account{Secret: "secret"}, providers.SpotifyLogin{ClientSecret: "secret", Nobody: true}, 6, "for itself"},
	} {
		synctest.Test(t, func(t *testing.T) {
			row.account.ClientID, row.login.ClientID = "app", "app"
			sim := newAccounts(t, row.account)
			s, paid := sim.client(t, row.login)
			for range 31 {
				if _, err := s.Search(t.Context(), "rock"); err != nil {
					t.Errorf("%s: search: %v", row.name, err)
				}
				time.Sleep(10 * time.Minute)
			}
			cannot := s.CannotCreate()
			_, err := s.CreatePlaylist(t.Context(), "n", "d")
			t.Logf("%-34s %2d renewals, %d requests paid; creates: %s", row.name, sim.asked.Load(), len(paid.routes), cannot)
			if !strings.Contains(cannot, row.cannot) || (cannot == "") != (err == nil) || (row.cannot == "") != (cannot == "") {
				t.Errorf("%s: cannot create because %q, %v", row.name, cannot, err)
			}
			if n := sim.asked.Load(); n != row.renewals || int64(len(paid.routes)) != n+32 {
				t.Errorf("%s: %d renewals and %d payments, want %d and %d", row.name, n, len(paid.routes), row.renewals, row.renewals+32)
			}
		})
	}
}

// TestLoginsThatAreRefused: the error says what to do, the client sends nothing for a minute, and no text shows a secret.
func TestLoginsThatAreRefused(t *testing.T) {
	for _, row := range []struct {
		name  string
		login providers.SpotifyLogin
		code  string
		does  string
	}{
		{"a consent that was withdrawn", providers.SpotifyLogin{ClientID: "app", ClientSecret: "secret-canary", RefreshToken: "refresh-canary"}, "invalid_grant", "SPOTIFY_REFRESH_TOKEN"},
		{"a wrong secret", providers.SpotifyLogin{ClientID: "app", ClientSecret: "wrong-canary", RefreshToken: "refresh-canary"}, "invalid_client", "SPOTIFY_CLIENT_SECRET"},
		{"PKCE for an application with a secret", providers.SpotifyLogin{ClientID: "app", RefreshToken: "refresh-canary"}, "invalid_client", "SPOTIFY_CLIENT_ID"},
	} {
		synctest.Test(t, func(t *testing.T) {
			sim := newAccounts(t, upstream.Account{ClientID: "app", Secret: "secret-canary", RefreshToken: "another"})
			s, _ := sim.client(t, row.login)
			for range 5 {
				_, err := s.Search(t.Context(), "rock")
				denied, ok := errors.AsType[*providers.APIError](err)
				if !ok || denied.Code != row.code || !strings.Contains(denied.Advice, row.does) || !providers.Closed(err) || providers.Verdict(err).Again {
					t.Errorf("%s: error %v, want %s, advice with %q, and no other attempt", row.name, err, row.code, row.does)
				}
				for _, text := range shown(err) {
					if strings.Contains(text, "canary") {
						t.Errorf("%s: an error shows a secret: %s", row.name, text)
					}
				}
				time.Sleep(10 * time.Second)
			}
			n := sim.asked.Load()
			time.Sleep(time.Minute)
			_, err := s.Search(t.Context(), "rock")
			t.Logf("%-38s %d request in a minute, %d then: %v", row.name, n, sim.asked.Load(), err)
			if n != 1 || sim.asked.Load() != 2 {
				t.Errorf("%s: %d requests in a minute, %d then", row.name, n, sim.asked.Load())
			}
		})
	}
}

// TestRotatedTokenIsKept: by the process, in a file for the next process, and for replicas that share the file.
func TestRotatedTokenIsKept(t *testing.T) {
	file := providers.RefreshTokenFile(filepath.Join(t.TempDir(), "token"))
	synctest.Test(t, func(t *testing.T) {
		account := upstream.Account{ClientID: "app", RefreshToken: "first", Scopes: []string{modify}, Rotates: true}
		sim := newAccounts(t, account)
		login := providers.SpotifyLogin{ClientID: "app", RefreshToken: "first", Rotated: file}
		one, _ := sim.client(t, login)
		two, _ := sim.client(t, login)
		search := func(name string, s *providers.Spotify) {
			t.Helper()
			if _, err := s.Search(t.Context(), "rock"); err != nil {
				t.Errorf("search with %s: %v", name, err)
			}
		}
		for hour := range 3 {
			search("one", one)
			search("two", two)
			time.Sleep(time.Duration(hour+1) * time.Hour)
		}
		next, _ := sim.client(t, login)
		search("the next process", next)
		forgetful, _ := sim.client(t, providers.SpotifyLogin{ClientID: "app", RefreshToken: "first"})
		if _, err := forgetful.Search(t.Context(), "rock"); err == nil {
			t.Error("the first token is still valid, so the test proves nothing")
		}
		// The user has signed in again: the configured token wins.
		sim = newAccounts(t, upstream.Account{ClientID: "app", RefreshToken: "second", Scopes: []string{modify}, Rotates: true})
		again, _ := sim.client(t, providers.SpotifyLogin{ClientID: "app", RefreshToken: "second", Rotated: file})
		search("after another consent", again)
	})
	if info, err := os.Stat(string(file)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, error %v, want one with mode 0600", info, err)
	}
	if err := os.WriteFile(string(file), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := file.Latest("first"); err == nil {
		t.Error("a damaged file is no error")
	}
}

// TestTokenIsRotatedMeanwhile: two replicas share a file and renew at the same time. The second uses the token of the first.
func TestTokenIsRotatedMeanwhile(t *testing.T) {
	file := providers.RefreshTokenFile(filepath.Join(t.TempDir(), "token"))
	synctest.Test(t, func(t *testing.T) {
		sim := newAccounts(t, upstream.Account{ClientID: "app", RefreshToken: "first", Rotates: true})
		sim.slow = func(n int64) time.Duration { return time.Duration(n) * time.Second }
		var all sync.WaitGroup
		for range 2 {
			s, _ := sim.client(t, providers.SpotifyLogin{ClientID: "app", RefreshToken: "first", Rotated: file})
			all.Go(func() {
				if _, err := s.Search(t.Context(), "rock"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := sim.asked.Load(); n != 3 {
			t.Errorf("%d requests for a token, want 3: one that rotates, one too late, and one with the latest", n)
		}
	})
}

// TestOneRenewal: many calls that need a token wait for one renewal. If all calls give up, the new refresh token is still kept.
func TestOneRenewal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim := newAccounts(t, upstream.Account{ClientID: "app", RefreshToken: "first", Rotates: true})
		sim.slow = func(int64) time.Duration { return time.Second }
		s, _ := sim.client(t, providers.SpotifyLogin{ClientID: "app", RefreshToken: "first"})
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if _, err := s.Search(ctx, "rock"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := s.Search(t.Context(), "rock"); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		if n := sim.asked.Load(); n != 1 {
			t.Errorf("%d requests for a token, want 1", n)
		}
		time.Sleep(2 * time.Hour)
		if _, err := s.Search(t.Context(), "rock"); err != nil || sim.asked.Load() != 2 {
			t.Errorf("after two hours: error %v, %d requests for tokens, want 2", err, sim.asked.Load())
		}
	})
}

// TestTokenThatEndedEarly: the client drops a token that Spotify refuses before its end, and the next attempt has another. It keeps a token
// that Spotify refuses at once, because another would be refused too.
func TestTokenThatEndedEarly(t *testing.T) {
	for _, row := range []struct {
		name  string
		after time.Duration
		again bool
	}{{"at once", 0, false}, {"after half a minute", 30 * time.Second, false}, {"after two minutes", 2 * time.Minute, true}} {
		synctest.Test(t, func(t *testing.T) {
			account := upstream.Account{ClientID: "app", RefreshToken: "first"}
			sim := newAccounts(t, account)
			s, _ := sim.client(t, providers.SpotifyLogin{ClientID: "app", RefreshToken: "first"})
			if _, err := s.Search(t.Context(), "rock"); err != nil {
				t.Fatal(err)
			}
			time.Sleep(row.after)
			sim.Server = newAccounts(t, account).Server // which has forgotten the token
			_, err := s.Search(t.Context(), "rock")
			v := providers.Verdict(err)
			_, next := s.Search(t.Context(), "rock")
			t.Logf("refused %-20s again %-5t then %v", row.name, v.Again, next)
			if v.Again != row.again || (next == nil) != row.again || providers.Closed(err) == row.again {
				t.Errorf("%s: error %v, verdict %+v, then %v; want another attempt: %t", row.name, err, v, next, row.again)
			}
		})
	}
}

// TestLoginsAreChecked: an error names the missing field before anything is sent.
func TestLoginsAreChecked(t *testing.T) {
	for _, row := range []struct {
		login providers.SpotifyLogin
		names string // "" for nothing wrong
	}{
		{providers.SpotifyLogin{RefreshToken: "r"}, "ClientID"},
		{providers.SpotifyLogin{ClientID: "c"}, "RefreshToken"},
		{providers.SpotifyLogin{ClientID: "c", ClientSecret: "s"}, "RefreshToken"},
		{providers.SpotifyLogin{ClientID: "c", Nobody: true}, "ClientSecret"},
		{providers.SpotifyLogin{ClientID: "c", RefreshToken: "r"}, ""},
		{providers.SpotifyLogin{ClientID: "c", ClientSecret: "s", Nobody: true}, ""},
	} {
		const local = "http://localhost:1"
		_, err := providers.NewClients(providers.ClientConfig{AnthropicURL: local, LastFMURL: local, Limiter: &payments{}, SpotifyLogin: row.login})
		if (err == nil) != (row.names == "") || err != nil && !strings.Contains(err.Error(), row.names) {
			t.Errorf("%#v: %v, want %q named", row.login, err, row.names)
		}
	}
}
