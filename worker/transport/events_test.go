package transport_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// world is a client, a limiter with ten tokens and no more for an hour, and a provider whose paths are events.
type world struct {
	t        *testing.T
	limiter  *limiter.Limiter
	url      string
	base     *http.Transport
	arrivals atomic.Int64
	opened   int64         // arrivals that are not of the test: they opened a connection
	arrived  chan struct{} // of /slow
}

const tokens = 10

func newWorld(t *testing.T) *world {
	w := &world{
		t: t, base: &http.Transport{}, arrived: make(chan struct{}, tokens),
		limiter: memory(t, limiter.Config{Buckets: map[string][]limiter.Limit{"spotify": {{Tokens: 1, Per: time.Hour, Burst: tokens}}}}),
	}
	srv := httptest.NewServer(http.HandlerFunc(w.answer))
	w.url = srv.URL
	t.Cleanup(func() {
		w.base.CloseIdleConnections()
		srv.CloseClientConnections()
		srv.Close()
	})
	return w
}

func (w *world) answer(out http.ResponseWriter, r *http.Request) {
	n := w.arrivals.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	switch r.URL.Path {
	case "/old":
		http.Redirect(out, r, "/new", http.StatusTemporaryRedirect)
	case "/slow":
		w.arrived <- struct{}{}
		<-r.Context().Done()
	case "/missing":
		out.WriteHeader(http.StatusNotFound)
	case "/broken-second": // the first request of a test opens the connection, the second finds it broken
		if n == 2 {
			panic(http.ErrAbortHandler)
		}
	case "/fails-first":
		if n == 1 {
			out.WriteHeader(http.StatusBadGateway)
		}
	case "/half":
		out.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(out, "half")
	}
}

// client sends through the transport.
func (w *world) client(opts ...transport.Option) *http.Client {
	return &http.Client{Transport: transport.New(w.base, w.limiter, "spotify", opts...)}
}

// request sends a request and reads the answer to its end.
func request(ctx context.Context, c *http.Client, method, url string, body io.Reader) error {
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return err
	}
	res, err := c.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return err
}

// take takes all tokens, so that the next request waits for an hour.
func (w *world) take() {
	if ok, err := w.limiter.AllowN(w.t.Context(), "spotify", tokens); !ok || err != nil {
		w.t.Fatalf("AllowN: %t, %v, want true", ok, err)
	}
}

// left takes one token and returns how many are left.
func (w *world) left() int64 {
	d, err := w.limiter.Decide(w.t.Context(), "spotify", 1)
	if err != nil {
		w.t.Fatal(err)
	}
	if !d.OK {
		return 0
	}
	return d.Remaining + 1
}

// retrying is a client's retry, above a transport or below it: it sends a request again after an answer with 502.
type retrying struct{ next http.RoundTripper }

func (r retrying) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := r.next.RoundTrip(req)
	if err == nil && res.StatusCode == http.StatusBadGateway {
		_ = res.Body.Close()
		return r.next.RoundTrip(req)
	}
	return res, err
}

// events are the possible courses of a request. Each function plays one and returns its error.
var events = []struct {
	name             string
	tokens, requests int64
	fails            bool
	taken            bool // there is no token when the request comes
	play             func(w *world) error
}{
	{"an answer, whatever its status", 1, 1, false, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodGet, w.url+"/missing", nil)
	}},
	{"a redirect that the client follows", 2, 2, false, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodGet, w.url+"/old", nil)
	}},
	{"a redirect that the client does not follow", 1, 1, false, false, func(w *world) error {
		c := w.client()
		c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
		return request(w.t.Context(), c, http.MethodGet, w.url+"/old", nil)
	}},
	{"a retry of the client, after one failed attempt", 2, 2, false, false, func(w *world) error {
		return request(w.t.Context(), &http.Client{Transport: retrying{w.client().Transport}}, http.MethodGet, w.url+"/fails-first", nil)
	}},
	{"a request that spends the reservation of its task", 1, 1, false, false, func(w *world) error {
		ctx, _ := reserved(w.t, w.limiter, "spotify")
		return request(ctx, w.client(), http.MethodGet, w.url, nil)
	}},
	{"a connection that is refused", 1, 0, true, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodGet, "http://"+unused(w.t), nil)
	}},
	{"a name that nobody knows", 1, 0, true, false, func(w *world) error {
		w.base.DialContext = func(context.Context, string, string) (net.Conn, error) {
			return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
		}
		return request(w.t.Context(), w.client(), http.MethodGet, "http://nowhere.invalid/", nil)
	}},
	{"a host without a route", 0, 0, true, false, func(w *world) error {
		rt, err := transport.Open(w.base, w.limiter, transport.Routes{Hosts: map[string]string{"api.spotify.com": "spotify"}})
		if err != nil {
			w.t.Fatal(err)
		}
		return request(w.t.Context(), &http.Client{Transport: rt}, http.MethodGet, w.url, nil)
	}},
	{"an answer that breaks off", 1, 1, true, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodGet, w.url+"/half", nil)
	}},
	{"net/http sends again, because the connection was broken", 2, 2, false, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodGet, w.open(), nil)
	}},
	{"net/http does not send again: POST", 1, 1, true, false, func(w *world) error {
		return request(w.t.Context(), w.client(), http.MethodPost, w.open(), strings.NewReader("question"))
	}},
	{"net/http does not send again: no keep-alive", 1, 1, true, false, func(w *world) error {
		w.base.DisableKeepAlives = true
		return request(w.t.Context(), w.client(), http.MethodGet, w.open(), nil)
	}},
	{"net/http sends again, because HTTP/2 refused the stream", 2, 2, false, false, (*world).refusedStream},
	{"a base of the transport that retries, after one failure", 2, 2, false, false, func(w *world) error {
		return request(w.t.Context(), &http.Client{Transport: transport.New(retrying{w.base}, w.limiter, "spotify")}, http.MethodGet, w.url+"/fails-first", nil)
	}},
	{"cancelled while it waits for its token", 0, 0, true, true, func(w *world) error {
		ctx, cancel := context.WithCancel(w.t.Context())
		time.AfterFunc(5*time.Millisecond, cancel)
		return request(ctx, w.client(), http.MethodGet, w.url, nil)
	}},
	{"cancelled while it waits for the answer", 1, 1, true, false, func(w *world) error {
		ctx, cancel := context.WithCancel(w.t.Context())
		go func() {
			<-w.arrived
			cancel()
		}()
		return request(ctx, w.client(), http.MethodGet, w.url+"/slow", nil)
	}},
	{"the client's timeout passes before its token comes", 0, 0, true, true, func(w *world) error {
		c := w.client()
		c.Timeout = 20 * time.Millisecond
		return request(w.t.Context(), c, http.MethodGet, w.url, nil)
	}},
	{"the client's timeout passes before the answer comes", 1, 1, true, false, func(w *world) error {
		c := w.client()
		c.Timeout = 200 * time.Millisecond
		return request(w.t.Context(), c, http.MethodGet, w.url+"/slow", nil)
	}},
	{"a deadline before its token", 0, 0, true, true, func(w *world) error {
		ctx, cancel := context.WithTimeout(w.t.Context(), time.Minute)
		defer cancel()
		return request(ctx, w.client(), http.MethodGet, w.url, nil)
	}},
	{"a limiter that is closed", 0, 0, true, false, func(w *world) error {
		l := memory(w.t, limiter.Config{})
		if err := l.Close(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		return request(w.t.Context(), &http.Client{Transport: transport.New(w.base, l, "spotify")}, http.MethodGet, w.url, nil)
	}},
}

// requests returns the requests that reached the provider.
func (w *world) requests() int64 { return w.arrivals.Load() - w.opened }

// open opens a connection that breaks when the next request has arrived.
func (w *world) open() (url string) {
	url = w.url + "/broken-second"
	if err := request(w.t.Context(), &http.Client{Transport: w.base}, http.MethodGet, url, nil); err != nil {
		w.t.Error(err)
	}
	w.opened = 1
	return url
}

// unused is an address at which nobody listens.
func unused(t *testing.T) string {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestWhatEachEventPays plays all events. The rows are the rows of the table in the package comment.
func TestWhatEachEventPays(t *testing.T) {
	type row struct {
		name             string
		tokens, requests int64
	}
	var played []row
	for _, e := range events {
		played = append(played, row{e.name, e.tokens, e.requests})
		t.Run(e.name, func(t *testing.T) {
			w, had := newWorld(t), int64(tokens)
			if e.taken {
				w.take()
				had = 0
			}
			err := e.play(w)
			paid := had - w.left()
			t.Logf("%-58s %d tokens, %d requests, error %v", e.name, paid, w.requests(), err)
			if paid != e.tokens || w.requests() != e.requests || (err != nil) != e.fails {
				t.Errorf("%d tokens and %d requests, error %v; want %d and %d, an error: %v", paid, w.requests(), err, e.tokens, e.requests, e.fails)
			}
		})
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var written []row
	for _, m := range regexp.MustCompile(`(?m)^//\t(.+?) {2,}(\d) +(\d)$`).FindAllStringSubmatch(string(doc), -1) {
		paid, _ := strconv.ParseInt(m[2], 10, 64)
		sent, _ := strconv.ParseInt(m[3], 10, 64)
		written = append(written, row{m[1], paid, sent})
	}
	if diff := cmp.Diff(played, written, cmp.AllowUnexported(row{})); diff != "" {
		t.Errorf("the package comment has another table (-played +written):\n%s", diff)
	}
}
