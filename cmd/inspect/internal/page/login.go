package page

import "net/http"

// login lets people in who have a browser. A browser sends no bearer token by itself, an EventSource cannot be told to, but all send a password
// that the browser has asked for: the token as the password of HTTP Basic, under any name, is a bearer token from here on.
func login(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if _, token, ok := r.BasicAuth(); ok && len(r.Header.Values("Authorization")) == 1 {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+token)
		}
		next.ServeHTTP(&challenge{out}, r)
	})
}

// challenge makes the browser of somebody who is refused ask for the password.
type challenge struct{ http.ResponseWriter }

func (c *challenge) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		c.Header().Add("WWW-Authenticate", `Basic realm="weir inspect: any name, WEIR_TOKEN as the password", charset="UTF-8"`)
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an [http.ResponseController] find what can be flushed and given deadlines.
func (c *challenge) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// linked lets people follow a link to the page, from an alert or a chat. The gate would refuse what another site makes a browser send. That site
// can neither read nor frame what comes, and what the page asks for after that comes from the page itself.
func linked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		h := r.Header
		if r.URL.Path == "/" && h.Get("Sec-Fetch-Mode") == "navigate" && h.Get("Sec-Fetch-Dest") == "document" && len(h.Values("Sec-Fetch-Site")) == 1 {
			r = r.Clone(r.Context())
			r.Header.Set("Sec-Fetch-Site", "none")
		}
		next.ServeHTTP(out, r)
	})
}
