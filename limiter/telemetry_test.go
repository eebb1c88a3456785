package limiter_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/limiter/limitertest"
)

// counted returns the sums and the numbers of recordings, by metric and result.
func counted(t *testing.T, reader metric.Reader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	counts := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		for _, v := range scope.Metrics {
			switch d := v.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					result, _ := p.Attributes.Value("weir.rate_limiting.result")
					counts[v.Name+" "+result.AsString()] += p.Value
				}
			case metricdata.Histogram[float64]:
				for _, p := range d.DataPoints {
					result, _ := p.Attributes.Value("weir.rate_limiting.result")
					counts[v.Name+" "+result.AsString()] += int64(p.Count)
				}
			}
		}
	}
	return counts
}

// TestMetricsCountHowWaitsEnd: the metrics count calls as acquired, rejected, cancelled or failed, by route. At the end the
// queue is empty.
func TestMetricsCountHowWaitsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, rdb := limitertest.Redis(t)
		reader := metric.NewManualReader()
		cfg := one(10, 2)
		cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
		l, err := limiter.New(t.Context(), rdb, cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		time.Sleep(time.Minute)
		for range 3 {
			if err := l.Wait(t.Context(), "global"); err != nil {
				t.Fatal(err)
			}
		}
		if ok, err := l.Allow(t.Context(), "global"); ok || err != nil {
			t.Errorf("Allow on an empty bucket: %v, %v", ok, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Millisecond, cancel)
		if err := l.Wait(ctx, "global"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		time.Sleep(time.Minute)
		m.SetError("LOADING")
		if _, err := l.Allow(t.Context(), "global"); !errors.Is(err, limiter.ErrUnavailable) {
			t.Error(err)
		}

		counts := counted(t, reader)
		delete(counts, "weir.rate_limiting.redis.duration ") // their number may vary
		delete(counts, "weir.bucket.tokens ")                // another test covers it
		want := map[string]int64{"weir.rate_limiting.queued_requests ": 0}
		for result, n := range map[string]int64{"acquired": 3, "rejected": 1, "request_canceled": 1, "backend_error": 1} {
			want["weir.rate_limiting.requests "+result] = n
			want["weir.rate_limiting.request.time_in_queue "+result] = n
		}
		if diff := cmp.Diff(want, counts); diff != "" {
			t.Errorf("numbers of calls by result (-want +got):\n%s", diff)
		}
	})
}

// TestSpanSaysWhatBoundTheCall: the span of a call has the bucket that delayed it, how long it waited, and the number of
// turns.
func TestSpanSaysWhatBoundTheCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
		cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {limiter.PerSecond(1, 1)}},
			map[string][]string{"spotify": {"spotify", "global"}})
		cfg.TracerProvider = provider
		l, err := limiter.NewMemory(cfg)
		if err != nil {
			t.Fatal(err)
		}
		defer closeLimiter(t, l)
		ctx, span := provider.Tracer("test").Start(t.Context(), "work")
		for range 2 {
			if err := l.Wait(ctx, "spotify"); err != nil {
				t.Fatal(err)
			}
		}
		span.End()
		if err := l.Wait(t.Context(), "spotify"); err != nil { // without a trace
			t.Fatal(err)
		}
		var got []map[string]any
		for _, s := range recorder.Ended() {
			if s.Name() != "acquire" {
				continue
			}
			if s.Parent().SpanID() != span.SpanContext().SpanID() {
				t.Error("the span is not a child of the caller's span")
			}
			v := map[string]any{}
			for _, a := range s.Attributes() {
				v[string(a.Key)] = a.Value.AsInterface()
			}
			got = append(got, v)
		}
		want := []map[string]any{
			{"weir.route": "spotify", "weir.bucket": "", "weir.token_wait": 0.0, "weir.turns": int64(0)},
			{"weir.route": "spotify", "weir.bucket": "spotify", "weir.token_wait": 1.0, "weir.turns": int64(1)},
		}
		if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b float64) bool { return a-b < 0.001 && b-a < 0.001 })); diff != "" {
			t.Errorf("attributes of spans (-want +got):\n%s", diff)
		}
	})
}

