package gate_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/worker/gate"
)

const token = "0123456789abcdef-secret"

// site is a server behind a gate, whose connections are in memory.
type site struct {
	gate    *gate.Gate
	pipes   chan net.Conn
	log     *bytes.Buffer // read it after stop
	stop    func()
	handled func() []string // bodies that handlers have seen
}

// open starts a server with a route that takes uploads, a route that answers with its request body, and a probe.
func open(t *testing.T, cfg gate.Config) *site {
	t.Helper()
	s := &site{pipes: make(chan net.Conn), log: &bytes.Buffer{}}
	cfg.Open = []string{"/livez"}
	cfg.Logger = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if s.gate, err = gate.New(cfg); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	var bodies []string
	s.handled = func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /v1/things/{name}", func(out http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(out, gate.RequestID(r.Context()))
	})
	mux.HandleFunc("GET /v1/panic", func(http.ResponseWriter, *http.Request) { panic("broken") })
	mux.Handle("POST /v1/things", s.gate.Upload(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		if err != nil || r.ContentLength != int64(len(text)) || r.Header.Get("Content-Encoding") != "" {
			t.Errorf("the handler read %d bytes, the length is %d, headers %v, error %v", len(text), r.ContentLength, r.Header, err)
		}
		mu.Lock()
		defer mu.Unlock()
		bodies = append(bodies, string(text[:min(len(text), 100)]))
	})))
	mux.Handle("POST /v1/hour", s.gate.Upload(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
			t.Error(context.Cause(r.Context()))
		case <-time.After(time.Hour):
			_, _ = io.WriteString(out, "an hour later")
		}
	})))
	server := &http.Server{Handler: s.gate.Handler(mux)} //nolint:gosec // the gate sets deadlines
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener{s.pipes, make(chan struct{}), new(sync.Once)}) }()
	s.stop = sync.OnceFunc(func() {
		_ = server.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
		synctest.Wait() // for the handlers
	})
	t.Cleanup(s.stop)
	return s
}

// listener takes connections out of a channel.
type listener struct {
	pipes  chan net.Conn
	closed chan struct{}
	once   *sync.Once
}

func (l listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.pipes:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}
func (l listener) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l listener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80} }

// do sends a request over a connection of its own, and returns the answer with its whole body. Unlike [http.Client] it always returns an
// answer that comes before the request is written.
func (s *site) do(r *http.Request) (*http.Response, error) {
	mine, its := net.Pipe()
	defer mine.Close()
	s.pipes <- its
	go func() { _ = write(mine, r) }() // the server may refuse before the end
	res, err := http.ReadResponse(bufio.NewReader(mine), r)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(text))
	return res, err
}

// write sends a request, each piece of its body as it comes.
func write(to io.Writer, r *http.Request) error {
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n", r.Method, r.URL.RequestURI(), r.Host)
	_ = r.Header.Write(&head)
	body := to
	switch {
	case r.Body == nil || r.Body == http.NoBody:
		head.WriteString("Content-Length: 0\r\n")
	case r.ContentLength > 0:
		fmt.Fprintf(&head, "Content-Length: %d\r\n", r.ContentLength)
	default:
		head.WriteString("Transfer-Encoding: chunked\r\n")
		body = httputil.NewChunkedWriter(to)
	}
	head.WriteString("\r\n")
	if _, err := to.Write(head.Bytes()); err != nil || r.Body == nil {
		return err
	}
	for piece := make([]byte, 64<<10); ; {
		n, err := r.Body.Read(piece)
		if n > 0 {
			if _, err := body.Write(piece[:n]); err != nil {
				return err
			}
		}
		if err != nil {
			break
		}
	}
	if chunked, ok := body.(io.Closer); ok && body != to {
		_ = chunked.Close()
		_, _ = io.WriteString(to, "\r\n")
	}
	return nil
}

// ask sends a request and returns the answer, whose body it has read.
func (s *site) ask(t *testing.T, method, path string, body io.Reader, edit func(*http.Request)) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://127.0.0.1"+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if edit != nil {
		edit(r)
	}
	res, err := s.do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// with sets headers, of which "Host" is one; an empty value removes a header.
func with(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Content-Type", "text/csv")
		for i := 0; i < len(pairs); i += 2 {
			switch name, value := pairs[i], pairs[i+1]; {
			case name == "Host":
				r.Host = value
			case value == "":
				r.Header.Del(name)
			default:
				r.Header.Add(name, value)
			}
		}
		if values := r.Header["Content-Type"]; len(values) > 1 {
			r.Header["Content-Type"] = values[1:]
		}
	}
}

