package deskhttp_test

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/desk"
	"github.com/weir-go/weir/worker/deskhttp"
	"github.com/weir-go/weir/worker/gate"
	"github.com/weir-go/weir/worker/sse"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func failed(reason error) []sse.Event {
	return []sse.Event{{Name: "error", Data: []byte(reason.Error())}, {Name: "done"}}
}

// server is a desk behind HTTP. Its analyses send the events that come over a channel, and end with "result" and "done" when it is closed.
type server struct {
	*httptest.Server
	desk *desk.Desk
	send chan string
	left chan error
	// ended has the causes of contexts that ended.
	ended chan error
}

// protocols runs a test over HTTP/1.1 and HTTP/2.
func protocols(t *testing.T, edit func(*desk.Config), test func(t *testing.T, s *server)) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			s := &server{send: make(chan string), left: make(chan error, 100), ended: make(chan error, 100)}
			cfg := desk.Config{Name: "r/1 ü", Last: failed}
			if edit != nil {
				edit(&cfg)
			}
			var err error
			s.desk, err = desk.New(cfg)
			must(t, err)
			h := &deskhttp.Handler{Desk: s.desk, Path: "/a", Left: func(_ context.Context, _ string, reason error) { s.left <- reason }}
			mux := http.NewServeMux()
			mux.HandleFunc("POST /start", func(out http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				weight := int64(0)
				if string(body) == "heavy" {
					weight = 1 << 40
				}
				h.Start(out, r, desk.Order{Work: s.work, Digest: sha256.Sum256(body), Weight: weight})
			})
			mux.HandleFunc("GET /a/{id}", h.Show)
			mux.HandleFunc("GET /a/{id}/events", h.Events)
			mux.HandleFunc("DELETE /a/{id}", h.End)
			s.Server = httptest.NewUnstartedServer(mux)
			s.EnableHTTP2 = h2
			s.StartTLS()
			t.Cleanup(func() {
				ended, cancel := context.WithCancel(context.Background())
				cancel()
				if err := s.desk.Close(ended); err != nil {
					t.Error(err)
				}
				s.Close()
			})
			test(t, s)
		})
	}
}

func (s *server) work(ctx context.Context, report func(sse.Event) error) []sse.Event {
	for {
		select {
		case text, more := <-s.send:
			if !more {
				return []sse.Event{{Name: "result", Data: []byte("r")}, {Name: "done"}}
			}
			if report(sse.Event{Data: []byte(text)}) != nil {
				panic("an event was not kept")
			}
		case <-ctx.Done():
			s.ended <- context.Cause(ctx)
			return failed(context.Cause(ctx))
		}
	}
}

// do sends a request with headers, "Name: value" each.
func (s *server) do(t *testing.T, method, path, body string, headers ...string) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, strings.NewReader(body))
	must(t, err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		req.Header.Add(name, value)
	}
	res, err := s.Client().Do(req)
	must(t, err)
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

// events reads so many events, as "id name data", or all for 0.
func events(t *testing.T, res *http.Response, n int) (seen []string) {
	t.Helper()
	if res.StatusCode != http.StatusOK || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("status %s, content type %s, want an event stream", res.Status, res.Header.Get("Content-Type"))
	}
	for ev, err := range sse.Read(res.Body) {
		must(t, err)
		seen = append(seen, strings.Join(strings.Fields(fmt.Sprintf("%s %s %s", ev.ID, ev.Name, ev.Data)), " "))
		if len(seen) == n {
			break
		}
	}
	return seen
}