// TestAllocationsOfAnAllow pins the allocations of a call without metrics and traces: the waiter, its reservation, and its
// part of a request. Telemetry allocates nothing then.
func TestAllocationsOfAnAllow(t *testing.T) {
	l, err := limiter.NewMemory(one(1_000_000, 1_000_000))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	allocations := testing.AllocsPerRun(1000, func() {
		if ok, err := l.Allow(t.Context(), "global"); !ok || err != nil {
			t.Fatalf("Allow: %t, %v, want true", ok, err)
		}
	})
	t.Logf("%.0f allocations", allocations)
	if allocations > 12 {
		t.Errorf("%.0f allocations, want 12 or fewer", allocations)
	}
}

// TestCallsAllocateNothingOfTheirOwn: without metrics and traces a call makes one allocation at most.
func TestCallsAllocateNothingOfTheirOwn(t *testing.T) {
	l, err := limiter.NewMemory(one(10_000_000, 10_000_000))
	if err != nil {
		t.Fatal(err)
	}
	defer closeLimiter(t, l)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	for name, call := range map[string]func() error{
		"Wait":  func() error { return l.Wait(ctx, "global") },
		"Allow": func() error { _, err := l.Allow(ctx, "global"); return err },
		"Reserve": func() error {
			r, err := l.Reserve(ctx, "global")
			if err == nil && !r.Use("global") {
				err = errors.New("not used")
			}
			return err
		},
	} {
		if n := testing.AllocsPerRun(1000, func() {
			if err := call(); err != nil {
				t.Error(err)
			}
		}); n > 1 {
			t.Errorf("%s makes %v allocations, want 1 at most", name, n)
		}
	}
}

// spanHook records the spans under which a client sends commands.
type spanHook struct {
	mu    sync.Mutex
	under []trace.TraceID
}

func (h *spanHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *spanHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (h *spanHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		h.mu.Lock()
		h.under = append(h.under, trace.SpanContextFromContext(ctx).TraceID())
		h.mu.Unlock()
		return next(ctx, cmd)
	}
}

// TestNewUnderASpan: later requests to Redis are not children of the span under which New was called, nor of the spans of
// callers.
func TestNewUnderASpan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, rdb := limitertest.Redis(t)
		hook := &spanHook{}
		rdb.AddHook(hook)
		provider := sdktrace.NewTracerProvider()
		ctx, span := provider.Tracer("test").Start(t.Context(), "deployment")
		l, err := limiter.New(ctx, rdb, one(10, 2))
		span.End()
		if err != nil {
			t.Fatal(err)
		}
		synctest.Wait() // until New's goroutines have made their requests
		hook.mu.Lock()
		made := len(hook.under)
		hook.mu.Unlock()
		for range 5 {
			ctx, span := provider.Tracer("test").Start(t.Context(), "request")
			if err := l.Wait(ctx, "global"); err != nil {
				t.Fatal(err)
			}
			span.End()
		}
		time.Sleep(25 * time.Second)
		closeLimiter(t, l)
		hook.mu.Lock()
		defer hook.mu.Unlock()
		for i, id := range hook.under[made:] {
			if id.IsValid() {
				t.Errorf("request %d of %d was sent under the span of a caller", i, len(hook.under)-made)
			}
		}
		if len(hook.under)-made < 4 {
			t.Errorf("only %d requests after New: the test tested less than it should", len(hook.under)-made)
		}
	})
}

