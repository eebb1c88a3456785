package orchestrator_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
)

// TestTraceExplainsTheWait: the spans of a task show when it was queued, which bucket made it wait, how long, and when it
// executed. They are children of one span, which belongs to the caller's trace.
func TestTraceExplainsTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		recorder := tracetest.NewSpanRecorder()
		provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {limiter.PerSecond(10, 1)}},
			Routes:  map[string][]string{"spotify": {"spotify", "global"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		o, err := orchestrator.New(orchestrator.Config{Limiter: l, Slots: 1, TracerProvider: provider})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		task := func(context.Context) (int, error) { time.Sleep(30 * time.Millisecond); return 0, nil }
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{task, task},
			orchestrator.Route("spotify"), orchestrator.Name("search"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		type span struct {
			Name       string
			Begin, End time.Duration
			Bucket     string
			TokenWait  float64
		}
		var got []span
		parents := map[string]bool{}
		for _, s := range recorder.Ended() {
			v := span{Name: s.Name(), Begin: s.StartTime().Sub(begin), End: s.EndTime().Sub(begin)}
			for _, a := range s.Attributes() {
				switch a.Key {
				case "weir.bucket":
					v.Bucket = a.Value.AsString()
				case "weir.token_wait":
					v.TokenWait = a.Value.AsFloat64()
				case attribute.Key("weir.route"):
					if a.Value.AsString() != "spotify" {
						t.Errorf("span %s is of route %s", s.Name(), a.Value.AsString())
					}
				}
			}
			if s.Name() == "task search" && (len(s.Links()) != 1 || !s.Links()[0].SpanContext.IsValid()) {
				t.Errorf("a task is linked to %v, want its batch", s.Links())
			}
			if s.Name() != "task search" && s.Name() != "batch" {
				parents[s.Parent().SpanID().String()] = true
			}
			got = append(got, v)
		}
		const ms = time.Millisecond
		want := []span{
			{Name: "queued"},
			{Name: "acquire"},
			{Name: "execute", End: 30 * ms},
			{Name: "task search", End: 30 * ms},
			{Name: "queued", End: 30 * ms},
			{Name: "acquire", Begin: 30 * ms, End: 100 * ms, Bucket: "spotify", TokenWait: 0.07},
			{Name: "execute", Begin: 100 * ms, End: 130 * ms},
			{Name: "task search", End: 130 * ms},
			{Name: "batch", End: 130 * ms},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if len(parents) != 2 {
			t.Errorf("the inner spans have %d parents, want the 2 tasks", len(parents))
		}
	})
}
