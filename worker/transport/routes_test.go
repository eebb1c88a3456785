package transport_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/transport"
)

// TestRoutesAreChosen: on which route a request pays. "" is for a request that is refused, and not sent.
func TestRoutesAreChosen(t *testing.T) {
	hosts := transport.Routes{Hosts: map[string]string{
		"API.Example.com": "spotify", "*.example.com": "lastfm", "*.eu.example.com": "anthropic", "localhost:8080": "lastfm", "127.0.0.1": "spotify", "[::1]": "anthropic",
	}}
	byPath := func(r *http.Request) string {
		switch {
		case strings.HasPrefix(r.URL.Path, "/v1/"):
			return "spotify"
		case r.Method == http.MethodPost:
			return "tenant"
		}
		return ""
	}
	withOther := hosts
	withOther.Other = "global"
	named := transport.Routes{Of: byPath, Names: []string{"spotify"}}
	all := transport.Routes{Of: byPath, Names: []string{"spotify"}, AtRunTime: true, Hosts: map[string]string{"api.example.com": "lastfm"}, Other: "global"}
	for _, tc := range []struct {
		name   string
		routes transport.Routes
		method string
		url    string
		route  string
	}{
		{"a host", hosts, "GET", "https://api.example.com/x", "spotify"},
		{"in other letters", hosts, "GET", "https://api.EXAMPLE.com/x", "spotify"},
		{"with the dot of the root", hosts, "GET", "https://api.example.com./x", "spotify"},
		{"with a port", hosts, "GET", "https://api.example.com:8443/x", "spotify"},
		{"a host below a domain", hosts, "GET", "https://www.example.com/x", "lastfm"},
		{"the nearest domain", hosts, "GET", "https://a.b.eu.example.com/x", "anthropic"},
		{"the domain itself", hosts, "GET", "https://example.com/x", ""},
		{"a domain that only ends alike", hosts, "GET", "https://evil-example.com/x", ""},
		{"a host within another", hosts, "GET", "https://api.example.com.evil.test/x", ""},
		{"a user that looks like a host", hosts, "GET", "https://api.example.com@evil.test/x", ""},
		{"one port", hosts, "GET", "http://localhost:8080/x", "lastfm"},
		{"another port", hosts, "GET", "http://localhost:8081/x", ""},
		{"an address", hosts, "GET", "http://127.0.0.1:4000/x", "spotify"},
		{"an address of version 6", hosts, "GET", "http://[::1]/x", "anthropic"},
		{"with a port, too", hosts, "GET", "http://[::1]:4000/x", "anthropic"},
		{"all others", withOther, "GET", "https://example.org/x", "global"},
		{"a function", named, "GET", "https://example.org/v1/x", "spotify"},
		{"a function that has none", named, "GET", "https://example.org/x", ""},
		{"a function that returns an unknown route", named, "POST", "https://example.org/x", ""},
		{"made at run time", all, "POST", "https://api.example.com/x", "tenant"},
		{"a function before a host", all, "GET", "https://api.example.com/v1/x", "spotify"},
		{"a host where the function has none", all, "GET", "https://api.example.com/x", "lastfm"},
		{"others where neither has one", all, "GET", "https://example.org/x", "global"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, sent := &ledger{}, 0
			rt, err := transport.Open(tripFunc(func(*http.Request) (*http.Response, error) {
				sent++
				return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody}, nil
			}), w, tc.routes)
			if err != nil {
				t.Fatal(err)
			}
			b := &body{Reader: strings.NewReader("question")}
			req := httptest.NewRequestWithContext(t.Context(), tc.method, tc.url, nil)
			req.Body = b
			res, err := rt.RoundTrip(req)
			if err == nil {
				_ = res.Body.Close()
			}
			got := strings.Join(w.waits, ",")
			t.Logf("%-42s %-4s %-42s %-10q %v", tc.name, tc.method, tc.url, got, err)
			if got != tc.route || (sent == 0) != (tc.route == "") || (tc.route == "") != errors.Is(err, transport.ErrNoRoute) {
				t.Errorf("route %q, %d requests, error %v, want route %q", got, sent, err, tc.route)
			}
			if sent == 0 && !b.closed.Load() {
				t.Error("the body of a request that was not sent is left open")
			}
		})
	}
}

