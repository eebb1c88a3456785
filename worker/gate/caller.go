package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// check returns nil, or the problem that answers the request instead of its handler.
func (g *Gate) check(r *http.Request) func(http.ResponseWriter) {
	if g.cfg.Token == "" && !g.addressed(r.Host) {
		return Problem{Status: http.StatusForbidden, Detail: "this server is not known by the name in the Host header: " +
			"address it by IP address or as localhost, configure the name, or configure a token"}.Write
	}
	if g.foreign(r) {
		return Problem{Status: http.StatusForbidden, Detail: "a page of another site sent this request"}.Write
	}
	if g.cfg.Token != "" && !g.authorized(r.Header.Values("Authorization")) {
		return func(out http.ResponseWriter) {
			out.Header().Set("WWW-Authenticate", "Bearer")
			Problem{Status: http.StatusUnauthorized, Detail: "send the server's token as Authorization: Bearer"}.Write(out)
		}
	}
	return nil
}

// addressed reports whether a Host header names this server. An attacker's DNS can point the name of a web page to this
// machine. For the browser that page then has the same origin, but the Host header contains the page's name. An IP
// address cannot be pointed elsewhere.
func (g *Gate) addressed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.ToLower(name), ".")
	if _, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return true
	}
	return name == "localhost" || strings.HasSuffix(name, ".localhost") ||
		slices.ContainsFunc(g.cfg.Hosts, func(known string) bool { return strings.EqualFold(known, name) })
}

// foreign reports whether a page of another site made a browser send the request. Unlike in the standard library, GET
// and HEAD are no exception, because they count against the bounds, too.
func (g *Gate) foreign(r *http.Request) bool {
	if len(r.Header.Values("Sec-Fetch-Site")) > 1 || len(r.Header.Values("Origin")) > 1 {
		return true // no browser sends two, and the check below reads only one
	}
	asked := r.WithContext(r.Context()) // a shallow copy
	asked.Method = http.MethodPost
	return g.cross.Check(asked) != nil
}

// authorized compares tokens in constant time.
func (g *Gate) authorized(headers []string) bool {
	if len(headers) != 1 {
		return false
	}
	scheme, token, _ := strings.Cut(headers[0], " ")
	sum := sha256.Sum256([]byte(strings.TrimLeft(token, " ")))
	return subtle.ConstantTimeCompare(sum[:], g.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}

func validToken(token string) bool {
	return len(token) >= MinToken && !strings.ContainsFunc(token, func(c rune) bool { return c <= ' ' || c > '~' })
}
