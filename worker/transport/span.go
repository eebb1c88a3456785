package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/internal/version"
)

const (
	scope     = "github.com/weir-go/weir/worker/transport"
	attrRoute = attribute.Key("weir.route")
)

// Spans makes a client span of each round trip. The span begins when the request has its token and ends with the
// headers of the answer. Its name is the method and the template of the request's path, such as "GET /v1/tracks/{id}".
// It has these attributes and no others: http.request.method, url.template, server.address, server.port, weir.route,
// http.response.status_code, error.type, and http.request.resend_count if above 0. The span contains neither path nor
// query, because they can identify a person. The provider receives nothing of the trace. The wait for the token is a
// span of the limiter.
//
// template returns the template of a request's path, "" for an unknown path: see [Templates]. With a nil template all
// paths are unknown. A nil provider is the global provider.
func Spans(tracers trace.TracerProvider, template func(*http.Request) string) Option {
	return func(p *payer) {
		if tracers == nil {
			tracers = otel.GetTracerProvider()
		}
		p.spans = &spans{tracer: tracers.Tracer(scope, trace.WithInstrumentationVersion(version.Module())), template: template}
	}
}

// Templates returns a function for [Spans] that knows the paths of some patterns. The patterns have the form of
// [http.ServeMux], such as "GET /v1/tracks/{id}" or "POST api.example.com/v1/messages". Templates panics on a pattern
// on which ServeMux panics.
func Templates(patterns ...string) func(*http.Request) string {
	mux := http.NewServeMux() // it serves nothing
	for _, pattern := range patterns {
		mux.HandleFunc(pattern, http.NotFound)
	}
	return func(r *http.Request) string {
		_, pattern := mux.Handler(r)
		if path := strings.IndexByte(pattern, '/'); path >= 0 {
			return strings.TrimSuffix(pattern[path:], "{$}")
		}
		return ""
	}
}

type spans struct { // fixed
	tracer   trace.Tracer
	template func(*http.Request) string
}

// span is the span of a round trip; the zero span records nothing.
type span struct {
	trace.Span

	before int
}

// begin begins the span of a round trip and returns the context of its request.
func (s *spans) begin(t *trip) context.Context {
	if s == nil {
		return t.Context
	}
	method, template := methodOf(t.origin), ""
	name := method
	if s.template != nil {
		template = s.template(t.origin)
	}
	attributes := append(make([]attribute.KeyValue, 0, 8), semconv.HTTPRequestMethodKey.String(method), attrRoute.String(t.route))
	if method == otherMethod {
		name = "HTTP"
	}
	if template != "" {
		name += " " + template
		attributes = append(attributes, semconv.URLTemplate(template))
	}
	if u := t.origin.URL; u != nil {
		attributes = append(attributes, semconv.ServerAddress(u.Hostname()))
		if port := portOf(u.Scheme, u.Port()); port > 0 {
			attributes = append(attributes, semconv.ServerPort(port))
		}
	}
	if t.before > 0 {
		attributes = append(attributes, semconv.HTTPRequestResendCount(t.before))
	}
	ctx, made := s.tracer.Start(t.Context, name, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	t.span = span{made, t.before}
	return ctx
}

// end ends the span of a round trip. again is how often the base sent the request again.
func (s span) end(again int, res *http.Response, err error) {
	if s.Span == nil {
		return
	}
	if again > 0 {
		s.SetAttributes(semconv.HTTPRequestResendCount(s.before + again))
	}
	switch {
	case err != nil:
		s.SetAttributes(semconv.ErrorTypeKey.String(errorType(err)))
		s.SetStatus(codes.Error, "")
	case res != nil:
		s.SetAttributes(semconv.HTTPResponseStatusCode(res.StatusCode))
		if res.StatusCode >= http.StatusBadRequest {
			s.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(res.StatusCode)))
			s.SetStatus(codes.Error, "")
		}
	}
	s.End()
}

const otherMethod = "_OTHER"

// methodOf returns one of a few methods, because callers may choose any method.
func methodOf(r *http.Request) string {
	known := []string{"CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE"}
	switch {
	case r.Method == "":
		return http.MethodGet
	case slices.Contains(known, r.Method):
		return r.Method
	}
	return otherMethod
}

func portOf(scheme, port string) int {
	if n, err := strconv.Atoi(port); err == nil {
		return n
	}
	return map[string]int{"http": 80, "https": 443}[scheme]
}

// errorType returns the class of an error and not its text, because texts contain addresses.
func errorType(err error) string {
	for _, known := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	for { // the type of fmt's wrapping is of no use
		kind, next := fmt.Sprintf("%T", err), errors.Unwrap(err)
		if next == nil || !strings.HasPrefix(kind, "*fmt.") {
			return kind
		}
		err = next
	}
}
