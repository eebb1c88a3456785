package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// SpotifyLogin is what Spotify exchanges for access tokens. Printing one shows no secret.
type SpotifyLogin struct {
	// ClientID names the application.
	ClientID string
	// ClientSecret is what the application proves itself with. Zero: it has none, and its users have consented by PKCE.
	ClientSecret string
	// RefreshToken stands for the consent of a user. It is needed unless Nobody is set.
	RefreshToken string
	// Nobody logs the application in for itself, with its secret: that is OAuth's grant of client credentials. It can search, and makes no
	// playlist. Zero logs in for the user of RefreshToken.
	Nobody bool
	// Rotated keeps the refresh token that Spotify gives instead of RefreshToken, if it gives one. Nil: this process remembers it, and the next
	// one begins with RefreshToken.
	Rotated RefreshTokens
}

func (SpotifyLogin) String() string { return "providers.SpotifyLogin{…}" }

// GoString is String, because %#v would print the secrets.
func (l SpotifyLogin) GoString() string { return l.String() }

// RefreshTokens keep the latest refresh token of a login. Its methods are not called concurrently.
type RefreshTokens interface {
	// Latest returns the token that was kept in the place of a configured one, or the configured one itself.
	Latest(configured string) (string, error)
	// Keep replaces the token that is kept in the place of a configured one.
	Keep(configured, latest string) error
}

func (l SpotifyLogin) check() error {
	switch {
	case l.ClientID == "":
		return errors.New("no ClientID")
	case l.Nobody && l.ClientSecret == "":
		return errors.New("no ClientSecret, which an application that logs in for itself needs")
	case !l.Nobody && l.RefreshToken == "":
		return errors.New("no RefreshToken; give one, or set Nobody")
	}
	return nil
}

// The scopes that an analysis needs: it makes a private playlist and looks whether it has made it.
const (
	scopeModify = "playlist-modify-private"
	scopeRead   = "playlist-read-private"
)

// access is an access token.
type access struct {
	token  string
	began  time.Time
	renew  time.Time // from then on the next call asks for another one
	scopes []string  // nil where Spotify does not say
}

// login gets access tokens, one renewal at a time. Its methods are safe for concurrent use.
type login struct {
	sender
	cfg func() SpotifyLogin // a function because printing a struct around it then shows an address

	mu      sync.Mutex
	now     *access       // nil before the first renewal, and after a token was dropped
	under   chan struct{} // closed when the renewal under way has ended; nil without one
	failed  error         // of the last renewal, until it has succeeded
	retryAt time.Time     // after a renewal that was refused for good, the time of the next
}

const (
	renewEarly   = time.Minute // before the end of a token
	freshFor     = time.Minute // a token that is refused sooner is not dropped: another would be refused too
	refusedFor   = time.Minute // how long a login that is refused is not tried again
	tokenLasts   = time.Hour   // where Spotify does not say
	shortestLife = time.Second
)

func newLogin(s sender, cfg SpotifyLogin) *login {
	if cfg.Rotated == nil {
		cfg.Rotated = &remembered{}
	}
	return &login{sender: s, cfg: func() SpotifyLogin { return cfg }}
}

// token returns an access token that is not about to end. A renewal goes on when ctx ends: Spotify may have replaced the refresh token.
func (l *login) token(ctx context.Context) (*access, error) {
	for {
		l.mu.Lock()
		now := time.Now()
		switch {
		case l.now != nil && now.Before(l.now.renew):
			defer l.mu.Unlock()
			return l.now, nil
		case l.failed != nil && now.Before(l.retryAt):
			defer l.mu.Unlock()
			return nil, l.failed
		}
		mine := l.under == nil
		if mine {
			l.under = make(chan struct{})
			go l.renewal(context.WithoutCancel(ctx), l.under)
		}
		done := l.under
		l.mu.Unlock()
		select {
		case <-done:
		case <-ctx.Done():
			return nil, unanswered(l.api, ctx.Err())
		}
		l.mu.Lock()
		got, err := l.now, l.failed
		l.mu.Unlock()
		if got != nil || err != nil {
			return got, err
		}
	}
}

// renewal is one renewal, in a goroutine of its own.
func (l *login) renewal(ctx context.Context, done chan struct{}) {
	got, err := l.renewed(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.failed, l.under = got, err, nil
	if Closed(err) {
		l.retryAt = time.Now().Add(refusedFor)
	}
	close(done)
}

// drop forgets a token that Spotify has refused, and reports whether the next call gets another one.
func (l *login) drop(refused *access) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != refused {
		return true
	}
	if time.Since(refused.began) < freshFor {
		return false
	}
	l.now = nil
	return true
}

