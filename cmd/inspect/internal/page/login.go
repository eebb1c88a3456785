package page

import "net/http"

// login accepts the token as the password of HTTP Basic, with any user name, and turns it into a bearer token. A browser sends no bearer token by
// itself, and an EventSource cannot be made to send one. Both send a password that the browser has asked for.
func login(next http.Handler) http.Handler {
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		if _, token, ok := r.BasicAuth(); ok && len(r.Header.Values("Authorization")) == 1 {
			r = r.Clone(r.Context())
			r.Header.Set("Authorization", "Bearer "+token)
		}
		next.ServeHTTP(&challenge{out}, r)
	})
}

// challenge makes a browser ask for the password after a 401.
type challenge struct{ http.ResponseWriter }

func (c *challenge) WriteHeader(status int) {
	if status == http.StatusUnauthorized {
		c.Header().Add("WWW-Authenticate", `Basic realm="weir inspect: any name, WEIR_TOKEN as the password", charset="UTF-8"`)
	}
	c.ResponseWriter.WriteHeader(status)
}

// Unwrap lets an [http.ResponseController] find what can be flushed and given deadlines.
func (c *challenge) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// linked makes links to the page work, for example from an alert or a chat. The gate refuses requests that another site makes a browser send. Opening
// the page is safe: the other site can neither read nor frame the answer, and all further requests come from the page itself.
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
