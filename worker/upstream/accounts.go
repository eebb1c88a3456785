package upstream

import (
	"fmt"
	"slices"
	"time"
)

// Account is an application at Spotify, with the consent of one user or of none.
type Account struct {
	// ClientID names the application, in 1 to 256 bytes.
	ClientID string
	// Secret is the secret of the application. Empty: it has none, so its users can consent only by PKCE.
	Secret string
	// RefreshToken represents the consent of a user. Empty: no user has consented.
	RefreshToken string
	// Scopes are the scopes that the user has consented to. Nil: none.
	Scopes []string
	// Rotates gives another refresh token with each access token of the user, and ends the former one.
	Rotates bool
	// Expires is how long access tokens last, from 1 s. Zero: an hour.
	Expires time.Duration
}

const (
	maxAccounts  = 100
	maxSecret    = 256 // bytes of an id, a secret or a token
	tokenLasts   = time.Hour
	shortestLife = time.Second
)

func (c Config) validateAccounts() error {
	if len(c.Accounts) > maxAccounts {
		return fmt.Errorf("upstream: %d accounts: give at most %d", len(c.Accounts), maxAccounts)
	}
	for i, a := range c.Accounts {
		if a.ClientID == "" || max(len(a.ClientID), len(a.Secret), len(a.RefreshToken)) > maxSecret {
			return fmt.Errorf("upstream: account %d: give a client id, and id, secret and refresh token of at most %d bytes", i, maxSecret)
		}
		if a.Expires != 0 && a.Expires < shortestLife {
			return fmt.Errorf("upstream: account %d: access tokens last %v: give %v or more, or 0 for an hour", i, a.Expires, shortestLife)
		}
		if slices.ContainsFunc(c.Accounts[:i], func(b Account) bool { return b.ClientID == a.ClientID }) {
			return fmt.Errorf("upstream: account %d has the client id of another account: give each account its own", i)
		}
	}
	return nil
}

// grant is what an access token allows.
type grant struct {
	user   bool // of a user, not only of the application
	scopes []string
	until  time.Time
}

// has reports whether a grant belongs to a user and has one of the scopes.
func (g grant) has(oneOf []string) bool {
	return slices.ContainsFunc(oneOf, func(scope string) bool { return slices.Contains(g.scopes, scope) })
}