// TestWrongRoutesAreRefused: New refuses wrong routes, before any request.
func TestWrongRoutesAreRefused(t *testing.T) {
	l := memory(t, limiter.Config{
		Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "input": {limiter.PerSecond(1000, 1000)}, "other": {limiter.PerSecond(1, 1)}},
		Routes:  map[string][]string{"spotify": {"global"}, "claude": {"input", "global"}},
	})
	closed := memory(t, limiter.Config{})
	if err := closed.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	of := func(*http.Request) string { return "spotify" }
	quotas := func(bucket string) []transport.Option {
		return []transport.Option{transport.Quotas(map[string]string{"input-tokens": bucket, "requests": ""})}
	}
	for _, tc := range []struct {
		name   string
		waiter transport.Waiter
		routes transport.Routes
		opts   []transport.Option
		want   string // in the error; "" for none
	}{
		{"known", l, transport.Routes{Other: "spotify"}, nil, ""},
		{"unknown", l, transport.Routes{Other: "spotfy"}, nil, `"spotfy"`},
		{"unknown, of a host", l, transport.Routes{Hosts: map[string]string{"api.spotify.com": "spotfy"}, Other: "spotify"}, nil, `"spotfy"`},
		{"unknown, of a function", l, transport.Routes{Of: of, Names: []string{"spotify", "spotfy"}}, nil, `"spotfy"`},
		{"of a function", l, transport.Routes{Of: of, Names: []string{"spotify"}}, nil, ""},
		{"made at run time", l, transport.Routes{Of: of, AtRunTime: true}, nil, ""},
		{"a function without names", l, transport.Routes{Of: of}, nil, "Names"},
		{"names without a function", l, transport.Routes{Names: []string{"spotify"}}, nil, "without Of"},
		{"none", l, transport.Routes{}, nil, "no route"},
		{"no host", l, transport.Routes{Hosts: map[string]string{"": "spotify"}}, nil, `host ""`},
		{"a URL for a host", l, transport.Routes{Hosts: map[string]string{"https://api.spotify.com": "spotify"}}, nil, "https://api.spotify.com"},
		{"a star in a host", l, transport.Routes{Hosts: map[string]string{"api.*.com": "spotify"}}, nil, "api.*.com"},
		{"a host without a route", l, transport.Routes{Hosts: map[string]string{"api.spotify.com": ""}, Other: "spotify"}, nil, "api.spotify.com"},
		{"a host with two routes", l, transport.Routes{Hosts: map[string]string{"a.test": "spotify", "A.test.": "claude"}}, nil, "two routes"},
		{"no waiter", nil, transport.Routes{Other: "spotify"}, nil, "Waiter"},
		{"a waiter that knows no routes", &ledger{}, transport.Routes{Other: "spotfy"}, nil, ""},
		{"a limiter that is closed", closed, transport.Routes{Other: "spotify"}, nil, ""},
		{"a quota's bucket", l, transport.Routes{Other: "claude"}, quotas("input"), ""},
		{"a quota's bucket, of one of two routes", l, transport.Routes{Other: "spotify", Hosts: map[string]string{"a.test": "claude"}}, quotas("input"), ""},
		{"a quota's bucket that no route passes", l, transport.Routes{Other: "spotify"}, quotas("other"), `"other"`},
		{"a quota's bucket that is unknown", l, transport.Routes{Other: "claude"}, quotas("inptu"), `"inptu"`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			rt, err := transport.Open(nil, tc.waiter, tc.routes, tc.opts...)
			t.Logf("%-42s %v", tc.name, err)
			if (err == nil) != (tc.want == "") || (err == nil) != (rt != nil) || err != nil && !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q", err, tc.want)
			}
			if tc.routes.Hosts != nil || tc.routes.Of != nil || tc.routes.Other == "" {
				return
			}
			panicked := func() (v any) {
				defer func() { v = recover() }()
				transport.New(nil, tc.waiter, tc.routes.Other, tc.opts...)
				return nil
			}()
			if (panicked == nil) != (tc.want == "") {
				t.Errorf("New panics with %v", panicked)
			}
		})
	}
}

