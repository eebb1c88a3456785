package main

import (
	"context"
	"io"
	"os"
	"slices"
	"strings"

	"go.opentelemetry.io/contrib/exporters/autoexport"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutlog"
	"go.opentelemetry.io/otel/exporters/stdout/stdoutmetric"
	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// The values of OTEL_TRACES_EXPORTER, OTEL_METRICS_EXPORTER and OTEL_LOGS_EXPORTER.
const (
	toNone       = "none"
	toOTLP       = "otlp"
	toConsole    = "console"
	toPrometheus = "prometheus" // metrics only
)

func sdkDisabled() bool { return strings.EqualFold(os.Getenv("OTEL_SDK_DISABLED"), "true") }

// destination returns the exporter of a signal, which is "TRACES", "METRICS" or "LOGS": the exporter in the variable of the signal, or OTLP if an
// endpoint is set, or none. If nothing is set, the library would send to a collector on this machine and log an error every few seconds.
func destination(signal string, others ...string) (string, error) {
	name := "OTEL_" + signal + "_EXPORTER"
	switch to := os.Getenv(name); {
	case to == "" && os.Getenv("OTEL_EXPORTER_OTLP_ENDPOINT") == "" && os.Getenv("OTEL_EXPORTER_OTLP_"+signal+"_ENDPOINT") == "":
		return toNone, nil
	case to == "":
		return toOTLP, nil
	default:
		known := append([]string{toOTLP, toConsole, toNone}, others...)
		if slices.Contains(known, to) {
			return to, nil
		}
		return "", cli.Usagef("%s %q: want one of %s", name, to, strings.Join(known, ", "))
	}
}

// spanExporter returns nil if spans are not exported.
func spanExporter(ctx context.Context, console io.Writer) (sdktrace.SpanExporter, error) {
	to, err := destination("TRACES")
	switch {
	case err != nil || to == toNone:
		return nil, err
	case to == toConsole:
		return stdouttrace.New(stdouttrace.WithWriter(console))
	}
	exporter, err := autoexport.NewSpanExporter(ctx)
	if err != nil {
		return nil, cli.Usagef("traces: OTEL_EXPORTER_OTLP_*: %w", err)
	}
	return exporter, nil
}

// metricReader returns a nil reader if metrics are not sent. scraped reports whether Prometheus fetches them.
func metricReader(ctx context.Context, console io.Writer) (r sdkmetric.Reader, scraped bool, err error) {
	to, err := destination("METRICS", toPrometheus)
	switch {
	case err != nil || to == toNone:
		return nil, false, err
	case to == toPrometheus:
		return nil, true, nil
	case to == toConsole:
		exporter, err := stdoutmetric.New(stdoutmetric.WithWriter(console))
		if err != nil {
			return nil, false, err
		}
		return sdkmetric.NewPeriodicReader(exporter), false, nil
	}
	if r, err = autoexport.NewMetricReader(ctx); err != nil {
		return nil, false, cli.Usagef("metrics: OTEL_EXPORTER_OTLP_*: %w", err)
	}
	return r, false, nil
}

// logExporter returns nil if the log goes to stderr only.
func logExporter(ctx context.Context, console io.Writer) (sdklog.Exporter, error) {
	to, err := destination("LOGS")
	switch {
	case err != nil || to == toNone:
		return nil, err
	case to == toConsole:
		return stdoutlog.New(stdoutlog.WithWriter(console))
	}
	exporter, err := autoexport.NewLogExporter(ctx)
	if err != nil {
		return nil, cli.Usagef("logs: OTEL_EXPORTER_OTLP_*: %w", err)
	}
	return exporter, nil
}
