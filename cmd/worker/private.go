package main

import (
	"context"
	"slices"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// private exports spans with only the attributes that isPublic allows, because they cannot contain personal data. Instrumentations write whole
// URLs, addresses of clients and user agents, and their next versions may write more. So isPublic lists the attributes that leave the process, and
// not the attributes that have to stay in it.
type private struct{ sdktrace.SpanExporter }

// ExportSpans is part of [sdktrace.SpanExporter].
func (p private) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	shown := make([]sdktrace.ReadOnlySpan, len(spans))
	for i, s := range spans {
		shown[i] = publicSpan{s}
	}
	return p.SpanExporter.ExportSpans(ctx, shown)
}

// publicSpan is the part of a span that leaves the process.
type publicSpan struct{ sdktrace.ReadOnlySpan }

// Attributes is part of [sdktrace.ReadOnlySpan].
func (s publicSpan) Attributes() []attribute.KeyValue { return public(s.ReadOnlySpan.Attributes()) }

// Events is part of [sdktrace.ReadOnlySpan].
func (s publicSpan) Events() []sdktrace.Event {
	events := slices.Clone(s.ReadOnlySpan.Events())
	for i := range events {
		events[i].Attributes = public(events[i].Attributes)
	}
	return events
}

func public(all []attribute.KeyValue) []attribute.KeyValue {
	kept := make([]attribute.KeyValue, 0, len(all))
	for _, a := range all {
		if isPublic(string(a.Key)) {
			kept = append(kept, a)
		}
	}
	return kept
}

// isPublic reports whether an attribute contains only numbers, names of the configuration, or words of a protocol.
func isPublic(key string) bool {
	switch key {
	case "error.type", "exception.type",
		"http.request.method", "http.request.body.size", "http.request.resend_count", "http.response.status_code", "http.response.body.size", "http.route",
		"network.protocol.version", "server.address", "server.port", "url.scheme", "url.template",
		"gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.max_tokens", "gen_ai.request.model",
		"gen_ai.response.finish_reasons", "gen_ai.response.model":
		return true
	}
	return strings.HasPrefix(key, "weir.") || strings.HasPrefix(key, "gen_ai.usage.")
}
