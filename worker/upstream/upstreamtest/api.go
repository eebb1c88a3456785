package upstreamtest

import (
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"time"

	"github.com/weir-go/weir/worker/upstream"
)

// API is a simulated API. [New] makes one. API is an http.Handler, for tests with a server of their own.
type API struct {
	tb      TB
	handler http.Handler
	start   time.Time

	mu     sync.Mutex
	cfg    Config
	judge  *upstream.Judge
	script script
	calls  []Call
	server *httptest.Server // on loopback, nil until URL
	inside *inside          // in memory, nil until Client
}

// New returns an API that ends with the test. A configuration out of range ends the test.
func New(tb TB, cfg Config) *API {
	tb.Helper()
	a := &API{tb: tb, handler: cfg.Handler, start: time.Now(), cfg: cfg}
	if a.handler == nil {
		a.handler = http.HandlerFunc(empty)
	}
	judge, err := upstream.NewJudge(cfg.judged())
	if err != nil {
		tb.Fatalf("upstreamtest: %s", strings.TrimPrefix(err.Error(), "upstream: "))
		return nil
	}
	a.judge = judge
	return a
}

// URL returns the address of the API on loopback, such as http://127.0.0.1:40123, without a slash at the end. The first
// call starts the server. In a testing/synctest bubble use Client.
func (a *API) URL() string {
	a.tb.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil {
		return a.server.URL
	}
	if a.cfg.Slack == 0 && len(a.calls) == 0 {
		a.cfg.Slack = loopbackSlack
		judge, err := upstream.NewJudge(a.cfg.judged())
		if err != nil { // the window is too short for the slack
			a.tb.Fatalf("upstreamtest: %s", strings.TrimPrefix(err.Error(), "upstream: "))
			return ""
		}
		a.judge = judge
	}
	a.server = httptest.NewServer(a)
	a.tb.Cleanup(a.server.Close)
	return a.server.URL
}

// ServeHTTP answers one call.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v := a.arrive(r)
	out := &answer{ResponseWriter: w}
	defer func() { a.answered(v.number, out.status) }() // even if the handler panics, which closes the connection
	maps.Copy(w.Header(), v.header)
	switch {
	case v.over:
		plain(out, http.StatusTooManyRequests, `{"error":"above the limit"}`)
		return
	case !v.step.pause(r.Context()): // the client has left
		return
	case v.step.HangUp:
		panic(http.ErrAbortHandler) // by this value net/http closes the connection and logs nothing
	case v.step.Status != 0:
		plain(out, v.step.Status, `{"error":"as the script says"}`)
		return
	}
	a.handler.ServeHTTP(out, r)
	out.end()
}

// verdict is the judgement of a call.
type verdict struct {
	number int // in calls
	over   bool
	step   Step
	header http.Header
}

// arrive stamps a call and judges it.
func (a *API) arrive(r *http.Request) verdict {
	a.mu.Lock()
	defer a.mu.Unlock()
	at := time.Now() // under the lock, else a later stamp could be judged first
	now := at.Sub(a.start)
	judged := a.judge.Arrive(judgedAs, now, upstream.Call{})
	v := verdict{number: len(a.calls), over: !judged.OK}
	if judged.OK {
		v.step = a.script.next(now)
		judged.OK, judged.RetryAfter = v.step.RetryAfter == 0, v.step.RetryAfter
	}
	v.header = a.judge.Headers(judgedAs, now, at, judged)
	a.calls = append(a.calls, Call{At: now, Method: r.Method, Path: r.URL.Path, Over: v.over})
	return v
}

func plain(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body) // the client may have left, so the error has no reader
}

func empty(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "{}") }
