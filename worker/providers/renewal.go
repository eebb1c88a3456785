package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// renewed gets an access token. If another process has replaced the refresh token meanwhile, it asks again with the
// latest.
func (l *login) renewed(ctx context.Context) (got *access, err error) {
	defer func() {
		if v := recover(); v != nil { // a panic of the transport, which no other code in this goroutine recovers
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

// latest returns the refresh token to ask with, "" for none.
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

// read returns the access token of an answer, and keeps the refresh token that came with it.
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

// aWord matches codes of errors that may be shown: no secret has this form.
var aWord = regexp.MustCompile(`^[a-z_]{1,40}$`)

// loginError returns the error in an answer of the accounts service. It contains only the code of the body: the rest
// may contain tokens.
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

// remembered is a refresh token that only this process keeps.
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
