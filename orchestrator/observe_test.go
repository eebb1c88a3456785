package orchestrator_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// collected returns the metrics of a reader: by name and attributes the value, or the count of a histogram.
func collected(t *testing.T, r *sdkmetric.ManualReader) map[string]float64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	if err := r.Collect(t.Context(), &all); err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	key := func(name string, set attribute.Set) string {
		for _, kv := range set.ToSlice() {
			name += " " + kv.Value.String()
		}
		return name
	}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			switch data := m.Data.(type) {
			case metricdata.Gauge[int64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Gauge[float64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = p.Value
				}
			case metricdata.Sum[int64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = float64(p.Value)
				}
			case metricdata.Histogram[float64]:
				for _, p := range data.DataPoints {
					out[key(m.Name, p.Attributes)] = float64(p.Count) //nolint:gosec // small
				}
			default:
				t.Errorf("%s is a %T", m.Name, data)
			}
		}
	}
	return out
}

// TestMetricsSayWhatWaitsAndHowTasksEnd checks a task of each outcome, and the gauges while tasks wait, run and are stuck.
func TestMetricsSayWhatWaitsAndHowTasksEnd(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	cfg := orchestrator.Config{
		Slots: 3, MaxPending: 3, Full: orchestrator.Shed, MeterProvider: sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader)),
		Retry: orchestrator.Retry{First: time.Millisecond},
	}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		ctx := t.Context()
		again := orchestrator.Again(errors.New("busy"), 0)
		for i, task := range []orchestrator.Task[int]{
			value(1), failing(errors.New("wrong")), func(context.Context) (int, error) { panic("boom") }, sleeper(3*time.Second, 1),
			failing(again), failing(again), failing(again), failing(again),
		} {
			_, _ = orchestrator.Execute(ctx, o, task, orchestrator.Timeout([]time.Duration{3: time.Second, 7: 0}[min(i, 7)]))
		}
		gone, cancel := context.WithCancel(ctx)
		cancelled := submit(t, gone, o, func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) })
		synctest.Wait()
		cancel()
		_, _ = cancelled.Await(ctx)
		// Three tasks execute, and one of these waits for another. Three tasks wait, and an urgent task displaces one of them. One is
		// refused.
		hold := make(chan struct{})
		busy := func(context.Context) (int, error) { <-hold; return 0, nil } //nolint:unparam // a task
		for range 2 {
			submit(t, ctx, o, busy)
		}
		submit(t, ctx, o, func(ctx context.Context) (int, error) { return orchestrator.Execute(ctx, o, busy) })
		synctest.Wait()
		for range 3 {
			submit(t, ctx, o, value(1), orchestrator.Priority(orchestrator.Background))
		}
		time.Sleep(5 * time.Second)
		submit(t, ctx, o, value(1), orchestrator.Priority(orchestrator.Urgent))
		if _, err := orchestrator.Submit(ctx, o, value(1), orchestrator.Priority(orchestrator.Background)); err == nil {
			t.Error("taken")
		}
		synctest.Wait()
		got := collected(t, reader)
		for name, want := range map[string]float64{
			"weir.task.pending background global": 2, "weir.task.pending normal global": 0, "weir.task.pending urgent global": 1,
			"weir.task.oldest background global": 5, "weir.task.oldest urgent global": 0,
			"weir.slot.count running": 3, "weir.slot.count lent": 1, "weir.slot.count stuck": 0, "weir.slot.count free": 0, "weir.slot.count held": 0,
			"weir.task.outcomes global ok": 1, "weir.task.outcomes global error": 1, "weir.task.outcomes global panic": 1,
			"weir.task.outcomes global timeout": 1, "weir.task.outcomes global cancelled": 1, "weir.task.outcomes global shed": 1,
			"weir.task.outcomes global refused": 1,
		} {
			if v, ok := got[name]; !ok || v != want {
				t.Errorf("%s: %v, want %v", name, v, want)
			}
		}
		if spent := got["weir.task.outcomes global retries_spent"]; spent < 1 || spent > 4 {
			t.Errorf("%v tasks ended because the retry budget was spent", spent)
		}
		if got["weir.task.wait global"] < 9 || got["weir.task.run global"] < 9 {
			t.Errorf("%v waits, %v runs", got["weir.task.wait global"], got["weir.task.run global"])
		}
		close(hold)
		if _, err := o.Drain(ctx, orchestrator.Drain{HandBack: true}); err != nil {
			t.Error(err)
		}
	})
}

// TestDocNamesTheMetrics compares the table of the package documentation with the metrics in the code.
func TestDocNamesTheMetrics(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	code, err := os.ReadFile("metrics.go")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for line := range strings.SplitSeq(string(code), "\n") {
		if _, rest, ok := strings.Cut(line, `("weir.`); ok && strings.Contains(line, "meter.") {
			name, _, _ := strings.Cut(rest, `"`)
			named["weir."+name] = true
		}
	}
	described := map[string]bool{}
	for line := range strings.SplitSeq(string(doc), "\n") {
		if fields := strings.Fields(strings.TrimPrefix(line, "//")); len(fields) > 1 && strings.HasPrefix(fields[0], "weir.") {
			described[fields[0]] = true
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(named)), slices.Sorted(maps.Keys(described))); diff != "" || len(named) != 6 {
		t.Errorf("metrics in the code (-) and in doc.go (+):\n%s", diff)
	}
}

// lines is a log that several goroutines may write.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func boomInATask() { panic("boom") }

// TestWarningsHaveStacks: a panic, an overrun and a function that a drain abandons are logged as warnings, with the stack.
func TestWarningsHaveStacks(t *testing.T) {
	var log lines
	synctest.Test(t, func(t *testing.T) {
		l, err := limiter.NewUnlimited(oneBucket(1, 1))
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Logger: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = orchestrator.Execute(t.Context(), o, func(context.Context) (int, error) { boomInATask(); return 0, nil }, orchestrator.Name("panics"))
		hangs := make(chan struct{})
		hang := func(context.Context) (int, error) { <-hangs; return 0, nil }
		_, _ = orchestrator.Execute(t.Context(), o, hang, orchestrator.Name("overruns"), orchestrator.Timeout(time.Second))
		submit(t, t.Context(), o, hang, orchestrator.Name("is-left"))
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		report, err := o.Drain(ctx, orchestrator.Drain{Grace: time.Second})
		if err == nil || len(report.Stuck) != 2 {
			t.Errorf("%v, %v", report, err)
		}
		for _, s := range report.Stuck {
			if !strings.Contains(s.Stack, "TestWarningsHaveStacks") {
				t.Errorf("the stack of %s is %q", s.Name, s.Stack)
			}
		}
		close(hangs)
		synctest.Wait()
		if err := l.Close(t.Context()); err != nil {
			t.Error(err)
		}
	})
	for task, frame := range map[string]string{"panics": "boomInATask", "overruns": "TestWarningsHaveStacks", "is-left": "TestWarningsHaveStacks"} {
		found := false
		for line := range strings.SplitSeq(log.String(), "\n") {
			found = found || strings.Contains(line, "level=WARN") && strings.Contains(line, "task="+task) && strings.Contains(line, frame)
		}
		if !found {
			t.Errorf("no warning about %s with %s in its stack:\n%s", task, frame, log.String())
		}
	}
}
