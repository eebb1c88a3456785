package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/weir-go/weir/cmd/internal/cli"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

var update = flag.Bool("update", false, "write the golden trace anew")

// scripted is a provider that sends its answers in order, each after 30 ms, and records the headers of requests.
type scripted struct {
	answers []*http.Response
	headers []http.Header
}

func answer(status int, body string, header ...string) *http.Response {
	r := &http.Response{StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(body))}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return r
}

// RoundTrip is part of [http.RoundTripper].
func (s *scripted) RoundTrip(r *http.Request) (*http.Response, error) {
	time.Sleep(30 * time.Millisecond) // in a bubble of synctest
	s.headers = append(s.headers, r.Header)
	res := s.answers[0]
	s.answers = s.answers[1:]
	res.Request = r
	return res, nil
}

// TestGoldenTrace compares the trace of a task whose first attempt is refused with testdata/trace.txt. Its times are those of a bubble of synctest.
// -args -update writes the file.
func TestGoldenTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exported := tracetest.NewInMemoryExporter()
		tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(private{exported}))
		l, err := limiter.NewMemory(limiter.Config{
			Buckets: map[string][]limiter.Limit{"global": {limiter.PerSecond(40, 40)}, "spotify": {limiter.PerSecond(10, 1)}},
			Routes:  map[string][]string{"spotify": {"spotify", "global"}, "anthropic": {"global"}, "lastfm": {"global"}}, TracerProvider: tracers,
		})
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close(context.WithoutCancel(t.Context())) }()
		o, err := orchestrator.New(orchestrator.Config{
			Limiter: l, Slots: 1, TracerProvider: tracers, Retry: orchestrator.Retry{Classify: providers.Verdict},
		})
		if err != nil {
			t.Fatal(err)
		}
		spotify := &scripted{answers: []*http.Response{
			answer(http.StatusTooManyRequests, `{"error":{"status":429,"message":"API rate limit exceeded"}}`, "Retry-After", "2"),
			answer(http.StatusOK, `{"tracks":{"items":[]}}`, "Content-Type", "application/json"),
		}}
		clients, err := providers.NewClients(providers.ClientConfig{
			AnthropicKey: "k", LastFMKey: "k", SpotifyToken: "hunter2", Limiter: l, Base: tracedTransport(spotify, tracers, nil),
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := l.Wait(t.Context(), "spotify"); err != nil { // the burst
			t.Fatal(err)
		}
		began := time.Now()
		ctx, root := tracers.Tracer("test").Start(t.Context(), "a request")
		_, err = orchestrator.Execute(ctx, o, func(ctx context.Context) ([]playlist.Track, error) {
			return clients.Spotify.Search(ctx, "hunter2 & friends")
		}, orchestrator.Route("spotify"), orchestrator.Name("spotify.search"))
		root.End()
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Fatal(err)
		}

		for _, s := range exported.GetSpans() {
			if scope := s.InstrumentationScope; strings.HasPrefix(scope.Name, "github.com/weir-go/") && scope.Version != cli.Version() {
				t.Errorf("span %s of %s has version %q, want %q", s.Name, scope.Name, scope.Version, cli.Version())
			}
		}
		got := drawn(exported.GetSpans(), began)
		if strings.Contains(got, "hunter2") {
			t.Errorf("the trace contains the text of the search:\n%s", got)
		}
		for _, h := range spotify.headers {
			if h.Get("Traceparent") != "" || h.Get("Baggage") != "" {
				t.Errorf("a request to the provider has headers of the trace: %v", h)
			}
		}
		const file = "testdata/trace.txt"
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil { //nolint:gosec // a file of the repository
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got); diff != "" {
			t.Errorf("trace (-want +got):\n%s", diff)
		}
	})
}

// drawn returns the tree of a trace in the order of time: the begin and the duration of each span in whole milliseconds, its attributes, events and
// status. The pause before a second attempt is random, so values that depend on it are "?".
func drawn(spans tracetest.SpanStubs, began time.Time) string {
	slices.SortStableFunc(spans, func(a, b tracetest.SpanStub) int { return a.StartTime.Compare(b.StartTime) })
	var again time.Time // when the second attempt was queued
	for _, s := range spans {
		if s.Name == "queued" {
			again = s.StartTime
		}
	}
	random := func(s tracetest.SpanStub) bool {
		return s.StartTime.Equal(again) && !again.Equal(began) && s.Name != "execute"
	}
	span := func(s tracetest.SpanStub) (at, took string) {
		if random(s) {
			return "?", "?"
		}
		return s.StartTime.Sub(began).Round(time.Millisecond).String(), s.EndTime.Sub(s.StartTime).Round(time.Millisecond).String()
	}
	var b bytes.Buffer
	var draw func(parent trace.SpanID, indent string)
	draw = func(parent trace.SpanID, indent string) {
		for _, s := range spans {
			if s.Parent.SpanID() != parent {
				continue
			}
			at, took := span(s)
			_, _ = fmt.Fprintf(&b, "%s%s, %v, at %s for %s\n", indent, s.Name, s.SpanKind, at, took)
			said := make([]string, 0, len(s.Attributes))
			for _, a := range s.Attributes {
				value := a.Value.String()
				if a.Key == "weir.token_wait" && random(s) {
					value = "?"
				}
				said = append(said, fmt.Sprintf("%s  %s = %s\n", indent, a.Key, value))
			}
			slices.Sort(said)
			for _, e := range s.Events {
				line := fmt.Sprintf("%s  event %s at %v", indent, e.Name, e.Time.Sub(began).Round(time.Millisecond))
				for _, a := range e.Attributes {
					line += fmt.Sprintf(", %s = %s", a.Key, a.Value.String())
				}
				said = append(said, line+"\n")
			}
			if s.Status.Code != codes.Unset {
				said = append(said, fmt.Sprintf("%s  status %v: %s\n", indent, s.Status.Code, s.Status.Description))
			}
			b.WriteString(strings.Join(said, ""))
			draw(s.SpanContext.SpanID(), indent+"    ")
		}
	}
	draw(trace.SpanID{}, "")
	return b.String()
}

// TestEachRequestHasATemplate checks that the spans of an analysis have templates as names, and that the span of an unknown request has only its
// method as name.
func TestEachRequestHasATemplate(t *testing.T) {
	s := serve(t, consoles(map[string]string{"WEIR_ADMIN": noAdmin}))
	post(t, s.url, string(playlist.Sample()))
	if err := s.end(); err != nil {
		t.Fatal(err)
	}
	text := s.stderr.String()
	for _, name := range []string{"GET", "POST", "HTTP GET", "HTTP POST"} {
		if strings.Contains(text, `"Name":"`+name+`"`) {
			t.Errorf("a request is named %q: its path is missing in newTemplates", name)
		}
	}
	for _, name := range []string{
		"POST /v1/messages", "GET /v1/search", "GET /v1/audio-features/{id}", "POST /v1/me/playlists", "POST /v1/playlists/{id}/items", "POST /2.0/",
	} {
		if !strings.Contains(text, `"Name":"`+name+`"`) {
			t.Errorf("no request %s", name)
		}
	}

	exported := tracetest.NewInMemoryExporter()
	tracers := sdktrace.NewTracerProvider(sdktrace.WithSyncer(private{exported}))
	for _, url := range []string{
		"https://api.example/v1/search?q=hunter2", "https://api.example/hunter2", "https://hunter2:hunter2@api.example/v1/playlists/hunter2/items#hunter2",
		"https://api.example/v1/../hunter2//x", "http://127.0.0.1:1/v1/audio-features/hunter2",
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		base := http.RoundTripper(&scripted{answers: []*http.Response{answer(http.StatusOK, "")}})
		if strings.HasPrefix(url, "http:") {
			base = http.DefaultTransport // no server listens at this address
		}
		if res, err := tracedTransport(base, tracers, nil).RoundTrip(r); err == nil {
			_ = res.Body.Close()
		}
	}
	spans := exported.GetSpans()
	if got := drawn(spans, time.Now()); len(spans) != 5 || strings.Contains(got, "hunter2") {
		t.Errorf("%d spans:\n%s", len(spans), got)
	}
}
