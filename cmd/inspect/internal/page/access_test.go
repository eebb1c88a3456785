package page

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

var paths = []string{"/", "/page.css", "/page.js", "/icon.svg", "/livez", "/api/v1/report", "/api/v1/why?name=paused", "/api/v1/events", "/nothing"}

// TestEveryAnswerIsGuarded checks the security headers of each answer, and that a server without actions refuses every method that writes.
func TestEveryAnswerIsGuarded(t *testing.T) {
	s := run(t, fleet(t, 1), Config{})
	for _, path := range paths {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "STRANGE"} {
			res := s.do(t, method, path)
			want := http.StatusOK
			switch {
			case method != http.MethodGet && method != http.MethodHead:
				want = http.StatusMethodNotAllowed
			case path == "/nothing":
				want = http.StatusNotFound
			}
			h := res.Header
			if res.StatusCode != want || want == http.StatusMethodNotAllowed && h.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %s", method, path, res.Status)
			}
			if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || !strings.HasPrefix(h.Get("Cache-Control"), "no-") {
				t.Errorf("%s %s: %v", method, path, h)
			}
			for _, rule := range []string{
				"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "base-uri 'none'", "frame-ancestors 'none'", "form-action 'none'",
			} {
				if !slices.Contains(strings.Split(h.Get("Content-Security-Policy"), "; "), rule) {
					t.Errorf("%s %s: the policy lacks %s", method, path, rule)
				}
			}
		}
	}
	tag := s.do(t, http.MethodGet, "/page.js").Header.Get("Etag")
	if res := s.do(t, http.MethodGet, "/page.js", "If-None-Match: "+tag); res.StatusCode != http.StatusNotModified || tag == "" {
		t.Errorf("%s again: %s", tag, res.Status)
	}
}

func TestWhy(t *testing.T) {
	s := run(t, fleet(t, 1), Config{})
	var got struct {
		Buckets, Sentences []string
	}
	must(t, json.NewDecoder(s.do(t, http.MethodGet, "/api/v1/why?name=tracks").Body).Decode(&got))
	if len(got.Buckets) != 1 || got.Buckets[0] != "a-fine-one" || len(got.Sentences) == 0 {
		t.Errorf("of a route: %+v", got)
	}
	must(t, json.NewDecoder(s.do(t, http.MethodGet, "/api/v1/why?name=paused").Body).Decode(&got))
	if text := strings.Join(got.Sentences, " "); !strings.Contains(text, "it is paused until somebody resumes it") {
		t.Errorf("of a bucket: %s", text)
	}
	for path, want := range map[string]int{
		"/api/v1/why": http.StatusBadRequest, "/api/v1/why?name=": http.StatusBadRequest, "/api/v1/why?name=nobody": http.StatusNotFound,
		"/api/v1/why?name=%1b%5b2J": http.StatusNotFound, "/api/v1/why?" + strings.Repeat("name=a&", 20): http.StatusBadRequest,
	} {
		if res := s.do(t, http.MethodGet, path); res.StatusCode != want {
			t.Errorf("%s: %s", path, res.Status)
		}
	}
}

// TestWithoutAToken checks that a server without a token answers only requests that address it by IP address or as localhost, and none of another
// site.
func TestWithoutAToken(t *testing.T) {
	s := run(t, fleet(t, 1), Config{})
	navigate := []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}
	for name, c := range map[string]struct {
		path    string
		headers []string
		status  int
	}{
		"by address":              {"/api/v1/report", nil, 200},
		"as localhost":            {"/api/v1/report", []string{"Host: localhost:7070"}, 200},
		"a name that was rebound": {"/api/v1/report", []string{"Host: evil.example:7070"}, 403},
		"the page rebound":        {"/", append([]string{"Host: evil.example:7070"}, navigate...), 403},
		"the page itself":         {"/api/v1/events", []string{"Sec-Fetch-Site: same-origin"}, 200},
		"another site":            {"/api/v1/events", []string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
		"another origin":          {"/api/v1/report", []string{"Origin: https://evil.example"}, 403},
		"a link to the page":      {"/", navigate, 200},
		"a link to the data":      {"/api/v1/report", navigate, 403},
		"framed":                  {"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		"probed by any name":      {"/livez", []string{"Host: evil.example"}, 200},
	} {
		if res := s.do(t, http.MethodGet, c.path, c.headers...); res.StatusCode != c.status {
			t.Errorf("%s: %s", name, res.Status)
		}
	}
}

func TestWithAToken(t *testing.T) {
	const token = "0123456789abcdef"
	s := run(t, fleet(t, 1), Config{Token: token})
	basic := func(text string) string {
		return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(text))
	}
	for name, c := range map[string]struct {
		headers []string
		status  int
	}{
		"nothing":              {nil, 401},
		"bearer":               {[]string{"Authorization: Bearer " + token}, 200},
		"password":             {[]string{basic("me:" + token)}, 200},
		"password, any host":   {[]string{basic(":" + token), "Host: inspect.example"}, 200},
		"another password":     {[]string{basic("me:0123456789abcdeg")}, 401},
		"as the name":          {[]string{basic(token + ":")}, 401},
		"two of them":          {[]string{basic("me:" + token), "Authorization: Bearer " + token}, 401},
		"from another site":    {[]string{basic("me:" + token), "Sec-Fetch-Site: cross-site"}, 403},
		"from another origin":  {[]string{basic("me:" + token), "Origin: https://evil.example"}, 403},
		"a password that ends": {[]string{basic("me:" + token[:15])}, 401},
	} {
		for _, path := range []string{"/page.js", "/api/v1/report", "/api/v1/events"} {
			res := s.do(t, http.MethodGet, path, c.headers...)
			if res.StatusCode != c.status {
				t.Errorf("%s of %s: %s", path, name, res.Status)
			}
			if asked := strings.Join(res.Header.Values("WWW-Authenticate"), ", "); (res.StatusCode == 401) != strings.Contains(asked, "Basic realm=") {
				t.Errorf("%s of %s: WWW-Authenticate is %q", path, name, asked)
			}
		}
	}
	if res := s.do(t, http.MethodGet, "/livez"); res.StatusCode != http.StatusOK {
		t.Errorf("a probe: %s", res.Status)
	}
	if _, err := New(Config{Source: s.poller.src, Token: "short"}); err == nil || strings.Contains(err.Error(), "short\"") {
		t.Errorf("a short token: %v", err)
	}
}
