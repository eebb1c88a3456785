package main

import (
	"cmp"
	"net/http"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/transport"
)

// tracedTransport returns a transport that sends through base and makes a span of each request. The name of the span is the template of the path,
// because the path and the query contain personal data: the music that a user listens to. Requests have no trace headers, so that providers learn
// nothing about the trace. A nil provider is the global one.
func tracedTransport(base http.RoundTripper, tracers trace.TracerProvider, meters metric.MeterProvider) http.RoundTripper {
	if tracers == nil {
		tracers = otel.GetTracerProvider()
	}
	if meters == nil {
		meters = otel.GetMeterProvider()
	}
	t := newTemplates()
	return otelhttp.NewTransport(templated{base, t},
		otelhttp.WithTracerProvider(tracers), otelhttp.WithMeterProvider(meters),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return cmp.Or(t.pattern(r), r.Method) }))
}

// templated adds the template of the path to the span and to the metrics of a request. It also adds to the span how many times the call was sent
// before.
type templated struct {
	http.RoundTripper
	templates
}

// RoundTrip is part of [http.RoundTripper].
func (t templated) RoundTrip(r *http.Request) (*http.Response, error) {
	if pattern := t.pattern(r); pattern != "" {
		template := semconv.URLTemplate(pattern[len(r.Method)+1:])
		trace.SpanFromContext(r.Context()).SetAttributes(template)
		if labels, ok := otelhttp.ClientLabelerFromContext(r.Context()); ok {
			labels.Add(template)
		}
	}
	if n := transport.ResendCount(r.Context()) + max(0, orchestrator.Attempt(r.Context())-1); n > 0 {
		trace.SpanFromContext(r.Context()).SetAttributes(semconv.HTTPRequestResendCount(n))
	}
	return t.RoundTripper.RoundTrip(r)
}

// templates are the patterns of the requests that the clients of the providers make. The multiplexer is used only to match them.
type templates struct{ *http.ServeMux }

func newTemplates() templates {
	t := templates{http.NewServeMux()}
	for _, pattern := range []string{
		"POST /v1/messages",
		"GET /v1/search", "GET /v1/playlists/{id}/items", "POST /v1/playlists/{id}/items", "GET /v1/audio-features/{id}", "GET /v1/me/playlists", "POST /v1/me/playlists",
		"POST /api/token", "POST /2.0/",
	} {
		t.HandleFunc(pattern, http.NotFound)
	}
	return t
}

// pattern returns the method and the template of the path of r, or "" if no template matches.
func (t templates) pattern(r *http.Request) string {
	_, pattern := t.Handler(r)
	return pattern
}

// tracedHandler returns a handler that makes a span of each request, except of probes. The name of the span is the pattern that the request
// matches. Method, path and host of a request are neither names nor labels, because clients choose them and could add series without end.
func tracedHandler(h http.Handler, tracers trace.TracerProvider, meters metric.MeterProvider) http.Handler {
	return otelhttp.NewHandler(h, "worker", otelhttp.WithFilter(isWork), otelhttp.WithServerName("worker:80"),
		otelhttp.WithTracerProvider(tracers), otelhttp.WithMeterProvider(meters),
		otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return cmp.Or(r.Pattern, "HTTP") }))
}

// isWork reports whether r is a request for work and not a probe.
func isWork(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }
