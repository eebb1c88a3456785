package upstreamtest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/sse"
	"github.com/weir-go/weir/worker/upstream"
	"github.com/weir-go/weir/worker/upstream/upstreamtest"
)

// recorded is a testing.TB that records the failures it gets.
type recorded struct {
	testing.TB

	errors, fatal []string
}

func (r *recorded) Errorf(format string, args ...any) {
	r.errors = append(r.errors, fmt.Sprintf(format, args...))
}

func (r *recorded) Fatalf(format string, args ...any) {
	r.fatal = append(r.fatal, fmt.Sprintf(format, args...))
}

// get sends a request and returns the status, the header and the body of the answer. The path may be a whole URL.
func get(tb testing.TB, client *http.Client, path string) (status int, h http.Header, body string) {
	tb.Helper()
	if strings.HasPrefix(path, "/") {
		path = "http://api.test" + path
	}
	req, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, path, http.NoBody)
	if err != nil {
		tb.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		tb.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return res.StatusCode, res.Header, string(text)
}

// TestLoopback: over real sockets, a client that waits for its limiter is within the limit, and one call more is not.
func TestLoopback(t *testing.T) {
	t.Run("to the token", func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.SingleBucket("api", limiter.PerSecond(100, 10)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(context.Background()) }()
		api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 100, Burst: 10}})
		for range 60 { // far more than burst and slack, which are 15
			if err := l.Wait(t.Context(), "api"); err != nil {
				t.Fatal(err)
			}
			// One after the other, so that the noise of one call delays the next, and costs one token at most.
			get(t, http.DefaultClient, api.URL()+"/items")
		}
		if !api.Obeyed() {
			t.Error("Obeyed is false for a client that keeps the limit; it has reported why")
		}
	})
	t.Run("one too many", func(t *testing.T) {
		test := &recorded{TB: t}
		api := upstreamtest.New(test, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 0.001, Burst: 10}})
		for range 10 {
			get(t, http.DefaultClient, api.URL())
		}
		if !api.Obeyed() {
			t.Errorf("Obeyed is false after 10 calls: %v", test.errors)
		}
		status, h, _ := get(t, http.DefaultClient, api.URL())
		if status != http.StatusTooManyRequests || h.Get("Retry-After") == "" || api.Obeyed() {
			t.Errorf("the 11th call was answered %d, Retry-After %q, want 429 and Obeyed false", status, h.Get("Retry-After"))
		}
	})
}

// TestDefaultSlack: slack 0 is strict in memory, and means 50 ms over loopback.
func TestDefaultSlack(t *testing.T) {
	cfg := upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 20, Burst: 1}} // 50 ms are one call
	synctest.Test(t, func(t *testing.T) {
		api := upstreamtest.New(t, cfg)
		get(t, api.Client(), "/")
		if status, _, _ := get(t, api.Client(), "/"); status != http.StatusTooManyRequests {
			t.Errorf("in memory the second call at once is answered %d, want 429", status)
		}
	})
	cfg.Limit.Rate, cfg.Limit.Window = 0.001, upstreamtest.Window{N: 1, Per: 50 * time.Millisecond}
	test := &recorded{TB: t}
	upstreamtest.New(test, cfg).URL()
	if want := []string{"upstreamtest: total window length is 50ms: give one longer than the slack (50ms) and at most 744h0m0s"}; !cmp.Equal(test.fatal, want) {
		t.Errorf("a window as short as the noise of loopback: %q, want %q", test.fatal, want)
	}
}

// TestVirtualTime: 50 calls at 10 a second take four seconds of a bubble's clock.
func TestVirtualTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewMemory(limiter.SingleBucket("api", limiter.PerSecond(10, 10)))
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(context.Background()) }()
		api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 10, Burst: 10}})
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if err := l.Wait(t.Context(), "api"); err != nil {
					t.Error(err)
				}
				get(t, api.Client(), "https://api.example.com/items?page=2") // the address that a client has in its code
			})
		}
		wg.Wait()
		calls := api.Calls()
		if !api.Obeyed() || len(calls) != 50 {
			t.Fatalf("%d calls, want 50 within the limit", len(calls))
		}
		calls[49].At = calls[49].At.Round(time.Millisecond) // the limiter counts in microseconds
		want := upstreamtest.Call{At: 4 * time.Second, Method: http.MethodGet, Path: "/items", Status: http.StatusOK}
		if diff := cmp.Diff(want, calls[49]); diff != "" {
			t.Errorf("the last call (-want +got):\n%s", diff)
		}
	})
}