// lacks is what the user has not consented to and a playlist needs, "" for nothing or where that is not known.
func (l *login) lacks() string {
	if l.cfg().Nobody {
		return "the application is logged in for itself and not for a user"
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now != nil && l.now.scopes != nil && !slices.Contains(l.now.scopes, scopeModify) {
		return "the user has not consented to " + scopeModify
	}
	return ""
}

// renewed gets an access token. Where another process has replaced the refresh token meanwhile, it asks again with the latest.
func (l *login) renewed(ctx context.Context) (got *access, err error) {
	defer func() {
		if v := recover(); v != nil { // of the transport; nobody else would catch it in this goroutine
			got, err = nil, unanswered(l.api, errors.New("the request for an access token panicked"))
		}
	}()
	latest, err := l.latest()
	if err != nil {
		return nil, err
	}
	got, err = l.ask(ctx, latest)
	if denied, ok := errors.AsType[*APIError](err); ok && denied.Code == codeInvalidGrant {
		if fresh, err := l.latest(); err == nil && fresh != latest {
			return l.ask(ctx, fresh)
		}
	}
	return got, err
}

// latest is the refresh token to ask with, "" for none.
func (l *login) latest() (string, error) {
	cfg := l.cfg()
	if cfg.Nobody {
		return "", nil
	}
	latest, err := cfg.Rotated.Latest(cfg.RefreshToken)
	if err != nil {
		return "", &callError{api: l.api, text: "the refresh token that was kept cannot be read: " + presentable(err.Error(), cfg.RefreshToken), err: err}
	}
	return latest, nil
}

// scopes are what the user has consented to, nil where that is not known.
func (l *login) scopes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return nil
	}
	return l.now.scopes
}

// ask sends one request for an access token.
func (l *login) ask(ctx context.Context, latest string) (*access, error) {
	cfg := l.cfg()
	form := url.Values{"grant_type": {"client_credentials"}}
	if !cfg.Nobody {
		form = url.Values{"grant_type": {"refresh_token"}, "refresh_token": {latest}}
		if cfg.ClientSecret == "" {
			form.Set("client_id", cfg.ClientID)
		}
	}
	secrets := []string{cfg.ClientSecret, cfg.RefreshToken, latest}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/api/token", strings.NewReader(form.Encode()))
	if err != nil {
		return nil, unanswered(l.api, err, secrets...)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if cfg.ClientSecret != "" {
		req.SetBasicAuth(url.QueryEscape(cfg.ClientID), url.QueryEscape(cfg.ClientSecret))
	}
	answer, err := l.do(ctx, req, secrets...)
	if err != nil {
		return nil, err
	}
	if !answer.ok() {
		return nil, loginError(answer)
	}
	return l.read(answer.body, cfg, latest)
}

// read takes an access token from an answer, and keeps the refresh token that came with it.
func (l *login) read(body []byte, cfg SpotifyLogin, latest string) (*access, error) {
	var given struct {
		Token   string  `json:"access_token"`
		Refresh string  `json:"refresh_token"`
		Expires int64   `json:"expires_in"`
		Scope   *string `json:"scope"`
	}
	if json.Unmarshal(body, &given) != nil || given.Token == "" {
		return nil, unanswered(l.api, errors.New("an answer without an access token"))
	}
	lasts := time.Duration(given.Expires) * time.Second
	if given.Expires <= 0 || given.Expires > int64(24*time.Hour/time.Second) {
		lasts = tokenLasts
	}
	got := &access{token: given.Token, began: time.Now()}
	got.renew = got.began.Add(max(shortestLife/2, lasts-min(renewEarly, lasts/10)))
	if given.Scope != nil && *given.Scope != "" {
		got.scopes = strings.Fields(*given.Scope)
	}
	if !cfg.Nobody && given.Refresh != "" && given.Refresh != latest {
		if err := cfg.Rotated.Keep(cfg.RefreshToken, given.Refresh); err != nil {
			return nil, &callError{api: l.api, text: "the new refresh token cannot be kept: " + presentable(err.Error(), cfg.RefreshToken, given.Refresh), err: err}
		}
	}
	return got, nil
}

const codeInvalidGrant, codeInvalidClient = "invalid_grant", "invalid_client"

// aWord is what codes of errors are that are shown as they are: no secret looks so.
var aWord = regexp.MustCompile(`^[a-z_]{1,40}$`)

// loginError is the error in an answer of the accounts service. Of its body the code alone is shown: the rest may hold tokens.
func loginError(answer reply) *APIError {
	e := &APIError{API: APISpotify, Status: answer.status, RetryAfter: retryAfter(answer.header), Message: "the access token was not renewed"}
	var body struct {
		Error string `json:"error"`
	}
	if _ = json.Unmarshal(answer.body, &body); aWord.MatchString(body.Error) {
		e.Code = body.Error
	}
	switch e.Code {
	case codeInvalidGrant:
		e.Advice = "the consent was withdrawn or is older than six months: have the user sign in again, and set SPOTIFY_REFRESH_TOKEN"
	case codeInvalidClient:
		e.Advice = "set SPOTIFY_CLIENT_ID and SPOTIFY_CLIENT_SECRET to those of the application"
	}
	return e
}

// remembered is a refresh token that this process alone keeps.
type remembered struct{ latest string }

func (r *remembered) Latest(configured string) (string, error) {
	if r.latest == "" {
		return configured, nil
	}
	return r.latest, nil
}

func (r *remembered) Keep(_, latest string) error {
	r.latest = latest
	return nil
}