// TestWhoMayCall: requests of a page of another site, for another host name, or without the token, in every known way around a check.
func TestWhoMayCall(t *testing.T) {
	for _, c := range []struct {
		name    string
		cfg     gate.Config
		headers []string
		status  int
	}{
		{"a program", gate.Config{}, nil, 200},
		{"a page of the server", gate.Config{}, []string{"Sec-Fetch-Site", "same-origin", "Origin", "http://127.0.0.1"}, 200},
		{"the address bar", gate.Config{}, []string{"Sec-Fetch-Site", "none"}, 200},
		{"another site", gate.Config{}, []string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{"another site that sends no origin", gate.Config{}, []string{"Sec-Fetch-Site", "cross-site"}, 403},
		{"a subdomain", gate.Config{}, []string{"Sec-Fetch-Site", "same-site"}, 403},
		{"a value of the future", gate.Config{}, []string{"Sec-Fetch-Site", "fenced"}, 403},
		{"two values, the first harmless", gate.Config{}, []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"}, 403},
		{"an old browser", gate.Config{}, []string{"Origin", "https://evil.example"}, 403},
		{"an old browser, a sandboxed frame", gate.Config{}, []string{"Origin", "null"}, 403},
		{"an old browser, another port", gate.Config{}, []string{"Origin", "http://127.0.0.1:81"}, 403},
		{"an old browser, the server's address in the user", gate.Config{}, []string{"Origin", "http://127.0.0.1@evil.example"}, 403},
		{"two origins, the first harmless", gate.Config{}, []string{"Origin", "http://127.0.0.1", "Origin", "https://evil.example"}, 403},
		{"a name that was pointed here", gate.Config{}, []string{"Host", "evil.example", "Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 403},
		{"a name that begins like an address", gate.Config{}, []string{"Host", "127.0.0.1.evil.example"}, 403},
		{"a name that ends like localhost", gate.Config{}, []string{"Host", "evillocalhost"}, 403},
		{"no name", gate.Config{}, []string{"Host", ":80"}, 403},
		{"localhost with a port", gate.Config{}, []string{"Host", "LocalHost.:8080"}, 200},
		{"an address of version 6", gate.Config{}, []string{"Host", "[::1]:8080"}, 200},
		{"a name that is configured", gate.Config{Hosts: []string{"weir.internal"}}, []string{"Host", "Weir.internal:8080"}, 200},
		{"a token", gate.Config{Token: token}, []string{"Authorization", "Bearer " + token}, 200},
		{"a token, by any name", gate.Config{Token: token}, []string{"Host", "public.example", "Authorization", "bearer " + token}, 200},
		{"no token", gate.Config{Token: token}, nil, 401},
		{"an empty token", gate.Config{Token: token}, []string{"Authorization", "Bearer "}, 401},
		{"part of the token", gate.Config{Token: token}, []string{"Authorization", "Bearer " + token[:16]}, 401},
		{"more than the token", gate.Config{Token: token}, []string{"Authorization", "Bearer " + token + "x"}, 401},
		{"another scheme", gate.Config{Token: token}, []string{"Authorization", "Basic " + token}, 401},
		{"two tokens", gate.Config{Token: token}, []string{"Authorization", "Bearer " + token, "Authorization", "Bearer x"}, 401},
		{"a token in the address", gate.Config{Token: token}, []string{"X-Token", token}, 401},
		{"a page of another site that knows the token", gate.Config{Token: token}, []string{"Authorization", "Bearer " + token, "Sec-Fetch-Site", "cross-site"}, 403},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, c.cfg)
				for _, method := range []string{http.MethodGet, http.MethodPost} {
					path, body := "/v1/things/one?token="+token, ""
					if method == http.MethodPost {
						path, body = "/v1/things", "a"
					}
					res, text := s.ask(t, method, path, strings.NewReader(body), with(c.headers...))
					if res.StatusCode != c.status {
						t.Errorf("%s: status %s, body %q, want %d", method, res.Status, text, c.status)
					}
					if c.status != 200 && res.Header.Get("Content-Type") != "application/problem+json" {
						t.Errorf("%s: headers %v, want a problem", method, res.Header)
					}
					if c.status == 401 && res.Header.Get("Www-Authenticate") != "Bearer" {
						t.Errorf("%s: headers %v, want Www-Authenticate", method, res.Header)
					}
				}
				if n := len(s.handled()); (n == 1) != (c.status == 200) {
					t.Errorf("%d uploads reached the handler, want 1 only with status 200", n)
				}
				// A probe gets 200, whatever its headers are.
				if res, _ := s.ask(t, http.MethodGet, "/livez", nil, with(c.headers...)); res.StatusCode != 200 {
					t.Errorf("a probe: status %s, want 200", res.Status)
				}
				s.stop()
				if strings.Contains(s.log.String(), "secret") || strings.Contains(s.log.String(), "evil") {
					t.Errorf("the log contains a token or an origin:\n%s", s.log)
				}
			})
		})
	}
}