// TestMetricsOfBuckets: in memory and on Redis, the metrics have the limit in force, the tokens by outcome, the used share
// of the budget, and the tokens that callers wait for. A closed limiter reports nothing.
func TestMetricsOfBuckets(t *testing.T) {
	reader := metric.NewManualReader()
	cfg := config(map[string][]limiter.Limit{"global": {limiter.PerSecond(10, 1)}, "narrow": {limiter.PerSecond(5, 5)}},
		map[string][]string{"both": {"narrow", "global"}})
	cfg.MeterProvider = metric.NewMeterProvider(metric.WithReader(reader))
	for name, start := range map[string]func(t *testing.T) *limiter.Limiter{
		"memory": func(t *testing.T) *limiter.Limiter {
			l, err := limiter.NewMemory(cfg)
			if err != nil {
				t.Fatal(err)
			}
			return l
		},
		"redis": func(t *testing.T) *limiter.Limiter {
			m, _ := limitertest.Redis(t)
			l, _ := member(t, limitertest.Options(m), cfg)
			return l
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := start(t)
				time.Sleep(time.Minute)
				observed(t, reader) // a sample begins
				ctx, cancel := context.WithCancel(t.Context())
				var all sync.WaitGroup
				for range 4 {
					all.Go(func() {
						for l.Wait(ctx, "global") == nil {
							continue
						}
					})
				}
				time.Sleep(20 * time.Second)
				got := observed(t, reader)
				if u := got["weir.bucket.utilization global"]; u < 0.98 || u > 1.02 {
					t.Errorf("the utilization is %v", u)
				}
				if n := got["weir.bucket.waiting global"]; n < 3 || n > 4 {
					t.Errorf("callers wait for %v tokens by the metric", n)
				}
				cancel()
				all.Wait()
				if err := l.WaitN(t.Context(), "both", 1); err != nil {
					t.Fatal(err)
				}
				r, err := l.Reserve(t.Context(), "both")
				if err != nil {
					t.Fatal(err)
				}
				r.Cancel()
				time.Sleep(time.Second)
				got = observed(t, reader)
				for what, want := range map[string]float64{
					"weir.bucket.limit global": 10, "weir.bucket.limit narrow": 5, "weir.bucket.waiting global": 0, "weir.bucket.utilization narrow": 0,
					"weir.bucket.tokens narrow taken": 2, "weir.bucket.tokens narrow returned": 1, "weir.bucket.tokens narrow lost": 0,
				} {
					if got[what] != want {
						t.Errorf("%s is %v, want %v", what, got[what], want)
					}
				}
				// One token at the first moment, one each 100 ms, the tokens of the two calls, and those of the callers
				// that wait at the end.
				taken := got["weir.bucket.tokens global taken"] - got["weir.bucket.tokens global returned"] - got["weir.bucket.tokens global lost"]
				if taken < 200 || taken > 206 {
					t.Errorf("the metric has %v used tokens in 20 s at 10 a second", taken)
				}
				closeLimiter(t, l)
				if got := observed(t, reader); got["weir.bucket.limit global"] != 0 {
					t.Errorf("the metrics of a closed limiter are %v, want none", got)
				}
			})
		})
	}
}

// observed returns the values of the metrics of buckets, by metric, bucket and outcome.
func observed(t *testing.T, reader metric.Reader) map[string]float64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	if err := reader.Collect(t.Context(), &data); err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	add := func(name string, attributes attribute.Set, value float64) {
		of, _ := attributes.Value("weir.bucket")
		outcome, _ := attributes.Value("weir.bucket.outcome")
		got[strings.TrimSpace(name+" "+of.AsString()+" "+outcome.AsString())] = value
	}
	for _, scope := range data.ScopeMetrics {
		for _, v := range scope.Metrics {
			switch d := v.Data.(type) {
			case metricdata.Sum[int64]:
				for _, p := range d.DataPoints {
					add(v.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[int64]:
				for _, p := range d.DataPoints {
					add(v.Name, p.Attributes, float64(p.Value))
				}
			case metricdata.Gauge[float64]:
				for _, p := range d.DataPoints {
					add(v.Name, p.Attributes, p.Value)
				}
			}
		}
	}
	return got
}

// TestEveryMetricIsInTheTable: the table in the package's documentation names each metric of the source, and no others.
func TestEveryMetricIsInTheTable(t *testing.T) {
	names := regexp.MustCompile(`weir\.(?:(?:rate_limiting|bucket)\.[a-z_.]+|throttled)\b`)
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, call := range regexp.MustCompile(`m\.(?:Int64|Float64)[A-Za-z]+\("([a-z_.]+)"`).FindAllStringSubmatch(string(text), -1) {
			made[call[1]] = true
		}
	}
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	table := map[string]bool{}
	for _, line := range regexp.MustCompile(`(?m)^//\t(weir\.\S+) {2,}`).FindAllStringSubmatch(string(doc), -1) {
		table[names.FindString(line[1])] = true
	}
	if diff := cmp.Diff(made, table); diff != "" || len(made) < 11 {
		t.Errorf("metrics in the source (-) and in the documentation (+):\n%s", diff)
	}
}
