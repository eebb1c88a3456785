package transport_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// listener is a waiter that never waits. It notes the reports and the costs of requests.
type listener struct {
	ledger

	mu      sync.Mutex
	reports []limiter.Report
	costs   []limiter.Option
	takes   time.Duration // of one report, unless its context ends before
	ended   error         // of the context of the last report
}

func (l *listener) Wait(ctx context.Context, route string, opts ...limiter.Option) error {
	l.mu.Lock()
	l.costs = append(l.costs, opts...)
	l.mu.Unlock()
	return l.ledger.Wait(ctx, route)
}

func (l *listener) Report(ctx context.Context, route string, r limiter.Report) error {
	l.mu.Lock()
	l.reports = append(l.reports, r)
	l.mu.Unlock()
	if route != "spotify" {
		return errors.New("a report of route " + route)
	}
	if l.takes > 0 {
		select {
		case <-time.After(l.takes):
		case <-ctx.Done():
		}
		l.mu.Lock()
		l.ended = ctx.Err()
		l.mu.Unlock()
	}
	return errors.New("not reported")
}

// answering is a provider that always gives one answer.
func answering(status int, header map[string]string) tripFunc {
	return func(*http.Request) (*http.Response, error) {
		res := &http.Response{StatusCode: status, Header: http.Header{}, Body: http.NoBody}
		for name, value := range header {
			res.Header.Set(name, value)
		}
		return res, nil
	}
}

// send makes a round trip. Its answer must be the provider's.
func send(t *testing.T, ctx context.Context, rt http.RoundTripper, status int) {
	t.Helper()
	res, err := rt.RoundTrip(httptest.NewRequestWithContext(ctx, http.MethodGet, "/", nil))
	if err != nil || res.StatusCode != status {
		t.Errorf("answer %v, %v, want status %d", res, err, status)
		return
	}
	_ = res.Body.Close()
}

func TestAnswersAreReported(t *testing.T) {
	anthropic := map[string]string{
		"Anthropic-Ratelimit-Requests-Limit": "50", "Anthropic-Ratelimit-Requests-Remaining": "49",
		"Anthropic-Ratelimit-Input-Tokens-Limit": "40000", "Anthropic-Ratelimit-Input-Tokens-Remaining": "39000",
	}
	for name, tc := range map[string]struct {
		status int
		header map[string]string
		opts   []transport.Option
		want   []limiter.Report
	}{
		"nothing":                   {status: 200},
		"an error of the provider":  {status: 500},
		"refused":                   {status: 429, want: []limiter.Report{limiter.Throttled{}}},
		"refused for 7 s":           {status: 429, header: map[string]string{"Retry-After": "7"}, want: []limiter.Report{limiter.Throttled{RetryAfter: 7 * time.Second}}},
		"refused for a day":         {status: 429, header: map[string]string{"Retry-After": "86400"}, want: []limiter.Report{limiter.Throttled{RetryAfter: 24 * time.Hour}}},
		"overloaded":                {status: 529, want: []limiter.Report{limiter.Overloaded{}}},
		"a wait without a refusal":  {status: 200, header: map[string]string{"Retry-After": "7"}},
		"unavailable":               {status: 503, header: map[string]string{"Retry-After": "7"}, want: []limiter.Report{limiter.Overloaded{RetryAfter: 7 * time.Second}}},
		"a quota without a name":    {status: 200, header: map[string]string{"X-Ratelimit-Limit": "10", "X-Ratelimit-Remaining": "3"}, want: []limiter.Report{limiter.Remaining{Limit: 10, Left: 3}}},
		"a quota of a minute":       {status: 200, header: map[string]string{"RateLimit-Policy": `"total";q=10;w=60`, "RateLimit": `"total";r=3;t=5`}, want: []limiter.Report{limiter.Remaining{Limit: 10, Left: 3, Per: time.Minute}}},
		"a quota of something else": {status: 200, header: map[string]string{"RateLimit-Policy": `"total";q=10;w=60;qu="content-bytes"`, "RateLimit": `"total";r=3;t=5`}},
		"a quota of tokens alone":   {status: 200, header: map[string]string{"X-Ratelimit-Limit-Tokens": "10", "X-Ratelimit-Remaining-Tokens": "3"}},
		"half a quota":              {status: 200, header: map[string]string{"X-Ratelimit-Limit": "10"}},
		"a quota of none":           {status: 200, header: map[string]string{"X-Ratelimit-Limit": "0", "X-Ratelimit-Remaining": "0"}},
		"a quota that is spent": {
			status: 429, header: map[string]string{"X-Ratelimit-Limit": "10", "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "5"},
			want: []limiter.Report{limiter.Remaining{Limit: 10}, limiter.Throttled{RetryAfter: 5 * time.Second}},
		},
		"several quotas": {status: 200, header: anthropic, want: []limiter.Report{limiter.Remaining{Limit: 50, Left: 49}}},
		"quotas of two buckets": {
			status: 200, header: anthropic, opts: []transport.Option{transport.Quotas(map[string]string{"input-tokens": "input", "requests": ""})},
			want: []limiter.Report{limiter.Remaining{Bucket: "input", Limit: 40000, Left: 39000}, limiter.Remaining{Limit: 50, Left: 49}},
		},
		"quotas without a bucket": {status: 200, header: anthropic, opts: []transport.Option{transport.Quotas(map[string]string{"output-tokens": "output"})}},
	} {
		t.Run(name, func(t *testing.T) {
			w := &listener{}
			send(t, t.Context(), transport.New(answering(tc.status, tc.header), w, "spotify", tc.opts...), tc.status)
			if diff := cmp.Diff(tc.want, w.reports); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
		})
	}
}

// TestWaiterWithoutReports: a waiter need not take reports.
func TestWaiterWithoutReports(t *testing.T) {
	send(t, t.Context(), transport.New(answering(429, map[string]string{"Retry-After": "86400"}), &ledger{}, "spotify"), 429)
}

// TestReservationReportsItsCall: the reservation that paid for the request reports the answer, once. It is reported by route where the
// reservation did not pay.
func TestReservationReportsItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, w := memory(t, limiter.Config{}), &listener{}
		rt := transport.New(answering(429, map[string]string{"Retry-After": "7"}), w, "spotify")
		ctx, _ := reserved(t, l, "spotify")
		send(t, ctx, rt, 429)
		if d, err := l.Decide(ctx, "spotify", 1); d.OK || d.RetryAfter.Round(time.Second) != 7*time.Second || err != nil {
			t.Errorf("Decide after the report: %+v, %v, want a wait of 7 s", d, err)
		}
		if len(w.reports) != 0 {
			t.Errorf("reported by route too: %v", w.reports)
		}
		send(t, ctx, rt, 429)
		if len(w.reports) != 1 {
			t.Errorf("%d reports of a request that paid for itself, want 1", len(w.reports))
		}
	})
}