// TestOpenPathsAreExact: a path that only begins or ends like a probe needs the token.
func TestOpenPathsAreExact(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{Token: token})
		for _, path := range []string{"/livez/", "/livez/../v1/things/one", "//livez", "/v1/things/livez", "/livez%2f", "/LIVEZ"} {
			if res, _ := s.ask(t, http.MethodGet, path, nil, nil); res.StatusCode != 401 {
				t.Errorf("%s: status %s, want 401", path, res.Status)
			}
		}
	})
}

func packed(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// TestUploads: which bodies a route for uploads accepts, and how it answers all others.
func TestUploads(t *testing.T) {
	const most = 100_000
	for _, c := range []struct {
		name, body string
		headers    []string
		status     int
		detail     string
	}{
		{"a file", "a,b", nil, 200, ""},
		{"a file with a character set", "a,b", []string{"Content-Type", "text/csv; charset=utf-8"}, 200, ""},
		{"JSON", "{}", []string{"Content-Type", "Application/JSON"}, 200, ""},
		{"as it is", "a,b", []string{"Content-Encoding", "identity"}, 200, ""},
		{"nothing", "", []string{"Content-Type", ""}, 200, ""},
		{"the longest", strings.Repeat("x", most), nil, 200, ""},
		{"gzip", packed("a,b"), []string{"Content-Encoding", "gzip"}, 200, ""},
		{"gzip, the longest", packed(strings.Repeat("x", most)), []string{"Content-Encoding", "GZIP"}, 200, ""},

		{"a form's text", "a=b", []string{"Content-Type", "text/plain"}, 415, "Content-Type: text/csv"},
		{"a form's text, with a parameter", "a=b", []string{"Content-Type", "text/plain; x=text/csv"}, 415, ""},
		{"a form", "a=b", []string{"Content-Type", "application/x-www-form-urlencoded"}, 415, "--data-binary"},
		{"curl -F", "--x\r\n\r\na,b\r\n--x--", []string{"Content-Type", "multipart/form-data; boundary=x"}, 415, "curl -F"},
		{"no type", "a,b", []string{"Content-Type", ""}, 415, "missing"},
		{"no type that can be read", "a,b", []string{"Content-Type", "text/csv,text/plain;"}, 415, ""},
		{"no type that is known", "a,b", []string{"Content-Type", "image/png"}, 415, ""},

		{"too long", strings.Repeat("x", most+1), nil, 413, "split"},
		{"too long when unpacked", packed(strings.Repeat("x", most+1)), []string{"Content-Encoding", "gzip"}, 413, "unpacked"},
		{"a bomb", packed(strings.Repeat("x", 50_000_000)), []string{"Content-Encoding", "gzip"}, 413, "unpacked"},
		{"a bomb in parts", strings.Repeat(packed(strings.Repeat("x", 1000)), 101), []string{"Content-Encoding", "gzip"}, 413, "unpacked"},
		{"parts of nothing", strings.Repeat(packed(""), 5000), []string{"Content-Encoding", "gzip"}, 413, "longer"},
		{"packed twice", packed(packed("a,b")), []string{"Content-Encoding", "gzip, gzip"}, 415, "gzip"},
		{"packed in two ways", packed("a,b"), []string{"Content-Encoding", "gzip", "Content-Encoding", "br"}, 415, "gzip"},
		{"another packing", "a,b", []string{"Content-Encoding", "zstd"}, 415, "gzip"},
		{"not packed", "a,b", []string{"Content-Encoding", "gzip"}, 400, "cut off"},
		{"packed, cut off", packed("a,b")[:15], []string{"Content-Encoding", "gzip"}, 400, "cut off"},
		{"packed, with a wrong sum", packed("a,b")[:len(packed("a,b"))-8] + "12345678", []string{"Content-Encoding", "gzip"}, 400, "cut off"},
		{"packed, nothing", "", []string{"Content-Encoding", "gzip", "Content-Type", ""}, 400, "cut off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := open(t, gate.Config{MaxBody: most})
				for _, length := range []string{"declared", "chunked"} {
					body := io.Reader(strings.NewReader(c.body))
					if length == "chunked" {
						body = struct{ io.Reader }{body}
					}
					if length == "chunked" && c.body == "" {
						continue // its length is not known to be 0, so it needs a type
					}
					res, text := s.ask(t, http.MethodPost, "/v1/things", body, with(c.headers...))
					var p gate.Problem
					if c.status != 200 {
						if err := json.Unmarshal([]byte(text), &p); err != nil || p.Status != c.status {
							t.Errorf("%s: body %q, error %v, want a problem with status %d", length, text, err, c.status)
						}
					}
					if res.StatusCode != c.status || !strings.Contains(p.Detail, c.detail) {
						t.Errorf("%s: status %s, body %q, want %d and %q", length, res.Status, text, c.status, c.detail)
					}
				}
				if used := s.gate.Used(); used != 0 {
					t.Errorf("%d bytes are taken", used)
				}
			})
		})
	}
}

