package transport_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// ledger is a waiter that never waits. It notes the calls that would have waited.
type ledger struct {
	mu    sync.Mutex
	waits []string
}

func (l *ledger) Wait(_ context.Context, route string, _ ...limiter.Option) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waits = append(l.waits, route)
	return nil
}

// provider answers "ok", and /old with a redirect to /new.
func provider(t *testing.T) (base http.RoundTripper, url string, arrivals *atomic.Int64) {
	t.Helper()
	arrivals = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrivals.Add(1)
		if r.URL.Path == "/old" {
			http.Redirect(w, r, "/new", http.StatusTemporaryRedirect)
			return
		}
		_, _ = io.WriteString(w, "ok")
	}))
	rt := &http.Transport{}
	t.Cleanup(func() {
		rt.CloseIdleConnections()
		srv.Close()
	})
	return rt, srv.URL, arrivals
}

func memory(t *testing.T, cfg limiter.Config) *limiter.Limiter {
	t.Helper()
	if cfg.Buckets == nil {
		cfg.Buckets = map[string][]limiter.Limit{"spotify": {limiter.PerSecond(1000, 1000)}, "lastfm": {limiter.PerSecond(1000, 1000)}}
	}
	l, err := limiter.NewMemory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return l
}

// reserved is a context with a reservation of a route that is due.
func reserved(t *testing.T, l *limiter.Limiter, route string) (context.Context, *limiter.Reservation) {
	t.Helper()
	r, err := l.Reserve(t.Context(), route)
	if err != nil {
		t.Fatal(err)
	}
	if d := r.Delay(); d > 0 {
		t.Fatalf("a full bucket makes a caller wait %v", d)
	}
	return limiter.NewContext(t.Context(), r), r
}

func get(t *testing.T, ctx context.Context, c *http.Client, url string) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err != nil || string(body) != "ok" {
		t.Fatalf("answer %q, error %v, want ok", body, err)
	}
}

func TestRoundTripsPayOnceEach(t *testing.T) {
	l := memory(t, limiter.Config{})
	late := memory(t, limiter.Config{
		Buckets: map[string][]limiter.Limit{"spotify": {limiter.PerSecond(1000, 1000)}},
		Slack:   5 * time.Millisecond, // the smallest slack
	})
	for _, tc := range []struct {
		name     string
		limiter  *limiter.Limiter // that reserves; nil for no reservation
		route    string           // of the reservation
		trips    []string
		waits    []string
		arrivals int64
		unused   bool // the reservation is left over
	}{
		{name: "none", trips: []string{"/"}, waits: []string{"spotify"}, arrivals: 1},
		{name: "reserved", limiter: l, route: "spotify", trips: []string{"/"}, arrivals: 1},
		{name: "second call of the task", limiter: l, route: "spotify", trips: []string{"/", "/"}, waits: []string{"spotify"}, arrivals: 2},
		{name: "redirect", limiter: l, route: "spotify", trips: []string{"/old"}, waits: []string{"spotify"}, arrivals: 2},
		{name: "redirect without", trips: []string{"/old"}, waits: []string{"spotify", "spotify"}, arrivals: 2},
		{name: "another route", limiter: l, route: "lastfm", trips: []string{"/"}, waits: []string{"spotify"}, arrivals: 1, unused: true},
		{name: "late", limiter: late, route: "spotify", trips: []string{"/"}, waits: []string{"spotify"}, arrivals: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			base, url, arrivals := provider(t)
			waiter := &ledger{}
			client := &http.Client{Transport: transport.New(base, waiter, "spotify")}
			ctx, r := t.Context(), (*limiter.Reservation)(nil)
			if tc.limiter != nil {
				ctx, r = reserved(t, tc.limiter, tc.route)
			}
			if tc.limiter == late {
				<-time.After(6 * time.Millisecond) // in real time: the slack of the reservation is over
			}
			for _, path := range tc.trips {
				get(t, ctx, client, url+path)
			}
			if diff := cmp.Diff(tc.waits, waiter.waits); diff != "" {
				t.Errorf("waits (-want +got):\n%s", diff)
			}
			if n := arrivals.Load(); n != tc.arrivals {
				t.Errorf("%d arrivals, want %d", n, tc.arrivals)
			}
			if r != nil && r.Use(tc.route) != tc.unused {
				t.Errorf("the reservation can be used afterwards: %v, want %v", !tc.unused, tc.unused)
			}
		})
	}
}

// Two requests of one task at the same moment: one of them pays for itself.
func TestConcurrentTripsShareNoReservation(t *testing.T) {
	base, url, _ := provider(t)
	waiter := &ledger{}
	client := &http.Client{Transport: transport.New(base, waiter, "spotify")}
	const trips = 20
	ctx, _ := reserved(t, memory(t, limiter.Config{}), "spotify")
	var all sync.WaitGroup
	for range trips {
		all.Go(func() { get(t, ctx, client, url) })
	}
	all.Wait()
	if len(waiter.waits) != trips-1 {
		t.Errorf("%d of %d trips waited, want all but one", len(waiter.waits), trips)
	}
}

