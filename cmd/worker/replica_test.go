package main

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker"
	"github.com/weir-go/weir/worker/upstream"
)

// scraped is a working replica with an admin port, its Redis and its telemetry.
type scraped struct {
	handler    http.Handler // of its clients' port
	url, admin string
	tel        *telemetry
	redis      *redis.Client
}

// scrapedReplica starts a replica whose spans are recorded, so that metrics have exemplars.
func scrapedReplica(t *testing.T, change func(*upstream.Config)) *scraped {
	t.Helper()
	clean(t, map[string]string{"OTEL_TRACES_EXPORTER": "console"})
	log := &lines{}
	tel, err := startTelemetry(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tel.end(t.Context()) })
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	cfg := worker.Config{
		Redis: rdb, Budget: limiter.PerSecond(1000, 1000), Drain: time.Minute, Logger: tel.log, TracerProvider: tel.tracers, MeterProvider: tel.meters,
	}
	if err := (providerFlags{Upstream: simulator(t, change)}).apply(&cfg); err != nil {
		t.Fatal(err)
	}
	w, err := worker.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	listener, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port, err := adminFlags{Admin: "127.0.0.1:0"}.startAdmin(t.Context(), tel)
	if err != nil {
		t.Fatal(err)
	}
	s := &scraped{
		handler: tracedHandler(w.Handler(), tel.tracers, tel.meters), tel: tel, redis: rdb,
		url: "http://" + listener.Addr().String(), admin: "http://" + port.listeners[0].Addr().String(),
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	over := make(chan error, 1)
	go func() { over <- w.Serve(ctx, listener, s.handler) }()
	t.Cleanup(func() {
		stop()
		if err := <-over; err != nil {
			t.Error(err)
		}
		if err := port.close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// metrics returns the metrics of the admin port: the type of each family, and the samples.
func (s *scraped) metrics(t *testing.T) (types map[string]string, samples []string) {
	t.Helper()
	status, body := get(t, s.admin+"/metrics", "Accept", "application/openmetrics-text; version=1.0.0")
	if status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}
	types = map[string]string{}
	for line := range strings.Lines(body) {
		line = strings.TrimSpace(line)
		switch fields := strings.Fields(line); {
		case fields[0] != "#":
			samples = append(samples, line)
		case fields[1] == "TYPE":
			types[fields[2]] = fields[3]
		}
	}
	return types, samples
}

// has reports whether one of the samples begins with a text.
func has(samples []string, prefix string) bool {
	for _, line := range samples {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}

// slowSpan delays the end of its first span.
type slowSpan struct {
	takes time.Duration
	once  sync.Once
}

func (*slowSpan) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (s *slowSpan) OnEnd(sdktrace.ReadOnlySpan)                   { s.once.Do(func() { <-time.After(s.takes) }) }
func (*slowSpan) Shutdown(context.Context) error                  { return nil }
func (*slowSpan) ForceFlush(context.Context) error                { return nil }

// troubles produces the metrics that a healthy replica does not have. A limiter in memory gets a refusal, and a call that starts too late for its
// reservation: the end of the span of its wait takes longer than the slack. Another limiter starts calls without Redis, and a bucket in shadow mode
// admits a call.
func (s *scraped) troubles(t *testing.T) {
	t.Helper()
	cfg := limiter.SingleBucket("own", limiter.PerSecond(50, 1))
	cfg.MeterProvider, cfg.Slack = s.tel.meters, 5*time.Millisecond
	spans := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&slowSpan{takes: 4 * cfg.Slack}))
	cfg.TracerProvider = spans
	l, err := limiter.NewMemory(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close(context.WithoutCancel(t.Context())) }()
	if err := l.Report(t.Context(), "own", limiter.Throttled{}); err != nil {
		t.Error(err)
	}
	ctx, span := spans.Tracer("").Start(t.Context(), "call")
	defer span.End()
	if err := l.Wait(ctx, "own"); err != nil {
		t.Error(err)
	}
	if _, samples := s.metrics(t); !has(samples, "weir_rate_limiting_late_total") {
		t.Error("no reservation came too late")
	}
	nowhere := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1, DialerRetries: 1})
	defer func() { _ = nowhere.Close() }()
	cfg.WhenAway, cfg.Lazy, cfg.Publish = limiter.FailOpen, true, -1
	open, err := limiter.New(t.Context(), nowhere, cfg)
	if err == nil {
		err = open.Wait(t.Context(), "own")
	}
	if err != nil {
		t.Fatalf("a limiter with FailOpen and without Redis: %v", err)
	}
	ended, end := context.WithTimeout(context.WithoutCancel(t.Context()), time.Second)
	defer end()
	_ = open.Close(ended)
	if err := errors.Join(l.ShadowBucket(ctx, "own", true), l.Wait(ctx, "own")); err != nil {
		t.Error(err)
	}
}
