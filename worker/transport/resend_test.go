package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// turnstile is a waiter that admits the first caller at once, and the others when the test admits them.
type turnstile struct {
	came  chan struct{}
	letIn chan error
	first bool
}

func newTurnstile() *turnstile {
	return &turnstile{came: make(chan struct{}), letIn: make(chan error)}
}

func (s *turnstile) Wait(ctx context.Context, _ string, _ ...limiter.Option) error {
	if !s.first {
		s.first = true
		return nil
	}
	s.came <- struct{}{}
	select {
	case err := <-s.letIn:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// TestHiddenResendsWaitTheirTurn: if net/http or a retrying base sends a request again, the request waits for its token, also if the limiter
// answers that the token comes too late.
func TestHiddenResendsWaitTheirTurn(t *testing.T) {
	late := &limiter.DeadlineError{Route: "spotify", Ready: time.Millisecond}
	for _, protocol := range []struct {
		name string
		play func(w *world, s *turnstile) error
	}{
		{"HTTP/1, a broken connection", func(w *world, s *turnstile) error {
			url := w.open()
			return request(w.t.Context(), &http.Client{Transport: transport.New(w.base, s, "spotify")}, http.MethodGet, url, nil)
		}},
		{"HTTP/2, a refused stream", func(w *world, s *turnstile) error {
			return w.overHTTP2(func(url string) error {
				return request(w.t.Context(), &http.Client{Transport: transport.New(w.base, s, "spotify")}, http.MethodGet, url, nil)
			})
		}},
		{"a base that retries", func(w *world, s *turnstile) error {
			return request(w.t.Context(), &http.Client{Transport: transport.New(retrying{w.base}, s, "spotify")}, http.MethodGet, w.url+"/fails-first", nil)
		}},
	} {
		for _, answers := range []struct {
			name string
			errs []error
		}{
			{"a token", []error{nil}},
			{"too late, then a token", []error{late, late, nil}},
			{"a limiter that is closed", []error{limiter.ErrClosed}},
		} {
			t.Run(protocol.name+": "+answers.name, func(t *testing.T) {
				w, s := newWorld(t), newTurnstile()
				ended := make(chan error, 1)
				go func() { ended <- protocol.play(w, s) }()
				var seen []int64
				for _, answer := range answers.errs {
					select {
					case <-s.came:
					case err := <-ended:
						t.Fatalf("a request was sent that did not wait, error %v", err)
					}
					seen = append(seen, w.requests())
					s.letIn <- answer
				}
				err := <-ended
				t.Logf("%-28s %-26s requests when the resend waits: %v, at the end: %d, error %v", protocol.name, answers.name, seen, w.requests(), err)
				for _, n := range seen {
					if n != 1 {
						t.Errorf("a request was sent during the wait: %v", seen)
					}
				}
				if err != nil || w.requests() != 2 {
					t.Errorf("%d requests, error %v, want 2", w.requests(), err)
				}
			})
		}
	}
}

// TestHiddenResendOfARequestThatEnds: a resend does not outlive the request that it belongs to.
func TestHiddenResendOfARequestThatEnds(t *testing.T) {
	w, s := newWorld(t), newTurnstile()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		<-s.came
		cancel()
	}()
	err := request(ctx, &http.Client{Transport: transport.New(retrying{w.base}, s, "spotify")}, http.MethodGet, w.url+"/fails-first", nil)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// TestResendCount: the base of a transport reads how often the call was sent before. Each call of the base is one request.
func TestResendCount(t *testing.T) {
	attempt := func(n int) transport.Option { return transport.Attempts(func(context.Context) int { return n }) }
	for _, tc := range []struct {
		name  string
		opts  []transport.Option
		call  bool // the requests have one context of NewContext
		paths []string
		want  []int
	}{
		{"one request", nil, false, []string{"/"}, []int{0}},
		{"two requests of two calls", nil, false, []string{"/", "/"}, []int{0, 0}},
		{"two requests of one call", nil, true, []string{"/", "/"}, []int{0, 1}},
		{"a redirect", nil, false, []string{"/old"}, []int{0, 1}},
		{"a redirect of a redirect", nil, false, []string{"/older"}, []int{0, 1, 2}},
		{"a redirect, and again, of one call", nil, true, []string{"/old", "/"}, []int{0, 1, 2}},
		{"the third attempt of a task", []transport.Option{attempt(3)}, false, []string{"/"}, []int{2}},
		{"a redirect of a second attempt", []transport.Option{attempt(2)}, false, []string{"/old"}, []int{1, 2}},
		{"the third attempt, which the context has counted", []transport.Option{attempt(2)}, true, []string{"/", "/", "/"}, []int{1, 1, 2}},
		{"outside any task", []transport.Option{attempt(0)}, false, []string{"/"}, []int{0}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var got []int
			base := tripFunc(func(r *http.Request) (*http.Response, error) {
				got = append(got, transport.ResendCount(r.Context()))
				res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}
				if to := map[string]string{"/old": "/new", "/older": "/old"}[r.URL.Path]; to != "" {
					res.StatusCode = http.StatusTemporaryRedirect
					res.Header.Set("Location", to)
				}
				return res, nil
			})
			client := &http.Client{Transport: transport.New(base, &ledger{}, "spotify", tc.opts...)}
			ctx := t.Context()
			if tc.call {
				ctx = transport.NewContext(ctx)
			}
			for _, path := range tc.paths {
				if err := request(ctx, client, http.MethodGet, "http://api.example"+path, nil); err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%-50s %v", tc.name, got)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("resend counts (-want +got):\n%s", diff)
			}
		})
	}
	if n := transport.ResendCount(t.Context()); n != 0 {
		t.Errorf("the resend count of an empty context is %d, want 0", n)
	}
}

// TestAnswerNamesItsRequest: the answer has the request that was sent by the caller, not the transport's own.
func TestAnswerNamesItsRequest(t *testing.T) {
	base := tripFunc(func(r *http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody, Request: r}, nil
	})
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	res, err := transport.New(base, &ledger{}, "spotify").RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.Request != req {
		t.Error("the answer names another request")
	}
}

// TestContextOfTheBase: the context of the base ends with the request's context and has its values.
func TestContextOfTheBase(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		type key struct{}
		errStopped := errors.New("the client has gone")
		ctx, cancel := context.WithCancelCause(context.WithValue(t.Context(), key{}, "value"))
		base := tripFunc(func(r *http.Request) (*http.Response, error) {
			if got := r.Context().Value(key{}); got != "value" {
				t.Errorf("the base sees the value %v, want that of the request", got)
			}
			cancel(errStopped)
			<-r.Context().Done()
			return nil, context.Cause(r.Context())
		})
		_, err := transport.New(base, &ledger{}, "spotify").RoundTrip(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)) //nolint:bodyclose // there is no answer
		if !errors.Is(err, errStopped) {
			t.Errorf("error %v, want %v", err, errStopped)
		}
	})
}