func TestLimiterIsAWaiter(t *testing.T) {
	base, url, arrivals := provider(t)
	l := memory(t, limiter.Config{})
	get(t, t.Context(), &http.Client{Transport: transport.New(base, l, "lastfm")}, url)
	if n := arrivals.Load(); n != 1 {
		t.Errorf("%d arrivals, want 1", n)
	}
	if calls := l.StoreCalls(); calls != 1 {
		t.Errorf("%d calls to the limiter, want 1", calls)
	}
}

// body notes that it was closed.
type body struct {
	io.Reader
	closed atomic.Bool
}

func (b *body) Close() error { b.closed.Store(true); return nil }

// tripFunc is a transport of one function.
type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestCancelledWait(t *testing.T) {
	for name, withBody := range map[string]bool{"with a body": true, "without": false} {
		t.Run(name, func(t *testing.T) { synctest.Test(t, func(t *testing.T) { cancelledWait(t, withBody) }) })
	}
}

// unpaid is a transport whose limiter gives one token an hour, which has just been taken. A request that is sent fails the test.
func unpaid(t *testing.T) http.RoundTripper {
	l := memory(t, limiter.Config{Buckets: map[string][]limiter.Limit{"spotify": {{Tokens: 1, Per: time.Hour, Burst: 1}}}})
	if ok, err := l.Allow(t.Context(), "spotify"); !ok || err != nil {
		t.Fatalf("Allow: %t, %v, want true", ok, err)
	}
	return transport.New(tripFunc(func(*http.Request) (*http.Response, error) {
		t.Error("a request was sent without a token")
		return nil, errors.New("sent")
	}), l, "spotify")
}

func cancelledWait(t *testing.T, withBody bool) {
	unsent := unpaid(t)
	errStopped := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", nil)
	req.Body = nil
	b := &body{Reader: strings.NewReader("question")}
	if withBody {
		req.Body = b
	}
	failed := make(chan error, 1)
	go func() {
		_, err := unsent.RoundTrip(req) //nolint:bodyclose // there is no answer
		failed <- err
	}()
	synctest.Wait() // it sleeps until its token comes, in an hour
	cancel(errStopped)
	if err := <-failed; !errors.Is(err, errStopped) || !strings.Contains(err.Error(), `"spotify"`) {
		t.Errorf("error %q, want the cause and the route", err)
	}
	if withBody && !b.closed.Load() {
		t.Error("the body of the request is left open")
	}
}

// refusing is a limiter that answers with the bare error of the context, as any may.
type refusing struct{}

func (refusing) Wait(ctx context.Context, _ string, _ ...limiter.Option) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestCauseBesideTheWaitersError(t *testing.T) {
	errStopped := errors.New("the client has gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil)
	_, err := transport.New(nil, refusing{}, "spotify").RoundTrip(req) //nolint:bodyclose // there is no answer
	if !errors.Is(err, errStopped) || !errors.Is(err, context.Canceled) {
		t.Errorf("error %q, want one that is both the cause and context.Canceled", err)
	}
}

func TestPassesThrough(t *testing.T) {
	errBroken := errors.New("connection reset")
	req := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	header := req.Header.Clone()
	trips := 0
	rt := transport.New(tripFunc(func(r *http.Request) (*http.Response, error) {
		trips++
		if again := r.WithContext(req.Context()); !reflect.DeepEqual(again, req) {
			t.Errorf("the request is another one: %+v", r)
		}
		return nil, errBroken
	}), &ledger{}, "spotify")
	if _, err := rt.RoundTrip(req); !errors.Is(err, errBroken) { //nolint:bodyclose // there is no answer
		t.Errorf("error %v, want the one of the base", err)
	}
	if trips != 1 {
		t.Errorf("%d trips for one request", trips)
	}
	if diff := cmp.Diff(header, req.Header); diff != "" {
		t.Errorf("the header was touched (-want +got):\n%s", diff)
	}
}

// idler counts calls of CloseIdleConnections.
type idler struct {
	tripFunc
	closed int
}

func (i *idler) CloseIdleConnections() { i.closed++ }

func TestCloseIdleConnections(t *testing.T) {
	base := &idler{}
	(&http.Client{Transport: transport.New(base, &ledger{}, "spotify")}).CloseIdleConnections()
	if base.closed != 1 {
		t.Errorf("CloseIdleConnections of the base was called %d times, want once", base.closed)
	}
}

// TestTimeoutOfAClientIncludesTheWait: a client gives up a request that waits longer than its timeout, and nothing is sent.
func TestTimeoutOfAClientIncludesTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := &http.Client{Transport: unpaid(t), Timeout: 10 * time.Second}
		began := time.Now()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://localhost:1", nil)
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.Do(req) //nolint:bodyclose // there is no answer
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
			t.Errorf("the client gave up after %v with %v", time.Since(began), err)
		}
	})
}
