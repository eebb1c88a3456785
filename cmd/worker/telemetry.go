package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/otlptranslator"
	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel"
	promexporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	metricnoop "go.opentelemetry.io/otel/metric/noop"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
	tracenoop "go.opentelemetry.io/otel/trace/noop"

	"github.com/weir-go/weir/cmd/internal/cli"
)

// flushTime is the longest time that a command spends at its end on sending the rest of its telemetry.
const flushTime = 5 * time.Second

// telemetry is the traces, the metrics and the log of a command. Nothing leaves the process unless the standard variables OTEL_* name a
// destination. If an admin port is open, Prometheus can always fetch the metrics.
type telemetry struct {
	errs    io.Writer // stderr; exporters, the log and the command share it
	tracers trace.TracerProvider
	meters  metric.MeterProvider
	log     *slog.Logger // JSON lines on stderr, and to the exporter in OTEL_LOGS_EXPORTER
	scrape  http.Handler // nil if OTEL_SDK_DISABLED is true
	scraped bool         // OTEL_METRICS_EXPORTER is prometheus, so every command opens an admin port

	parts []part       // fixed
	local *slog.Logger // on stderr only, for errors of the exporters
}

// part is a provider of the SDK.
type part interface {
	ForceFlush(ctx context.Context) error
	Shutdown(ctx context.Context) error
}

// startTelemetry starts the exporters that the variables OTEL_* select. Exporters of the kind "console" write to errs, because stdout is for
// results. A wrong value of a variable is an error of usage. The caller calls [telemetry.end].
func startTelemetry(ctx context.Context, errs io.Writer) (*telemetry, error) {
	errs = &lockedWriter{to: errs}
	local := logger(errs)
	t := &telemetry{errs: errs, tracers: tracenoop.NewTracerProvider(), meters: metricnoop.NewMeterProvider(), log: local, local: local}
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { local.Warn("telemetry", "error", err.Error()) }))
	otel.SetLogger(libraryLogger(errs))
	if sdkDisabled() {
		return t, nil
	}
	if err := checkOTLP(); err != nil {
		return nil, err
	}
	about, err := describe(ctx)
	if err != nil {
		return nil, err
	}
	for _, start := range []func(context.Context, io.Writer, *resource.Resource) error{t.startTraces, t.startMetrics, t.startLogs} {
		if err := start(ctx, errs, about); err != nil {
			t.end(ctx)
			return nil, err
		}
	}
	return t, nil
}

// describe returns the attributes of the process: its name, its version and an id of this run. OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES take precedence.
func describe(ctx context.Context) (*resource.Resource, error) {
	about, err := resource.New(ctx, resource.WithTelemetrySDK(), resource.WithAttributes(
		semconv.ServiceName("weir-worker"), semconv.ServiceVersion(cli.Version()), semconv.ServiceInstanceID(uuid.NewString()),
	), resource.WithFromEnv())
	if err != nil {
		return nil, cli.Usagef("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	return about, nil
}

func (t *telemetry) startTraces(ctx context.Context, errs io.Writer, about *resource.Resource) error {
	exporter, err := spanExporter(ctx, errs)
	if exporter == nil || err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(private{exporter}), sdktrace.WithResource(about))
	otel.SetTracerProvider(provider) // Anthropic's SDK uses the global provider only
	t.tracers, t.parts = provider, append(t.parts, provider)
	return nil
}

func (t *telemetry) startMetrics(ctx context.Context, errs io.Writer, about *resource.Resource) error {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	page, err := promexporter.New(promexporter.WithRegisterer(registry), promexporter.WithoutScopeInfo(),
		promexporter.WithTranslationStrategy(otlptranslator.UnderscoreEscapingWithSuffixes))
	if err != nil {
		return fmt.Errorf("metrics: %w", err)
	}
	// The sizes of bodies would be half of all series, and no dashboard or alert uses them.
	unsized := sdkmetric.NewView(sdkmetric.Instrument{Name: "http.*.body.size"}, sdkmetric.Stream{Aggregation: sdkmetric.AggregationDrop{}})
	opts := []sdkmetric.Option{sdkmetric.WithReader(page), sdkmetric.WithResource(about), sdkmetric.WithView(unsized)}
	reader, scraped, err := metricReader(ctx, errs)
	if err != nil {
		return err
	}
	if reader != nil {
		opts = append(opts, sdkmetric.WithReader(reader))
	}
	provider := sdkmetric.NewMeterProvider(opts...)
	t.meters, t.scraped, t.parts = provider, scraped, append(t.parts, provider)
	t.scrape = promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return nil
}

func (t *telemetry) startLogs(ctx context.Context, errs io.Writer, about *resource.Resource) error {
	exporter, err := logExporter(ctx, errs)
	if exporter == nil || err != nil {
		return err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter)), sdklog.WithResource(about))
	t.parts = append(t.parts, provider)
	t.log = slog.New(slog.NewMultiHandler(t.local.Handler(), otelslog.NewHandler("github.com/weir-go/weir/cmd/worker", otelslog.WithLoggerProvider(provider))))
	return nil
}

// flush sends the telemetry collected so far, for at most [flushTime]. It logs an error and does not return it.
func (t *telemetry) flush(ctx context.Context) {
	t.each(ctx, "some of it was not sent", part.ForceFlush)
}

// end sends the rest of the telemetry and ends all exporters, for at most [flushTime]. It logs an error and does not return it, so that a collector
// that is away makes no analysis fail.
func (t *telemetry) end(ctx context.Context) {
	t.each(ctx, "the rest of it was not sent", part.Shutdown)
}

func (t *telemetry) each(ctx context.Context, problem string, do func(part, context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTime)
	defer cancel()
	errs := make([]error, len(t.parts))
	var all sync.WaitGroup
	for i, p := range t.parts {
		all.Go(func() { errs[i] = do(p, ctx) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.local.WarnContext(ctx, "telemetry: "+problem, "error", err.Error())
	}
}

// lockedWriter lets one goroutine write at a time, because exporters and the log share stderr.
type lockedWriter struct {
	mu sync.Mutex
	to io.Writer
}

func (w *lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.to.Write(p)
}
