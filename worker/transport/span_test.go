package transport_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-go/weir/worker/transport"
)

// traced returns an option that makes spans, and a function that returns them as lines: name, then attributes by name, then the status.
func traced(template func(*http.Request) string) (transport.Option, func() []string) {
	exported := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
	return transport.Spans(tracers, template), func() (lines []string) {
		for _, s := range exported.GetSpans() {
			var attributes []string
			for _, a := range s.Attributes {
				attributes = append(attributes, string(a.Key)+"="+a.Value.String())
			}
			slices.Sort(attributes)
			line := fmt.Sprintf("%v %s: %s", s.SpanKind, s.Name, strings.Join(attributes, " "))
			if s.Status.Code != codes.Unset {
				line += " " + s.Status.Code.String() + s.Status.Description
			}
			lines = append(lines, line)
		}
		return lines
	}
}

// TestSpansAreNamedByTemplates: a span has one of few names, whatever the path of its request, and nothing that identifies a person.
func TestSpansAreNamedByTemplates(t *testing.T) {
	template := transport.Templates("GET /v1/tracks/{id}", "POST other.example/v1/messages", "GET /v1/search", "/files/{path...}")
	const common = "http.response.status_code=200 server.address=api.example server.port=443 "
	for _, tc := range []struct{ name, method, url, want string }{
		{"a path", "GET", "https://api.example/v1/tracks/hunter2", "client GET /v1/tracks/{id}: http.request.method=GET " + common + "url.template=/v1/tracks/{id} weir.route=spotify"},
		{"a query", "GET", "https://api.example/v1/search?q=hunter2#hunter2", "client GET /v1/search: http.request.method=GET " + common + "url.template=/v1/search weir.route=spotify"},
		{"an unknown path", "GET", "https://api.example/hunter2", "client GET: http.request.method=GET " + common + "weir.route=spotify"},
		{"an unknown method of a known path", "POST", "https://api.example/v1/tracks/hunter2", "client POST: http.request.method=POST " + common + "weir.route=spotify"},
		{"a path that is not clean", "GET", "https://api.example/v1/../hunter2//x", "client GET: http.request.method=GET " + common + "weir.route=spotify"},
		{"the rest of a path", "PUT", "https://api.example/files/hunter2/hunter2", "client PUT /files/{path...}: http.request.method=PUT " + common + "url.template=/files/{path...} weir.route=spotify"},
		{"a method of its own", "HUNTER2", "https://api.example/hunter2", "client HTTP: http.request.method=_OTHER " + common + "weir.route=spotify"},
		{"a user and a port", "GET", "http://hunter2:hunter2@api.example:8080/v1/search", "client GET /v1/search: http.request.method=GET http.response.status_code=200 server.address=api.example server.port=8080 url.template=/v1/search weir.route=spotify"},
		{"a pattern of one host", "POST", "https://other.example/v1/messages", "client POST /v1/messages: http.request.method=POST http.response.status_code=200 server.address=other.example server.port=443 url.template=/v1/messages weir.route=spotify"},
		{"of another host", "POST", "https://api.example/v1/messages", "client POST: http.request.method=POST " + common + "weir.route=spotify"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			spans, lines := traced(template)
			var headers http.Header
			rt := transport.New(tripFunc(func(r *http.Request) (*http.Response, error) {
				headers = r.Header
				return answering(200, nil)(r)
			}), &ledger{}, "spotify", spans)
			res, err := rt.RoundTrip(httptest.NewRequestWithContext(t.Context(), tc.method, tc.url, nil))
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			got := lines()
			t.Logf("%-36s %s", tc.name, strings.Join(got, "\n"))
			if diff := cmp.Diff([]string{tc.want}, got); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
			if len(headers) != 0 {
				t.Errorf("the provider receives %v", headers)
			}
		})
	}
}

// refusedByName is an error whose text names a person.
type refusedByName struct{}

func (*refusedByName) Error() string { return "dial tcp: lookup hunter2.example" }

