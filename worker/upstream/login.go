package upstream

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// login gives access tokens, and knows those that it gave. Without accounts it gives none and takes any.
type login struct {
	mu       sync.Mutex
	accounts []Account // with their present refresh tokens
	grants   map[string]grant
	order    []string // tokens, oldest first
}

const keptGrants = 10_000 // access tokens that are remembered

func newLogin(accounts []Account) *login {
	return &login{accounts: append([]Account(nil), accounts...), grants: map[string]grant{}}
}

// of returns what a token allows, or the status and the message for one that does not count.
func (l *login) of(token string, now time.Time) (g grant, status int, message string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.accounts) == 0 {
		return grant{user: true, scopes: []string{scopeModifyPublic, scopeModifyPrivate, scopeReadPrivate}}, 0, ""
	}
	g, ok := l.grants[token]
	switch {
	case !ok:
		return grant{}, http.StatusUnauthorized, "Invalid access token"
	case !now.Before(g.until):
		return grant{}, http.StatusUnauthorized, "The access token expired"
	}
	return g, 0, ""
}

// give answers POST /api/token as Spotify's accounts service does. draw makes tokens.
func (l *login) give(c *call, draw func() string) answer {
	form, err := url.ParseQuery(string(c.body))
	if err != nil || !strings.HasPrefix(c.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		return oauthError(http.StatusUnsupportedMediaType, "invalid_request", "the request has to be a form")
	}
	id, secret, basic := c.BasicAuth()
	if basic { // both are escaped as in a form
		id, _ = url.QueryUnescape(id)
		secret, _ = url.QueryUnescape(secret)
	} else {
		id, secret = form.Get("client_id"), form.Get("client_secret")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	account := l.accountLocked(id, secret)
	if account == nil {
		return oauthError(http.StatusBadRequest, "invalid_client", "Invalid client")
	}
	g := grant{until: time.Now().Add(tokenLasts)}
	if account.Expires != 0 {
		g.until = time.Now().Add(account.Expires)
	}
	body := object{"access_token": "BQ" + draw(), "token_type": "Bearer", "expires_in": int64(time.Until(g.until).Round(time.Second) / time.Second)}
	switch form.Get("grant_type") {
	case "client_credentials":
		if account.Secret == "" {
			return oauthError(http.StatusBadRequest, "invalid_client", "Invalid client secret")
		}
	case "refresh_token":
		if account.RefreshToken == "" || form.Get("refresh_token") != account.RefreshToken {
			return oauthError(http.StatusBadRequest, "invalid_grant", "Refresh token revoked")
		}
		g.user, g.scopes = true, account.Scopes
		body["scope"] = strings.Join(account.Scopes, " ")
		if account.Rotates {
			account.RefreshToken = "AQ" + draw()
			body["refresh_token"] = account.RefreshToken
		}
	default:
		return oauthError(http.StatusBadRequest, "unsupported_grant_type", "grant_type must be client_credentials, authorization_code or refresh_token")
	}
	l.putLocked(body["access_token"].(string), g)
	return answer{status: http.StatusOK, body: body}
}

// accountLocked is the application that has proved itself, nil for none. One without a secret names itself.
func (l *login) accountLocked(id, secret string) *Account {
	for i := range l.accounts {
		if l.accounts[i].ClientID == id && l.accounts[i].Secret == secret {
			return &l.accounts[i]
		}
	}
	return nil
}

func (l *login) putLocked(token string, g grant) {
	l.grants[token] = g
	l.order = append(l.order, token)
	if len(l.order) > keptGrants {
		delete(l.grants, l.order[0])
		l.order = l.order[1:]
	}
}

func oauthError(status int, code, description string) answer {
	return answer{status: status, body: object{"error": code, "error_description": description}}
}