func same[T any](t *testing.T, want, got T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestALostConnectionLosesNothing: the work goes on, and a client that comes back gets the missing events once.
func TestALostConnectionLosesNothing(t *testing.T) {
	protocols(t, nil, func(t *testing.T, s *server) {
		res := s.do(t, http.MethodPost, "/start", "")
		where := res.Header.Get("Location")
		s.send <- "a"
		s.send <- "b"
		same(t, []string{"1 a", "2 b"}, events(t, res, 2))
		must(t, res.Body.Close())
		if err := <-s.left; err == nil {
			t.Error("the context of a lost connection has no cause")
		}
		s.send <- "c" // nobody reads

		same(t, []string{"2 b", "3 c"}, events(t, s.do(t, http.MethodGet, where+"/events", "", "Last-Event-ID: 1"), 2))
		same(t, []string{"3 c"}, events(t, s.do(t, http.MethodGet, where+"/events?lastEventId=2", ""), 1))
		same(t, []string{"3 c"}, events(t, s.do(t, http.MethodGet, where+"/events?lastEventId=0", "", "Last-Event-ID: 2"), 1))
		all := s.do(t, http.MethodGet, where+"/events", "")
		close(s.send)
		same(t, []string{"1 a", "2 b", "3 c", "4 result r", "5 done"}, events(t, all, 0))
		same(t, []string{"5 done"}, events(t, s.do(t, http.MethodGet, where+"/events", "", "Last-Event-ID: 4"), 0))
		if res := s.do(t, http.MethodGet, where+"/events", "", "Last-Event-ID: 5"); res.StatusCode != http.StatusNoContent {
			t.Errorf("a reader after the last event: status %s, want 204", res.Status)
		}
	})
}

// TestEveryReaderFollows: two readers of one analysis get the same.
func TestEveryReaderFollows(t *testing.T) {
	protocols(t, nil, func(t *testing.T, s *server) {
		one := s.do(t, http.MethodPost, "/start", "")
		two := s.do(t, http.MethodGet, one.Header.Get("Location")+"/events", "")
		s.send <- "a"
		close(s.send)
		want := []string{"1 a", "2 result r", "3 done"}
		same(t, want, events(t, one, 0))
		same(t, want, events(t, two, 0))
	})
}

// TestRefusals: each refusal names its reason as a problem.
func TestRefusals(t *testing.T) {
	protocols(t, func(c *desk.Config) { c.Running, c.Waiting, c.Readers = 1, 1, 2 }, func(t *testing.T, s *server) {
		where := s.do(t, http.MethodPost, "/start", "body", "Idempotency-Key: k").Header.Get("Location")
		unknown, elsewhere := where[:len(where)-1]+"-", "/a/other.x"
		for name, c := range map[string]struct {
			method, path, body, header string
			status                     int
		}{
			"unknown":          {http.MethodGet, unknown, "", "", http.StatusNotFound},
			"unknown events":   {http.MethodGet, unknown + "/events", "", "", http.StatusNotFound},
			"unknown ended":    {http.MethodDelete, unknown, "", "", http.StatusNotFound},
			"no id":            {http.MethodGet, "/a/x/events", "", "", http.StatusNotFound},
			"elsewhere":        {http.MethodGet, elsewhere + "/events", "", "", http.StatusMisdirectedRequest},
			"elsewhere state":  {http.MethodGet, elsewhere, "", "", http.StatusMisdirectedRequest},
			"elsewhere ended":  {http.MethodDelete, elsewhere, "", "", http.StatusMisdirectedRequest},
			"no number":        {http.MethodGet, where + "/events", "", "Last-Event-ID: x", http.StatusBadRequest},
			"never seen":       {http.MethodGet, where + "/events", "", "Last-Event-ID: 7", http.StatusBadRequest},
			"a key of blanks":  {http.MethodPost, "/start", "", "Idempotency-Key: a b", http.StatusBadRequest},
			"a long key":       {http.MethodPost, "/start", "", "Idempotency-Key: " + strings.Repeat("x", 256), http.StatusBadRequest},
			"start, no number": {http.MethodPost, "/start", "", "Last-Event-ID: -1", http.StatusBadRequest},
			"another body":     {http.MethodPost, "/start", "other", "Idempotency-Key: k", http.StatusUnprocessableEntity},
			"too heavy":        {http.MethodPost, "/start", "heavy", "", http.StatusRequestEntityTooLarge},
		} {
			var headers []string
			if c.header != "" {
				headers = append(headers, c.header)
			}
			res := s.do(t, c.method, c.path, c.body, headers...)
			var problem struct {
				Status          int
				Detail, Replica string
			}
			if err := json.NewDecoder(res.Body).Decode(&problem); err != nil {
				t.Errorf("%s: the body is no problem: %v", name, err)
			}
			if res.StatusCode != c.status || problem.Status != c.status || problem.Detail == "" || res.Header.Get("Content-Type") != "application/problem+json" ||
				res.Header.Get("Cache-Control") != "no-store" {
				t.Errorf("%s: status %s, headers %v, %+v; want %d and a problem", name, res.Status, res.Header, problem, c.status)
			}
			if c.status == http.StatusMisdirectedRequest && problem.Replica != "other" {
				t.Errorf("%s: %+v, want the name of the other replica", name, problem)
			}
		}
		if res := s.do(t, http.MethodHead, where+"/events", ""); res.StatusCode != http.StatusOK {
			t.Errorf("HEAD: status %s, want 200", res.Status)
		}
		full := func(what string, res *http.Response) {
			t.Helper()
			var problem gate.Problem
			must(t, json.NewDecoder(res.Body).Decode(&problem))
			if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") != "10" || problem.Type != gate.TypeCapacity {
				t.Errorf("%s: status %s, Retry-After %q, %+v; want 503, 10 and a problem of capacity", what, res.Status, res.Header.Get("Retry-After"), problem)
			}
		}
		s.do(t, http.MethodPost, "/start", "")
		full("a third reader", s.do(t, http.MethodGet, where+"/events", ""))
		full("a third analysis", s.do(t, http.MethodPost, "/start", ""))
	})
}