// TestSpansSayHowTheyEnd: status, class of error, and how often the call was sent before.
func TestSpansSayHowTheyEnd(t *testing.T) {
	template := transport.Templates("GET /{$}", "GET /old", "GET /new", "GET /broken-second", "GET /fails-first", "GET /missing", "GET /slow")
	for _, tc := range []struct {
		name string
		play func(w *world, spans transport.Option) error
		want []string
	}{
		{"an answer", func(w *world, s transport.Option) error {
			return request(w.t.Context(), w.client(s), http.MethodGet, w.url+"/", nil)
		}, []string{"GET /: 200"}},
		{"a refusal", func(w *world, s transport.Option) error {
			return request(w.t.Context(), w.client(s), http.MethodGet, w.url+"/missing", nil)
		}, []string{"GET /missing: 404, 404, Error"}},
		{"a redirect", func(w *world, s transport.Option) error {
			return request(w.t.Context(), w.client(s), http.MethodGet, w.url+"/old", nil)
		}, []string{"GET /old: 307", "GET /new: 200, resend 1"}},
		{"a retry of one call", func(w *world, s transport.Option) error {
			ctx := transport.NewContext(w.t.Context())
			return request(ctx, &http.Client{Transport: retrying{w.client(s).Transport}}, http.MethodGet, w.url+"/fails-first", nil)
		}, []string{"GET /fails-first: 502, 502, Error", "GET /fails-first: 200, resend 1"}},
		{"sent again by net/http", func(w *world, s transport.Option) error {
			return request(w.t.Context(), w.client(s), http.MethodGet, w.open(), nil)
		}, []string{"GET /broken-second: 200, resend 1"}},
		{"a second attempt, sent again by net/http", func(w *world, s transport.Option) error {
			second := transport.Attempts(func(context.Context) int { return 2 })
			return request(w.t.Context(), w.client(s, second), http.MethodGet, w.open(), nil)
		}, []string{"GET /broken-second: 200, resend 2"}},
		{"cancelled", func(w *world, s transport.Option) error {
			ctx, cancel := context.WithCancel(w.t.Context())
			go func() {
				<-w.arrived
				cancel()
			}()
			return request(ctx, w.client(s), http.MethodGet, w.url+"/slow", nil)
		}, []string{"GET /slow: context canceled, Error"}},
		{"an error that says too much", func(w *world, s transport.Option) error {
			base := tripFunc(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("send: %w", &refusedByName{}) })
			return request(w.t.Context(), &http.Client{Transport: transport.New(base, w.limiter, "spotify", s)}, http.MethodGet, w.url, nil)
		}, []string{"GET /: *transport_test.refusedByName, Error"}},
		{"a connection that ends", func(w *world, s transport.Option) error {
			base := tripFunc(func(*http.Request) (*http.Response, error) { return nil, io.ErrUnexpectedEOF })
			return request(w.t.Context(), &http.Client{Transport: transport.New(base, w.limiter, "spotify", s)}, http.MethodGet, w.url, nil)
		}, []string{"GET /: *errors.errorString, Error"}},
		{"nothing was sent", func(w *world, s transport.Option) error {
			w.take()
			ctx, cancel := context.WithCancel(w.t.Context())
			cancel()
			return request(ctx, w.client(s), http.MethodGet, w.url, nil)
		}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			exported := tracetest.NewInMemoryExporter()
			tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
			err := tc.play(newWorld(t), transport.Spans(tracers, template))
			var got []string
			for _, s := range exported.GetSpans() {
				got = append(got, ended(s))
			}
			t.Logf("%-42s %q, error: %v", tc.name, got, err != nil)
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("spans (-want +got):\n%s", diff)
			}
		})
	}
}

// ended is a span in short: name, status, class of error, how often it was sent before.
func ended(s tracetest.SpanStub) string {
	by := map[string]string{}
	for _, a := range s.Attributes {
		by[string(a.Key)] = a.Value.String()
	}
	var attributes []string
	for _, key := range []string{"http.response.status_code", "error.type"} {
		if by[key] != "" {
			attributes = append(attributes, by[key])
		}
	}
	if n := by["http.request.resend_count"]; n != "" {
		attributes = append(attributes, "resend "+n)
	}
	if s.Status.Code != codes.Unset {
		attributes = append(attributes, s.Status.Code.String()+s.Status.Description)
	}
	return s.Name + ": " + strings.Join(attributes, ", ")
}

// TestSpanIsTheParentOfWhatIsBelow: spans of the base are children of the round trip's span.
func TestSpanIsTheParentOfWhatIsBelow(t *testing.T) {
	exported := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exported))
	base := tripFunc(func(r *http.Request) (*http.Response, error) {
		_, span := tracers.Tracer("test").Start(r.Context(), "below")
		span.End()
		return nil, errors.New("not sent")
	})
	_ = request(t.Context(), &http.Client{Transport: transport.New(base, &ledger{}, "spotify", transport.Spans(tracers, nil))}, http.MethodGet, "http://api.example/", nil)
	spans := exported.GetSpans()
	if len(spans) != 2 || spans[0].Parent.SpanID() != spans[1].SpanContext.SpanID() || spans[1].Name != "GET" {
		t.Errorf("the spans are %+v, want two, the first a child of the second", spans)
	}
}