// TestLimiterTakesReports: a limiter is a waiter that takes reports.
func TestLimiterTakesReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := memory(t, limiter.Config{})
		for _, after := range []string{"7", "86400"} {
			send(t, t.Context(), transport.New(answering(429, map[string]string{"Retry-After": after}), l, "spotify"), 429)
			d, err := l.Decide(t.Context(), "spotify", 1)
			if got := d.RetryAfter.Round(time.Second); d.OK || err != nil || got.String() != (map[string]string{"7": "7s", "86400": "24h0m1s"})[after] {
				t.Errorf("Decide after a report of %s s: %+v, %v", after, d, err)
			}
			time.Sleep(8 * time.Second)
		}
	})
}

// TestReportOfALongHoldDelaysNobody: a report that waits for Redis delays the answer by a second at most.
func TestReportOfALongHoldDelaysNobody(t *testing.T) {
	for name, tc := range map[string]struct {
		report, delay time.Duration
		hangUp        time.Duration // when the request ends; 0 for never
		ended         error
	}{
		"quick":               {report: 100 * time.Millisecond, delay: 100 * time.Millisecond},
		"slow":                {report: 5 * time.Second, delay: time.Second},
		"endless":             {report: time.Hour, delay: time.Second, ended: context.DeadlineExceeded},
		"nobody waits for it": {report: 5 * time.Second, delay: 300 * time.Millisecond, hangUp: 300 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := &listener{takes: tc.report}
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if tc.hangUp > 0 {
					time.AfterFunc(tc.hangUp, cancel)
				}
				began := time.Now()
				send(t, ctx, transport.New(answering(429, map[string]string{"Retry-After": "86400"}), w, "spotify"), 429)
				if d := time.Since(began); d != tc.delay {
					t.Errorf("the answer comes after %v, want %v", d, tc.delay)
				}
				time.Sleep(time.Minute)
				synctest.Wait()
				if len(w.reports) != 1 || !errors.Is(w.ended, tc.ended) {
					t.Errorf("%d reports, the last ended with %v, want %v", len(w.reports), w.ended, tc.ended)
				}
			})
		})
	}
}

// TestRequestsPayTheirCosts: a request without a reservation pays what it costs, one with a reservation what was reserved.
func TestRequestsPayTheirCosts(t *testing.T) {
	w := &listener{}
	rt := transport.New(answering(200, nil), w, "spotify", transport.Costs(func(r *http.Request) limiter.Costs {
		if r.Method == http.MethodGet {
			return nil
		}
		return limiter.Costs{"input": 1200}
	}))
	ctx, _ := reserved(t, memory(t, limiter.Config{}), "spotify")
	trip := func(ctx context.Context, method string) {
		res, err := rt.RoundTrip(httptest.NewRequestWithContext(ctx, method, "/", nil))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
	}
	trip(ctx, http.MethodPost)
	trip(t.Context(), http.MethodPost)
	trip(t.Context(), http.MethodGet)
	if diff := cmp.Diff([]limiter.Option{limiter.Costs{"input": 1200}}, w.costs); diff != "" || len(w.waits) != 2 {
		t.Errorf("%d waits, costs (-want +got):\n%s", len(w.waits), diff)
	}
}