// TestAReaderAboveTheBoundPaysNothing: a POST without a place for its reader starts nothing, and its key is free for the next POST.
func TestAReaderAboveTheBoundPaysNothing(t *testing.T) {
	protocols(t, func(c *desk.Config) { c.Readers = 1 }, func(t *testing.T, s *server) {
		first := s.do(t, http.MethodPost, "/start", "")
		if res := s.do(t, http.MethodPost, "/start", "", "Idempotency-Key: k"); res.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("status %s, want 503", res.Status)
		}
		if c := s.desk.Counts(); c.Running != 1 || c.Waiting != 0 || c.Ended != 0 {
			t.Errorf("counts %+v, want only the first analysis", c)
		}
		s.do(t, http.MethodDelete, first.Header.Get("Location"), "")
		events(t, first, 0) // its place is free at its end
		again := s.do(t, http.MethodPost, "/start", "", "Idempotency-Key: k")
		s.send <- "a"
		same(t, []string{"1 a"}, events(t, again, 1))
	})
}

// TestRepetitionsJoin: a POST with a known key reads the analysis of that key, while it runs and afterwards.
func TestRepetitionsJoin(t *testing.T) {
	protocols(t, nil, func(t *testing.T, s *server) {
		post := func(headers ...string) *http.Response {
			return s.do(t, http.MethodPost, "/start", "body", append(headers, "Idempotency-Key: k")...)
		}
		first := post()
		s.send <- "a"
		again := post()
		if again.Header.Get("Location") != first.Header.Get("Location") {
			t.Errorf("a repeated POST has another location: %s, then %s", first.Header.Get("Location"), again.Header.Get("Location"))
		}
		close(s.send)
		want := []string{"1 a", "2 result r", "3 done"}
		same(t, want, events(t, first, 0))
		same(t, want, events(t, again, 0))
		same(t, want[1:], events(t, post("Last-Event-ID: 1"), 0))
		if res := post("Last-Event-ID: 3"); res.StatusCode != http.StatusNoContent || res.Header.Get("Location") != first.Header.Get("Location") {
			t.Errorf("a POST after the last event: status %s, headers %v, want 204 with the location", res.Status, res.Header)
		}
	})
}

func TestEndAndShow(t *testing.T) {
	protocols(t, nil, func(t *testing.T, s *server) {
		res := s.do(t, http.MethodPost, "/start", "", "Last-Event-ID: 3") // of an analysis that is no longer known
		where := res.Header.Get("Location")
		state := func() (shown struct{ ID, State, Events string }) {
			must(t, json.NewDecoder(s.do(t, http.MethodGet, where, "").Body).Decode(&shown))
			return shown
		}
		if got := state(); got.State != "running" || got.Events != where+"/events" || !strings.HasPrefix(got.ID, "r/1 ü.") {
			t.Errorf("state %+v, want a running analysis with its address", got)
		}
		for range 2 {
			if res := s.do(t, http.MethodDelete, where, ""); res.StatusCode != http.StatusNoContent {
				t.Errorf("DELETE: status %s, want 204", res.Status)
			}
		}
		same(t, []string{"1 error " + deskhttp.ErrDeleted.Error(), "2 done"}, events(t, res, 0))
		if got := state(); got.State != "ended" {
			t.Errorf("state %+v, want ended", got)
		}
	})
}

// TestOrderlyEnd: while a desk closes, every stream gets its last events, and new requests are sent to another replica.
func TestOrderlyEnd(t *testing.T) {
	protocols(t, nil, func(t *testing.T, s *server) {
		streams := []*http.Response{s.do(t, http.MethodPost, "/start", ""), s.do(t, http.MethodPost, "/start", "")}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		must(t, s.desk.Close(ended))
		for _, res := range streams {
			same(t, []string{"1 error " + desk.ErrClosed.Error(), "2 done"}, events(t, res, 0))
		}
		if res := s.do(t, http.MethodPost, "/start", ""); res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
			t.Errorf("status %s, want 503 with Retry-After", res.Status)
		}
	})
}

// TestNoStreamWithoutFlush: if middleware cannot flush, the answer is an error.
func TestNoStreamWithoutFlush(t *testing.T) {
	d, err := desk.New(desk.Config{Name: "r", Last: failed})
	must(t, err)
	h := &deskhttp.Handler{Desk: d, Path: "/a"}
	srv := httptest.NewServer(http.TimeoutHandler(http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		h.Start(out, r, desk.Order{Work: func(context.Context, func(sse.Event) error) []sse.Event { return failed(errors.New("x")) }})
	}), time.Minute, ""))
	defer srv.Close()
	res, err := http.Post(srv.URL, "", nil) //nolint:noctx // nothing to wait for
	must(t, err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusInternalServerError || res.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("status %s, want 500 with a problem", res.Status)
	}
	must(t, d.Close(t.Context()))
}
