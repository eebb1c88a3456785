package orchestrator_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/weir-go/weir/orchestrator"
)

// TestSnapshotSaysWhatWaitsAndWhy: tasks by lane, and the bucket that they wait for.
func TestSnapshotSaysWhatWaitsAndWhy(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 4}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.EnqueueBatch(t.Context(), o, "tracks", slices.Repeat([]orchestrator.Task[int]{value(1)}, 10), orchestrator.Route("slow"))
		if err != nil {
			t.Fatal(err)
		}
		submit(t, t.Context(), o, value(1), orchestrator.Route("slow"), orchestrator.Priority(orchestrator.Background))
		running := submit(t, t.Context(), o, sleeper(3*time.Second, 1))
		time.Sleep(time.Second)
		submit(t, t.Context(), o, value(1), orchestrator.Route("slow"), orchestrator.Priority(orchestrator.Urgent), orchestrator.Weight(7))
		time.Sleep(time.Microsecond)
		s := o.Snapshot()
		if len(s.Lanes) != 2 || s.Lanes[0].InFlight != 1 {
			t.Fatalf("%+v", s)
		}
		turn, eta := s.Lanes[1].TurnMS, s.Lanes[1].EtaMS
		if turn == nil || *turn < 1 || *turn > 300 || eta == nil || *eta < 1500 || *eta > 4000 {
			t.Errorf("turn %v, eta %v", turn, eta)
		}
		s.Lanes[1].TurnMS, s.Lanes[1].EtaMS = nil, nil
		want := orchestrator.Snapshot{
			Counts: orchestrator.Counts{Done: 4}, Slots: 4, Pending: 8, Weight: 7, InFlight: 1,
			Lanes: []orchestrator.Lane{
				{Route: "global", InFlight: 1},
				{Route: "slow", Pending: 8, Urgent: 1, Normal: 6, Background: 1, OldestMS: 1000, Reserved: s.Lanes[1].Reserved},
			},
			Batches: []orchestrator.Progress{{ID: "tracks", Done: 4, Total: 10}},
		}
		if diff := cmp.Diff(want, s); diff != "" {
			t.Error(diff)
		}
		text, err := json.Marshal(s)
		if err != nil || !strings.Contains(string(text), `"eta_ms":null`) || !strings.Contains(string(text), `"done":4`) {
			t.Errorf("%s, %v", text, err)
		}
		if _, err := running.Await(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := b.Await(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestManyPendingAreLoggedOnce: and again only after their number has fallen to half.
func TestManyPendingAreLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, orchestrator.Config{Slots: 1, WarnPending: 10, Logger: slog.New(slog.NewTextHandler(&log, nil))}, func(t *testing.T, o *orchestrator.Orchestrator) {
		said := func(want int) {
			t.Helper()
			synctest.Wait()
			if n := strings.Count(log.String(), "many tasks wait to start"); n != want {
				t.Errorf("said %d times, want %d:\n%s", n, want, &log)
			}
		}
		add := func(n int) {
			for range n {
				submit(t, t.Context(), o, sleeper(time.Second, 1))
			}
		}
		add(1)
		synctest.Wait()
		add(10)
		said(0) // one executes, ten wait
		add(5)
		said(1)
		time.Sleep(7500 * time.Millisecond) // eight are left
		add(5)
		said(1)
		time.Sleep(8 * time.Second) // five are left
		add(8)
		said(2)
		if !strings.Contains(log.String(), "pending=11 slots=1") {
			t.Error(log.String())
		}
	})
}

// TestLinesOfTheLogCarryTheTrace: a line has the configured level, the ids of the trace, and how the task ended.
func TestLinesOfTheLogCarryTheTrace(t *testing.T) {
	var log bytes.Buffer
	recorder := tracetest.NewSpanRecorder()
	cfg := orchestrator.Config{
		Logger: slog.New(slog.NewJSONHandler(&log, nil)), Level: slog.LevelInfo,
		TracerProvider: sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)),
		Retry:          orchestrator.Retry{First: 100 * time.Millisecond},
	}
	inBubble(t, cfg, func(t *testing.T, o *orchestrator.Orchestrator) {
		_, err := orchestrator.Execute(t.Context(), o, failing(orchestrator.Again(errors.New("busy"), time.Millisecond)),
			orchestrator.Name("search"), orchestrator.Attempts(2), orchestrator.Route("other"))
		if err == nil {
			t.Error("no error")
		}
	})
	var line struct {
		Msg, Task, Route, Class, Error string
		Attempts                       int
		TraceID                        string `json:"trace_id"`
		SpanID                         string `json:"span_id"`
	}
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v: %s", err, log.String())
	}
	var names []string
	for _, s := range recorder.Ended() {
		names = append(names, s.Name())
		if s.Name() == "task search" && (s.SpanContext().TraceID().String() != line.TraceID || s.SpanContext().SpanID().String() != line.SpanID) {
			t.Errorf("the line names span %s of trace %s", line.SpanID, line.TraceID)
		}
	}
	if line.Task != "search" || line.Route != "other" || line.Class != "normal" || line.Attempts != 2 || line.Error != "busy" {
		t.Errorf("%+v", line)
	}
	// One span of each kind for each attempt.
	want := []string{"queued", "acquire", "execute", "queued", "acquire", "execute", "task search"}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Error(diff)
	}
}

