package upstream

import (
	"net/http"
	"strings"
	"time"
)

// The scopes that a user may have consented to.
const (
	scopeModifyPublic  = "playlist-modify-public"
	scopeModifyPrivate = "playlist-modify-private"
	scopeReadPrivate   = "playlist-read-private"
)

// signedIn answers a request that has a token, and puts what the token allows into the call.
func (s *Server) signedIn(respond func(*call) answer) func(*call) answer {
	return func(c *call) answer {
		token, ok := strings.CutPrefix(c.Header.Get("Authorization"), "Bearer ")
		if !ok || token == "" {
			return spotifyError(http.StatusUnauthorized, "No token provided")
		}
		g, status, message := s.login.of(token, time.Now())
		if status != 0 {
			return spotifyError(status, message)
		}
		c.grant = g
		return respond(c)
	}
}

// byUser answers a request that has the token of a user who has consented to one of the scopes.
func (s *Server) byUser(respond func(*call) answer, oneOf ...string) func(*call) answer {
	return s.signedIn(func(c *call) answer {
		if problem := c.lacks(oneOf...); problem != "" {
			return spotifyError(http.StatusForbidden, problem)
		}
		return respond(c)
	})
}

// lacks returns Spotify's message for a token without any of the scopes, "" if the token has one of them.
func (c *call) lacks(oneOf ...string) string {
	switch {
	case !c.grant.user:
		return "This request requires user authentication."
	case !c.grant.has(oneOf):
		return "Insufficient client scope"
	}
	return ""
}

// modify is the scope that changes a playlist.
func modify(public bool) string {
	if public {
		return scopeModifyPublic
	}
	return scopeModifyPrivate
}
