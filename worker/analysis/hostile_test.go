package analysis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
)

// TestHostileNumbers: a lookup with an impossible number fails alone, and the result can be written as JSON whatever a provider answers.
func TestHostileNumbers(t *testing.T) {
	numbers := []string{"1e308", "-1e308", "1e400", "-1", "1e17", "1001", "9223372036854775808"}
	for _, field := range []string{"tempo", "energy", "danceability"} {
		for _, number := range numbers {
			fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Kind") == "features" {
					features := map[string]json.RawMessage{"tempo": json.RawMessage("100"), "energy": json.RawMessage("0.5"), "danceability": json.RawMessage("0.5")}
					features[field] = json.RawMessage(number)
					w.WriteHeader(http.StatusOK)
					_, _ = fmt.Fprintf(w, `{"tempo":%s,"energy":%s,"danceability":%s}`, features["tempo"], features["energy"], features["danceability"])
				}
			}}
			got, err := analyzer(t, fake).Analyze(t.Context(), tracks(2), nil)
			if err != nil {
				t.Fatalf("%s %s: Analyze: %v", field, number, err)
			}
			if _, err := json.Marshal(got); err != nil {
				t.Errorf("%s %s: the result as JSON: %v", field, number, err)
			}
			if got.FailedLookups != 2 || got.Tempo != nil {
				t.Errorf("%s %s: %d lookups failed, tempo %v, want 2 failed and no tempo", field, number, got.FailedLookups, got.Tempo)
			}
		}
	}
}

// TestHostileLengths: the largest result is bounded, whatever the length of what providers answer.
func TestHostileLengths(t *testing.T) {
	long := strings.Repeat("<>&", 400) // JSON writes six bytes for each of these characters, the most for any
	var artists, named []any
	for i := range 30 {
		artists = append(artists, object{"name": fmt.Sprint(i, long[:300])})
		named = append(named, object{"name": fmt.Sprint(i, long)})
	}
	fake := &fakeProviders{
		plan:    `{"searches":["s1","s2","s3","s4","s5","s6","s7","s8","s9","s10","s11"]}`,
		verdict: fmt.Sprintf(`{"title":%q,"summary":%q}`, long, long),
		found: func(q string) (found []any) {
			for i := range 40 {
				found = append(found, object{"id": fmt.Sprintf("%s%020d", q, i), "name": long, "artists": artists})
			}
			return append(found, object{"id": strings.Repeat("1", 1<<20), "name": "an id without end"})
		},
		intercept: func(w http.ResponseWriter, r *http.Request) {
			switch r.Header.Get("X-Kind") {
			case "create":
				w.WriteHeader(http.StatusOK)
				_ = json.NewEncoder(w).Encode(object{"id": "new1", "external_urls": object{"spotify": "https://" + strings.Repeat("x", 1<<20)}})
			case "artist":
				w.WriteHeader(http.StatusOK)
				_ = json.NewEncoder(w).Encode(object{"artist": object{"tags": object{"tag": named}, "similar": object{"artist": named}}})
			}
		},
	}
	got, err := analyzer(t, fake).Analyze(t.Context(), playlist.Playlist{Name: long, Tracks: tracks(3).Tracks}, nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("a result of %d bytes with %d tracks found", len(text), len(got.Found))
	if len(got.Found) != 100 || len(text) > 1<<19 {
		t.Errorf("%d bytes with %d tracks found, want at most 512 KiB, and the 100 tracks of ten searches", len(text), len(got.Found))
	}
}

// faulty is a limiter that panics at one of its calls.
type faulty struct {
	*limiter.Limiter
	at    int64
	calls atomic.Int64
}

func (f *faulty) Check(route string, n int64, opts ...limiter.Option) error {
	if f.calls.Add(1) == f.at {
		panic("a fault of this test")
	}
	return f.Limiter.Check(route, n, opts...)
}

// TestNoPanicOfAnAnalysisEndsTheProcess: wherever a goroutine of an analysis panics, Analyze returns. If the analysis needs the lost result,
// Analyze returns an error with the panic.
func TestNoPanicOfAnAnalysisEndsTheProcess(t *testing.T) {
	clients, _ := serve(t, (&fakeProviders{}).ServeHTTP)
	lim, _ := fleet(t)
	failures := 0
	for at := int64(1); ; at++ {
		f := &faulty{Limiter: lim, at: at}
		o, err := orchestrator.New(orchestrator.Config{Limiter: f})
		if err != nil {
			t.Fatal(err)
		}
		_, err = analysis.NewAnalyzer(o, clients).Analyze(t.Context(), tracks(2), nil)
		if fault, ok := errors.AsType[*orchestrator.PanicError](err); ok {
			failures++
			if _, ok := errors.AsType[*analysis.StepError](err); !ok || fault.Value != "a fault of this test" || len(fault.Stack) == 0 {
				t.Errorf("a panic at call %d: %v, want a StepError with the panic", at, err)
			}
		} else if err != nil {
			t.Errorf("a panic at call %d: %v, want a result or the panic", at, err)
		}
		if err := o.Close(t.Context()); err != nil {
			t.Error(err)
		}
		if f.calls.Load() < at {
			break // the analysis makes fewer calls than at
		}
	}
	if failures < 6 { // first question, search, three batches, final question, creation; the others are comments
		t.Errorf("%d analyses failed, want 6 or more", failures)
	}
}