// paying is a waiter that notes how each request pays.
type paying struct{ notes []string }

func (p *paying) Wait(_ context.Context, route string, opts ...limiter.Option) error {
	text := route
	for _, opt := range opts {
		text += " " + strings.TrimSpace(fmt.Sprintf("%T %v", opt, opt))
	}
	p.notes = append(p.notes, text)
	return nil
}

// TestHowRequestsPay: functions of the request and its context choose the class and the costs. The context has priority.
func TestHowRequestsPay(t *testing.T) {
	urgent := transport.Urgent(func(r *http.Request) bool { return r.Method == http.MethodDelete })
	costs := transport.Costs(func(r *http.Request) limiter.Costs {
		if r.ContentLength > 0 {
			return limiter.Costs{"input": r.ContentLength}
		}
		return nil
	})
	const urgentText = "limiter.urgent {}"
	for _, tc := range []struct {
		name    string
		opts    []transport.Option
		context []limiter.Option // nil for no context of NewContext
		method  string
		length  int64
		want    string
	}{
		{"plain", nil, nil, "GET", 0, "spotify"},
		{"not urgent", []transport.Option{urgent, costs}, nil, "GET", 0, "spotify"},
		{"urgent", []transport.Option{urgent, costs}, nil, "DELETE", 0, "spotify " + urgentText},
		{"with a cost", []transport.Option{urgent, costs}, nil, "POST", 1200, "spotify limiter.Costs input 1200"},
		{"both", []transport.Option{urgent, costs}, nil, "DELETE", 7, "spotify " + urgentText + " limiter.Costs input 7"},
		{"urgent by its context", nil, []limiter.Option{limiter.Urgent()}, "GET", 0, "spotify " + urgentText},
		{"a cost by its context", []transport.Option{costs}, []limiter.Option{limiter.Costs{"input": 3}}, "POST", 1200, "spotify limiter.Costs input 1200 limiter.Costs input 3"},
		{"a context without options", []transport.Option{costs}, []limiter.Option{}, "GET", 0, "spotify"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			w, ctx := &paying{}, t.Context()
			if tc.context != nil {
				ctx = transport.NewContext(ctx, tc.context...)
			}
			req := httptest.NewRequestWithContext(ctx, tc.method, "/", nil)
			req.ContentLength = tc.length
			res, err := transport.New(answering(200, nil), w, "spotify", tc.opts...).RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			t.Logf("%-28s %s", tc.name, strings.Join(w.notes, "; "))
			if diff := cmp.Diff([]string{tc.want}, w.notes); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestTheContextsCostCounts: if a request has two costs, it pays the cost in its context.
func TestTheContextsCostCounts(t *testing.T) {
	l := memory(t, limiter.Config{Buckets: map[string][]limiter.Limit{"input": {{Tokens: 1, Per: 3600e9, Burst: 100}}}})
	rt := transport.New(answering(200, nil), l, "input", transport.Costs(func(*http.Request) limiter.Costs { return limiter.Costs{"input": 50} }))
	send(t, transport.NewContext(t.Context(), limiter.Costs{"input": 20}), rt, 200)
	if d, err := l.Decide(t.Context(), "input", 1); d.Remaining != 79 || err != nil {
		t.Errorf("%d of 100 tokens are left after a request of 20 and this one, %v", d.Remaining, err)
	}
}
