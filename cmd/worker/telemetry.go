package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// startTelemetry exports spans where the standard variables say, and nothing without them. The function it returns
// sends what is left, for at most five seconds.
func startTelemetry(ctx context.Context) (func() error, error) {
	nothing := func() error { return nil }
	wanted := false
	for _, name := range []string{"OTEL_TRACES_EXPORTER", "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"} {
		wanted = wanted || os.Getenv(name) != ""
	}
	if !wanted || strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") {
		return nothing, nil
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nothing, fmt.Errorf("traces: %w", err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter))
	otel.SetTracerProvider(provider)
	return func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			return fmt.Errorf("traces: %w", err)
		}
		return nil
	}, nil
}

// isWork leaves probes out of the traces.
func isWork(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/v1/") }
