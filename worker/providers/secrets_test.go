package providers_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/providers"
)

// everySecret is a provider's worst answer: it has the secret of the request in all spellings.
func everySecret(r *http.Request) string {
	_ = r.ParseForm()
	var all []string
	for _, s := range []string{r.Header.Get("X-Api-Key"), strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "), r.PostForm.Get("api_key")} {
		if s != "" {
			all = append(all, s, url.QueryEscape(s), url.PathEscape(s))
		}
	}
	if len(all) == 0 {
		panic("a request without a secret shows nothing")
	}
	return "http://" + r.Host + r.URL.String() + " said: " + strings.Join(all, " ")
}

// leaks lists the secrets that a text contains.
func leaks(text string) []string {
	var found []string
	for _, s := range []string{anthropicKey, spotifyToken, lastFMKey, "refresh-canary"} {
		for _, spelled := range []string{s, url.QueryEscape(s), url.PathEscape(s)} {
			if strings.Contains(text, spelled) {
				found = append(found, spelled)
			}
		}
	}
	for _, part := range []string{"://", "/v1/", "/2.0/", "api_key"} {
		if strings.Contains(text, part) {
			found = append(found, part)
		}
	}
	return found
}

// shown returns the texts of an error and of all errors that it wraps.
func shown(err error) []string {
	if err == nil {
		return nil
	}
	texts := []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)}
	switch e := err.(type) { //nolint:errorlint // each layer by itself
	case interface{ Unwrap() error }:
		texts = append(texts, shown(e.Unwrap())...)
	case interface{ Unwrap() []error }:
		for _, inner := range e.Unwrap() {
			texts = append(texts, shown(inner)...)
		}
	}
	return texts
}

// repeater is a reader that repeats one text without end.
type repeater struct{ text string }

func (r *repeater) Read(p []byte) (int, error) {
	for n := 0; n < len(p); n += copy(p[n:], r.text) {
	}
	return len(p), nil
}

func TestErrorsShowNoSecret(t *testing.T) {
	paths := map[string]http.HandlerFunc{
		"an error that repeats them": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Request-Id", everySecret(r))
			w.WriteHeader(http.StatusUnauthorized)
			s := everySecret(r)
			_ = json.NewEncoder(w).Encode(map[string]any{
				"type": "error", "message": s,
				"error": map[string]any{"status": 401, "message": s, "reason": s, "type": s},
			})
		},
		"an error inside 200": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(map[string]any{"error": 10, "message": everySecret(r), "stop_reason": everySecret(r), "tracks": everySecret(r)})
		},
		"an error in prose": func(w http.ResponseWriter, r *http.Request) { http.Error(w, everySecret(r), http.StatusBadRequest) },
		"an answer that is no JSON": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/"+url.PathEscape(everySecret(r)))
			_, _ = io.WriteString(w, everySecret(r))
		},
		"a redirect": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", everySecret(r))
			w.WriteHeader(http.StatusFound)
		},
		"an answer cut off": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = io.WriteString(w, everySecret(r))
			panic(http.ErrAbortHandler)
		},
		"no answer":      func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"an endless one": func(w http.ResponseWriter, _ *http.Request) { _, _ = io.CopyN(w, &repeater{text: lastFMKey}, 5<<20) },
		"a header of nonsense": func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = io.WriteString(conn, everySecret(r))
				_ = conn.Close()
			}
		},
	}
	for name, handler := range paths {
		t.Run(name, func(t *testing.T) {
			c, _ := serve(t, handler)
			for api, call := range calls(t.Context(), c) {
				err := call()
				if err == nil {
					t.Errorf("%s: no error", api)
				}
				for _, text := range shown(err) {
					if found := leaks(text); found != nil {
						t.Errorf("%s: %q shows %q", api, text, found)
					}
				}
			}
		})
	}
}

func TestNoConnectionShowsNoSecret(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close() // no server listens at its address any more
	refused := providers.ClientConfig{
		AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL,
		AnthropicKey: anthropicKey, SpotifyToken: spotifyToken, LastFMKey: lastFMKey, Limiter: &payments{}, Base: &http.Transport{},
	}
	stopped, closed, newline := refused, refused, refused
	stopped.Limiter = waiter(func(context.Context) error { return errors.New("no tokens today") })
	closed.Base = &http.Transport{Proxy: func(r *http.Request) (*url.URL, error) {
		return nil, fmt.Errorf("no proxy for %s with %v", r.URL, r.Header)
	}}
	newline.AnthropicKey, newline.SpotifyToken = anthropicKey+"\nx", spotifyToken+"\nx"
	newline.SpotifyURL = "http://localhost:1/" + lastFMKey // a path is part of a URL
	for name, cfg := range map[string]providers.ClientConfig{"refused": refused, "no token": stopped, "no proxy": closed, "a bad header": newline} {
		c, err := providers.NewClients(cfg)
		if err != nil {
			t.Fatal(err)
		}
		for api, call := range calls(t.Context(), c) {
			err := call()
			if err == nil {
				t.Errorf("%s, %s: no error", name, api)
			}
			for _, text := range shown(err) {
				if found := leaks(text); found != nil {
					t.Errorf("%s, %s: %q shows %q", name, api, text, found)
				}
			}
		}
	}
}

type waiter func(context.Context) error

func (w waiter) Wait(ctx context.Context, _ string, _ ...limiter.Option) error { return w(ctx) }

// tokens is a source of one outcome.
type tokens struct {
	token *oauth2.Token
	err   error
}

func (s tokens) Token() (*oauth2.Token, error) { return s.token, s.err }

func TestTokenSource(t *testing.T) {
	var auth string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		auth = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, `{}`)
	}))
	base := &http.Transport{}
	defer func() {
		base.CloseIdleConnections()
		srv.Close()
	}()
	for _, tc := range []struct {
		name   string
		source tokens
		text   string
	}{
		{name: "a token", source: tokens{token: &oauth2.Token{AccessToken: "fresh", TokenType: "bearer"}}},
		{
			name: "a refusal", text: "spotify: 400 Bad Request: the access token was not renewed; retry after 3s",
			source: tokens{err: fmt.Errorf("refresh: %w", &oauth2.RetrieveError{
				Response: &http.Response{StatusCode: http.StatusBadRequest, Status: "400", Header: http.Header{"Retry-After": {"3"}}},
				Body:     []byte(`{"refresh_token":"refresh-canary"}`), ErrorDescription: "refresh-canary",
			})},
		},
		{
			name: "no network", text: "spotify: connection refused",
			source: tokens{err: &url.Error{Op: "Post", URL: "https://accounts.spotify.com/api/token?refresh-canary", Err: errors.New("connection refused")}},
		},
		{name: "anything", text: "spotify: no access token could be had", source: tokens{err: errors.New("vault: refresh-canary")}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := providers.NewClients(providers.ClientConfig{
				AnthropicURL: srv.URL, SpotifyURL: srv.URL, LastFMURL: srv.URL, Limiter: &payments{}, Base: base,
				SpotifyToken: "unused", SpotifyTokens: tc.source, Timeout: time.Minute,
			})
			if err != nil {
				t.Fatal(err)
			}
			auth = ""
			_, err = c.Spotify.Search(t.Context(), "rock")
			if tc.text == "" {
				if err != nil || auth != "Bearer fresh" {
					t.Errorf("Authorization %q, error %v, want the fresh token", auth, err)
				}
				return
			}
			want(t, tc.text, fmt.Sprint(err))
			want(t, "", auth) // nothing was sent
		})
	}
}

func TestPrintingShowsNoSecret(t *testing.T) {
	cfg := providers.ClientConfig{
		AnthropicURL: "http://localhost:1", SpotifyURL: "http://localhost:1", LastFMURL: "http://localhost:1",
		AnthropicKey: anthropicKey, SpotifyToken: spotifyToken, LastFMKey: lastFMKey, Limiter: &payments{},
	}
	c, err := providers.NewClients(cfg)
	if err != nil {
		t.Fatal(err)
	}
	for _, thing := range []any{cfg, &cfg, c, *c, c.Anthropic, *c.Anthropic, c.Spotify, *c.Spotify, c.LastFM, *c.LastFM} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
			text := fmt.Sprintf(verb, thing)
			for _, secret := range []string{anthropicKey, spotifyToken, lastFMKey} {
				if strings.Contains(text, secret) {
					t.Errorf("%s of a %T shows %s", verb, thing, secret)
				}
			}
		}
	}
}
