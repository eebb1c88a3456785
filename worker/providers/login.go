package providers

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// SpotifyLogin is the login that Spotify exchanges for access tokens. Printing a SpotifyLogin shows no secret.
type SpotifyLogin struct {
	// ClientID names the application.
	ClientID string
	// ClientSecret is the secret of the application. Zero: it has none, and its users have consented by PKCE.
	ClientSecret string
	// RefreshToken represents the consent of a user. It is required unless Nobody is set.
	RefreshToken string
	// Nobody logs in the application itself, without a user, with its secret: OAuth's grant of client credentials. Such
	// a login can search, but cannot make playlists. Zero logs in for the user of RefreshToken.
	Nobody bool
	// Rotated keeps the refresh token that Spotify gives to replace RefreshToken, if it gives one. Nil: only this
	// process remembers it, and the next process begins with RefreshToken.
	Rotated RefreshTokens
}

func (SpotifyLogin) String() string { return "providers.SpotifyLogin{…}" }

// GoString is String, because %#v would print the secrets.
func (l SpotifyLogin) GoString() string { return l.String() }

// RefreshTokens keep the latest refresh token of a login. Its methods are not called concurrently.
type RefreshTokens interface {
	// Latest returns the kept token for a configured token, or the configured token if none was kept.
	Latest(configured string) (string, error)
	// Keep replaces the kept token for a configured token.
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

// The scopes that an analysis needs: it makes a private playlist and checks whether it has made it.
const (
	scopeModify = "playlist-modify-private"
	scopeRead   = "playlist-read-private"
)

// access is an access token.
type access struct {
	token  string
	began  time.Time
	renew  time.Time // from then on the next call asks for another token
	scopes []string  // nil if unknown
}

// login gets access tokens, one renewal at a time. Its methods are safe for concurrent use.
type login struct {
	sender
	cfg func() SpotifyLogin // a function because printing a struct around it then shows an address

	mu      sync.Mutex
	now     *access       // nil before the first renewal, and after a token was dropped
	under   chan struct{} // closed when the running renewal has ended; nil if none runs
	failed  error         // of the last renewal, until a renewal succeeds
	retryAt time.Time     // after a permanent refusal, the time of the next renewal
}

const (
	renewEarly   = time.Minute // before the end of a token
	freshFor     = time.Minute // a token that is refused sooner is not dropped: another would be refused too
	refusedFor   = time.Minute // how long a login that is refused is not tried again
	tokenLasts   = time.Hour   // if Spotify states no time
	shortestLife = time.Second
)

func newLogin(s sender, cfg SpotifyLogin) *login {
	if cfg.Rotated == nil {
		cfg.Rotated = &remembered{}
	}
	return &login{sender: s, cfg: func() SpotifyLogin { return cfg }}
}

// token returns an access token that is not about to end. A renewal continues after the end of ctx, because Spotify may
// have replaced the refresh token.
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

// drop forgets a token that Spotify has refused, and reports whether the next call gets another token.
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

// lacks returns the scopes that a playlist needs and the user has not consented to, "" for none or if unknown.
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

// scopes returns what the user has consented to, nil if unknown.
func (l *login) scopes() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil {
		return nil
	}
	return l.now.scopes
}
