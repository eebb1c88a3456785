package worker

import (
	"context"
	"slices"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/worker/providers"
)

// TestReplicaIsMeasuredOnce: the limiter and the orchestrator that only check the configuration have no metrics. Once connected, a replica has
// one limiter and one orchestrator with metrics of the configured provider.
func TestReplicaIsMeasuredOnce(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	rdb := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = rdb.Close() })
	w, err := New(Config{
		Redis: rdb, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)), Slots: 7,
		Providers: providers.ClientConfig{AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "k"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if names := measured(t, reader, nil); len(names) > 0 {
		t.Errorf("a replica without Redis has the metrics %v, want none", names)
	}
	if err := w.Connect(t.Context()); err != nil {
		t.Fatal(err)
	}
	slots := int64(0)
	names := measured(t, reader, func(m metricdata.Metrics) {
		if g, ok := m.Data.(metricdata.Gauge[int64]); ok && m.Name == "weir.slot.count" {
			for _, point := range g.DataPoints {
				slots += point.Value
			}
		}
	})
	if !slices.Contains(names, "weir.bucket.limit") || slots != 7 {
		t.Errorf("%d slots, metrics %v, want 7 slots, and the limits of the buckets", slots, names)
	}
	if err := w.Close(context.WithoutCancel(t.Context())); err != nil {
		t.Error(err)
	}
}

// measured collects the metrics, shows each to a function, and returns their names.
func measured(t *testing.T, reader sdkmetric.Reader, show func(metricdata.Metrics)) []string {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			names = append(names, m.Name)
			if show != nil {
				show(m)
			}
		}
	}
	return names
}
