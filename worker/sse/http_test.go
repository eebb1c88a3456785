package sse_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/sse"
)

// protocols runs a test over HTTP/1.1 and HTTP/2, on loopback.
func protocols(t *testing.T, test func(t *testing.T, start func(http.HandlerFunc) *httptest.Server)) {
	for name, h2 := range map[string]bool{"HTTP/1.1": false, "HTTP/2": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, func(h http.HandlerFunc) *httptest.Server {
				srv := httptest.NewUnstartedServer(h)
				srv.EnableHTTP2 = h2
				srv.Config.WriteTimeout = time.Second // a stream outlives it
				srv.StartTLS()
				t.Cleanup(srv.Close)
				return srv
			})
		})
	}
}

func get(t *testing.T, srv *httptest.Server) *http.Response {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	must(t, err)
	resp, err := srv.Client().Do(req)
	must(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

// The client knows that it is connected before there is any event.
func TestHeadersComeFirst(t *testing.T) {
	protocols(t, func(t *testing.T, start func(http.HandlerFunc) *httptest.Server) {
		connected := make(chan struct{})
		resp := get(t, start(func(rw http.ResponseWriter, r *http.Request) {
			w, err := sse.NewWriter(rw)
			if err != nil {
				t.Error(err)
				return
			}
			<-connected
			if err := w.Serve(r.Context(), list(t, sse.Event{ID: "1", Name: "done"})); err != nil {
				t.Error(err)
			}
		}))
		close(connected)
		want := http.Header{
			"Content-Type":      {"text/event-stream"},
			"Cache-Control":     {"no-cache, no-transform"},
			"X-Accel-Buffering": {"no"},
		}
		got := resp.Header.Clone()
		got.Del("Date")
		if diff := cmp.Diff(want, got); diff != "" || resp.StatusCode != http.StatusOK {
			t.Errorf("status %s, headers (-want +got):\n%s", resp.Status, diff)
		}
		events, err := readAll(resp.Body)
		must(t, err)
		if diff := cmp.Diff([]sse.Event{{ID: "1", Name: "done"}}, events, sameData); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// A stream that is idle for longer than the write timeout, and lives longer than the server's own, stays open.
func TestIdleStreamStaysOpen(t *testing.T) {
	protocols(t, func(t *testing.T, start func(http.HandlerFunc) *httptest.Server) {
		resp := get(t, start(func(rw http.ResponseWriter, r *http.Request) {
			w, err := sse.Config{WriteTimeout: 500 * time.Millisecond, Heartbeat: 1100 * time.Millisecond}.NewWriter(rw)
			if err != nil {
				t.Error(err)
				return
			}
			_ = w.Serve(r.Context(), nothing())
		}))
		line, err := bufio.NewReader(resp.Body).ReadString('\n')
		if line != ":\n" || err != nil {
			t.Errorf("read %q, error %v, want a heartbeat", line, err)
		}
	})
}

// The server drops a client that opens the stream and then reads nothing, and its handler returns.
func TestStalledClientIsDropped(t *testing.T) {
	ended := make(chan error, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		w, err := sse.Config{WriteTimeout: 50 * time.Millisecond}.NewWriter(rw)
		if err != nil {
			t.Error(err)
			return
		}
		one, err := sse.Event{Data: bytes.Repeat([]byte("x"), 256<<10)}.Frame()
		if err != nil {
			t.Error(err)
		}
		ended <- w.Serve(r.Context(), func(context.Context) (sse.Frame, error) { return one, nil })
	}))
	defer srv.Close() // waits for the handler
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", srv.Listener.Addr().String())
	must(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	must(t, err)

	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("Serve: %v, want a deadline error", err)
	}
}

// If a stream cannot work, the handler gets an error while it can still answer with one.
func TestUnsupportedWriter(t *testing.T) {
	handler := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		w, err := sse.NewWriter(rw)
		if !errors.Is(err, http.ErrNotSupported) || w != nil {
			t.Errorf("NewWriter returned %v, %v, want ErrNotSupported", w, err)
		}
		http.Error(rw, "no stream here", http.StatusInternalServerError)
	})
	for name, h := range map[string]http.Handler{
		"no flush": http.TimeoutHandler(handler, time.Minute, "too late"),
		"no deadline": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			handler(struct {
				http.ResponseWriter
				http.Flusher
			}{rw, rw.(http.Flusher)}, r)
		}),
		"no flush, but a deadline": http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			handler(struct {
				http.ResponseWriter
				deadliner
			}{rw, rw.(deadliner)}, r)
		}),
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(h)
			defer srv.Close()
			resp := get(t, srv)
			body, err := io.ReadAll(resp.Body)
			must(t, err)
			if resp.StatusCode != http.StatusInternalServerError || !strings.HasPrefix(string(body), "no stream here") {
				t.Errorf("status %s, body %q, want the handler's 500", resp.Status, body)
			}
			for _, h := range []string{"X-Accel-Buffering", "Cache-Control"} {
				if v := resp.Header.Get(h); v != "" {
					t.Errorf("the error page has %s: %s", h, v)
				}
			}
		})
	}
}

type deadliner interface{ SetWriteDeadline(time.Time) error }