// TestNoopTracerProvider: a provider that does nothing makes no spans, and the spans of the caller stay as they are.
func TestNoopTracerProvider(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 3 {
			if _, err := orchestrator.Execute(t.Context(), o, value(1)); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Second)
		}
	})
}

// TestRoutesHaveSlotsOfTheirOwn: a bound on one route leaves the other slots to the other routes.
func TestRoutesHaveSlotsOfTheirOwn(t *testing.T) {
	inBubble(t, orchestrator.Config{Slots: 5, RouteSlots: map[string]int{"other": 2}}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for range 30 {
			submit(t, t.Context(), o, sleeper(time.Second, 1), orchestrator.Route("other"))
			submit(t, t.Context(), o, sleeper(time.Second, 1))
		}
		for range 3 {
			synctest.Wait()
			s := o.Snapshot()
			if s.Lanes[0].InFlight+s.Lanes[1].InFlight != 5 || s.Lanes[1].InFlight > 2 {
				t.Errorf("%+v", s.Lanes)
			}
			time.Sleep(time.Second)
		}
	})
	for _, cfg := range []orchestrator.Config{
		{},
		{Slots: -1},
		{Ageing: -1},
		{MaxPending: -1},
		{MaxWeight: -1},
		{KeepBatches: -1},
		{MaxBatches: -1},
		{Full: 7},
		{RouteSlots: map[string]int{"a": -1}},
		{Retry: orchestrator.Retry{Attempts: 101}},
		{Retry: orchestrator.Retry{First: -1}},
	} {
		if cfg.Slots != 0 || cfg.RouteSlots != nil || cfg.Full != 0 || cfg.Retry.Attempts != 0 {
			cfg.Limiter = unasked{}
		}
		if _, err := orchestrator.New(cfg); err == nil {
			t.Errorf("%+v was taken", cfg)
		}
	}
}

// unasked is a limiter that must not be called.
type unasked struct{ orchestrator.Limiter }

func TestWrongOptionsAreRefused(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		for name, opt := range map[string]orchestrator.Option{
			"class":    orchestrator.Priority(7),
			"attempts": orchestrator.Attempts(101),
			"timeout":  orchestrator.Timeout(-1),
			"live":     orchestrator.OnLive(9),
		} {
			if _, err := orchestrator.Submit(t.Context(), o, value(1), opt); err == nil {
				t.Errorf("%s: taken", name)
			}
			if _, err := orchestrator.EnqueueBatch(t.Context(), o, "b", []orchestrator.Task[int]{value(1)}, opt); err == nil {
				t.Errorf("%s: taken for a batch", name)
			}
		}
		if _, err := orchestrator.AwaitBatch[int](t.Context(), o, "b"); !errors.Is(err, orchestrator.ErrUnknownBatch) {
			t.Errorf("a batch that was refused: %v", err)
		}
	})
}

// TestMapKeepsTheOrder of its arguments.
func TestMapKeepsTheOrder(t *testing.T) {
	inBubble(t, orchestrator.Config{}, func(t *testing.T, o *orchestrator.Orchestrator) {
		b, err := orchestrator.Map(t.Context(), o, "", []string{"a", "bb", "ccc"}, func(_ context.Context, s string) (int, error) { return len(s), nil })
		if err != nil {
			t.Fatal(err)
		}
		out, err := b.Await(t.Context())
		if err != nil || out[0].Value != 1 || out[1].Value != 2 || out[2].Value != 3 {
			t.Errorf("%+v, %v", out, err)
		}
	})
}

// TestCallsThatComeTogetherGoTogether: the reservations for tasks that are submitted one after the other come in few
// calls, and the reservations for a batch in one call.
func TestCallsThatComeTogetherGoTogether(t *testing.T) {
	lanes(t, orchestratorLimit, 50, func(t *testing.T, o *orchestrator.Orchestrator, b *breakable) {
		if _, err := orchestrator.EnqueueBatch(t.Context(), o, "", slices.Repeat([]orchestrator.Task[int]{value(1)}, 50)); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if n := b.asked.Load(); n != 1 {
			t.Errorf("the reservations for the 50 tasks of a batch took %d calls", n)
		}
	})
}