// TestHandler: the handler behind an API answers, in streams too, and calls above the limit do not reach it.
func TestHandler(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reached := 0
		api := upstreamtest.New(t, upstreamtest.Config{
			Limit: upstreamtest.Limit{Rate: 0.001, Burst: 1},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				reached++
				events, err := sse.NewWriter(w)
				if err != nil {
					t.Error(err)
					return
				}
				n := 0
				_ = events.Serve(r.Context(), func(context.Context) (sse.Frame, error) {
					if n++; n > 3 {
						return sse.Frame{}, io.EOF
					}
					time.Sleep(time.Second)
					return sse.Event{Data: []byte(r.URL.Path)}.Frame()
				})
			}),
		})
		start := time.Now()
		res, err := api.Client().Get("http://api.test/stream") //nolint:noctx // the bubble bounds it
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		n := 0
		for ev, err := range sse.Read(res.Body) {
			if n++; err != nil || string(ev.Data) != "/stream" || time.Since(start) != time.Duration(n)*time.Second {
				t.Errorf("event %d came after %v with %q, error %v, want one event a second", n, time.Since(start), ev.Data, err)
			}
		}
		if status, _, _ := get(t, api.Client(), "/"); n != 3 || status != http.StatusTooManyRequests || reached != 1 {
			t.Errorf("%d events; the last call was answered %d; %d calls reached the handler; want 3, 429 and 1", n, status, reached)
		}
	})
}

func TestHeaders(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		api := upstreamtest.New(t, upstreamtest.Config{
			Limit:   upstreamtest.Limit{Rate: 0.5, Burst: 2},
			Headers: []upstreamtest.Dialect{upstream.HeadersXSeconds, upstream.RetryMS},
		})
		api.Script(upstreamtest.Step{}, upstreamtest.Step{Status: 429, RetryAfter: 1500 * time.Millisecond})
		for i, want := range []map[string]string{
			{"X-Ratelimit-Limit": "2", "X-Ratelimit-Remaining": "1", "X-Ratelimit-Reset": "2", "Retry-After-Ms": ""},
			{"X-Ratelimit-Limit": "2", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "4", "Retry-After-Ms": "1500", "Retry-After": "2"},
			{"X-Ratelimit-Remaining": "0", "Retry-After-Ms": "2000", "Retry-After": "2"},
		} {
			_, h, _ := get(t, api.Client(), "/")
			for name, value := range want {
				if h.Get(name) != value {
					t.Errorf("answer %d: %s is %q, want %q", i+1, name, h.Get(name), value)
				}
			}
		}
	})
}

// TestConcurrentUse is for the race detector, and for the order of the calls.
func TestConcurrentUse(t *testing.T) {
	api := upstreamtest.New(t, upstreamtest.Config{Limit: upstreamtest.Limit{Rate: 1000, Burst: 1000}})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				get(t, api.Client(), "/memory")
				get(t, http.DefaultClient, api.URL()+"/loopback")
				api.Script(upstreamtest.Step{Calls: 2, Status: 503})
				_, _ = api.Err(), api.Calls()
			}
		})
	}
	wg.Wait()
	calls := api.Calls()
	for i, c := range calls {
		if i > 0 && c.At < calls[i-1].At {
			t.Errorf("call %d at %v comes after one at %v", i, c.At, calls[i-1].At)
		}
	}
	if len(calls) != 320 || !api.Obeyed() {
		t.Errorf("%d calls, want 320 within the limit", len(calls))
	}
}

func TestConfigIsChecked(t *testing.T) {
	good := upstreamtest.Limit{Rate: 1, Burst: 1}
	for want, cfg := range map[string]upstreamtest.Config{
		"upstreamtest: total rate is 0: give one from 0.001 to 1000000 a second in steps of 0.001": {},
		"upstreamtest: total burst is 0: give one from 1 to 1000000":                               {Limit: upstreamtest.Limit{Rate: 1}},
		"upstreamtest: slack is -1ns: give one from 0 (strict) to 5s":                              {Limit: good, Slack: -1},
		"upstreamtest: headers dialects [retry-imf retry-seconds] write the same field: give one of them": {
			Limit: good, Headers: []upstreamtest.Dialect{upstream.RetryIMF, upstream.RetrySeconds},
		},
	} {
		test := &recorded{TB: t}
		upstreamtest.New(test, cfg)
		if !cmp.Equal(test.fatal, []string{want}) {
			t.Errorf("%+v: %q, want %q", cfg, test.fatal, want)
		}
	}
}