// TestLogHasNoTextOfTheClient: each request has a line with a route instead of a URL, and with an id that the client gets, too.
func TestLogHasNoTextOfTheClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{})
		res, text := s.ask(t, http.MethodGet, "/v1/things/alice?q=alice", nil, with("X-Request-Id", "trace-1.a_B", "User-Agent", "alice"))
		if res.Header.Get("X-Request-Id") != "trace-1.a_B" || text != "trace-1.a_B" {
			t.Errorf("headers %v, body %q, want the client's request id in both", res.Header, text)
		}
		ids := map[string]bool{}
		for _, bad := range []string{"", "alice alice", "al=ice", "ali\"ce", strings.Repeat("a", 65), "alíce"} {
			res, text := s.ask(t, http.MethodGet, "/v1/things/alice", nil, with("X-Request-Id", bad))
			if id := res.Header.Get("X-Request-Id"); id == bad || id != text || len(id) < 20 || ids[id] {
				t.Errorf("the request id %q became %q in the header and %q in the handler, want a new one", bad, id, text)
			}
			ids[text] = true
		}
		_, _ = s.ask(t, "ALICE", "/v1/things/alice", nil, nil)
		_, _ = s.ask(t, http.MethodGet, "/alice", nil, nil)
		_, _ = s.ask(t, http.MethodGet, "/livez", nil, nil)
		s.stop()
		log := s.log.String()
		if n := strings.Count(log, "msg=request"); n != 10 || strings.Contains(strings.ToLower(log), "alice") {
			t.Errorf("the log has %d requests, want 10, and no text of the client:\n%s", n, log)
		}
		for _, want := range []string{
			`level=INFO msg=request request=trace-1.a_B method=GET route="GET /v1/things/{name}" status=200 bytes=11 seconds=`,
			"method=other route=none status=405", "method=GET route=none status=404", "level=DEBUG",
		} {
			if !strings.Contains(log, want) {
				t.Errorf("the log has no %q:\n%s", want, log)
			}
		}
	})
}

// TestPanicCostsOneRequest: the client gets 500 without details, and the log has the stack.
func TestPanicCostsOneRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := open(t, gate.Config{})
		res, text := s.ask(t, http.MethodGet, "/v1/panic", nil, nil)
		if res.StatusCode != 500 || strings.Contains(text, "broken") {
			t.Errorf("status %s, body %q, want 500 without the text of the panic", res.Status, text)
		}
		if res, _ := s.ask(t, http.MethodGet, "/v1/things/one", nil, nil); res.StatusCode != 200 {
			t.Errorf("a request after the panic: %s, want 200", res.Status)
		}
		s.stop()
		if log := s.log.String(); !strings.Contains(log, "panic=broken") || !strings.Contains(log, "gate_test.go") || !strings.Contains(log, "status=500") {
			t.Errorf("want a log with the panic, its stack and status 500:\n%s", log)
		}
	})
}

func TestConfigIsChecked(t *testing.T) {
	for name, cfg := range map[string]gate.Config{
		"a short token": {Token: "0123456789abcde"}, "a token with a line break": {Token: token + "\n"}, "negative": {Requests: -1},
		"less for all than for one": {MaxBody: 100, Uploads: 99},
	} {
		_, err := gate.New(cfg)
		if err == nil || strings.Contains(err.Error(), "0123") {
			t.Errorf("%s: error %v, want one without the token", name, err)
		}
	}
}
