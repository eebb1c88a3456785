package analysis_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/weir-go/weir/orchestrator"
	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

func sample(t *testing.T) playlist.Playlist {
	t.Helper()
	p, err := playlist.Parse(bytes.NewReader(playlist.Sample()))
	if err != nil {
		t.Fatal(err)
	}
	p.Name = "Sample"
	return p
}

// tracks is a playlist of n tracks, each by an artist of its own.
func tracks(n int) playlist.Playlist {
	var p playlist.Playlist
	for i := range n {
		p.Tracks = append(p.Tracks, playlist.Track{ID: fmt.Sprintf("t%021d", i), Name: fmt.Sprintf("Track %d", i), Artists: []string{fmt.Sprintf("Artist %d", i)}})
	}
	return p
}

func TestAnalyze(t *testing.T) {
	fake := &fakeProviders{}
	b := analyzer(t, fake)
	var news []analysis.Progress
	var running atomic.Bool
	got, err := b.Analyze(t.Context(), sample(t), func(p analysis.Progress) {
		if !running.CompareAndSwap(false, true) {
			t.Error("report is called while it runs")
		}
		news = append(news, p)
		running.Store(false)
	})
	if err != nil {
		t.Fatal(err)
	}

	want(t, map[string]int{"first": 1, "search": 8, "features": 50, "track": 50, "artist": 45, "narrator": 8, "final": 1, "create": 1, "add": 1}, fake.kinds)
	want(t, map[string]int64{"anthropic": 10, "spotify": 60, "lastfm": 95}, got.Calls)
	if got.Tasks != 165 || got.Ended != 165 || got.Failed != 0 {
		t.Errorf("%d tasks, %d ended, %d failed, want 165, 165, 0", got.Tasks, got.Ended, got.Failed)
	}
	if len(b.late.routes) != 0 {
		t.Errorf("%d requests were paid for outside their task", len(b.late.routes))
	}
	if s := b.orchestrator.Snapshot(); s.Done != 165 || s.Pending != 0 {
		t.Errorf("the orchestrator counts %d tasks done, %d pending", s.Done, s.Pending)
	}
	if got.Seconds <= 0 {
		t.Errorf("the result has a duration of %v s, want more than 0", got.Seconds)
	}
	got.Seconds, got.Calls = 0, nil
	want(t, &analysis.Result{
		Playlist: "Sample", Format: "CSV", Tracks: 50, LeftOut: []playlist.LeftOut{}, Title: "Evening drive", Summary: "It holds together.",
		Tags: []analysis.Tag{{Name: "rock", Count: 95}, {Name: "90s", Count: 50}}, SimilarArtists: []string{"Muse"},
		Found:         []analysis.Found{{ID: "0000000000000000000002", Name: "Found s1", Artists: []string{"Muse"}}},
		AudioFeatures: analysis.FeaturesOK, Tempo: new(100.0), Energy: new(0.5), Danceability: new(0.25),
		Created: providers.Created{ID: "new1", URL: "https://open.spotify.com/playlist/new1"}, Added: 51,
		Notes: []string{}, Tasks: 165, Ended: 165,
	}, got)
	checkNews(t, news, 165)
}

// checkNews compares the progress of an analysis with its documentation.
func checkNews(t *testing.T, news []analysis.Progress, tasks int) {
	t.Helper()
	var order []string
	last := map[string]analysis.Progress{}
	ended, all := 0, 0
	for _, p := range news {
		before, known := last[p.Phase]
		if !known {
			order = append(order, p.Phase)
			if p.Done != 0 && p.Phase != analysis.PhaseNarrator || p.Total == 0 {
				t.Errorf("phase %s begins with %+v", p.Phase, p)
			}
		}
		if p.Done < before.Done || p.Done > before.Done+1 || p.Done > p.Total || p.AllDone < all || p.AllDone > p.AllTotal {
			t.Errorf("%+v after %+v and %d in all", p, before, all)
		}
		ended += p.Done - before.Done
		all, last[p.Phase] = p.AllDone, p
	}
	for phase, p := range last {
		if p.Done != p.Total {
			t.Errorf("phase %s ends at %d of %d", phase, p.Done, p.Total)
		}
	}
	final := news[len(news)-1]
	if ended != tasks || final.AllDone != tasks || final.AllTotal != tasks {
		t.Errorf("%d tasks were reported, at last %d of %d, want %d", ended, final.AllDone, final.AllTotal, tasks)
	}
	// The three in the middle begin in any order, and comments come at any time.
	slices.Sort(order[slices.Index(order, analysis.PhaseSearch)+1 : slices.Index(order, analysis.PhaseSummary)])
	order = slices.DeleteFunc(order, func(phase string) bool { return phase == analysis.PhaseNarrator })
	phases := []string{"plan", "search", "artists", "features", "tracks", "summary", "create", "fill"}
	if order[0] == analysis.PhaseNames {
		phases = slices.Insert(phases, 0, analysis.PhaseNames)
	}
	want(t, phases, order)
}

func TestAnalyzeWithoutReport(t *testing.T) {
	if _, err := analyzer(t, &fakeProviders{}).Analyze(t.Context(), tracks(1), nil); err != nil {
		t.Error(err)
	}
}

func TestAudioFeaturesDenied(t *testing.T) {
	fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Kind") == "features" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = w.Write([]byte(`{"error":{"status":403,"message":"Forbidden"}}`))
		}
	}}
	var news []analysis.Progress
	p := tracks(300)
	got, err := analyzer(t, fake).Analyze(t.Context(), p, func(p analysis.Progress) { news = append(news, p) })
	if err != nil {
		t.Fatal(err)
	}
	if n := fake.kinds["features"]; n < 1 || n > orchestrator.DefaultSlots { // requests that are under way before the first answer
		t.Errorf("%d requests for audio features, which Spotify denies, want a few", n)
	}
	if n := fake.kinds["track"]; n != len(p.Tracks) {
		t.Errorf("asked Last.fm about %d tracks, want %d: nothing else is denied", n, len(p.Tracks))
	}
	want(t, []string{"Spotify denies audio features to this application; tempo, energy and danceability are missing"}, got.Notes)
	if got.Title == "" || got.Created.ID == "" || got.FailedLookups != 0 || got.Ended != got.Tasks || got.Failed != len(p.Tracks) {
		t.Errorf("result %+v, want a playlist, and only the audio features missing", got)
	}
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(text); !strings.Contains(s, `"audio_features":"denied","tempo":null,"energy":null,"danceability":null`) {
		t.Errorf("the result as JSON does not have denied features: %s", s)
	}
	checkNews(t, news, got.Tasks)
}

func TestFailedLookupsCostThemselves(t *testing.T) {
	fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		switch {
		case r.PostForm.Get("track") == "Track 3", r.PostForm.Get("artist") == "Artist 5" && r.PostForm.Get("track") == "":
			w.WriteHeader(http.StatusOK)
			_, _ = w.Write([]byte(`{"error":6,"message":"not found"}`))
		case r.PostForm.Get("track") == "Track 4":
			_, _ = w.Write([]byte(`{"error":7,"message":"invalid resource"}`))
			w.WriteHeader(http.StatusOK)
		case strings.HasSuffix(r.URL.Path, "7"), r.Form.Get("q") == "s2":
			w.WriteHeader(http.StatusNotFound)
		}
	}}
	got, err := analyzer(t, fake).Analyze(t.Context(), tracks(10), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, 3, got.FailedLookups)
	want(t, []string{
		"searches: 1 failed, the first: spotify: 404 Not Found",
		"audio features: 1 failed, the first: spotify: 404 Not Found",
		"tracks on Last.fm: 1 failed, the first: lastfm: 200 (7): invalid resource",
		"Last.fm does not know 1 of the tracks and 1 of the artists",
	}, got.Notes)
	if got.Failed != 3 || got.Tags[0].Count != 17 || got.AudioFeatures != analysis.FeaturesOK || *got.Tempo != 100 {
		t.Errorf("result %+v, want 3 failed tasks, and the rest of the facts", got)
	}
}

func TestStepsThatFailTheAnalysis(t *testing.T) {
	for kind, step := range map[string]string{"first": "first question", "final": "final question"} {
		t.Run(step, func(t *testing.T) {
			fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Kind") == kind {
					w.WriteHeader(http.StatusServiceUnavailable)
				}
			}}
			got, err := analyzer(t, fake).Analyze(t.Context(), tracks(3), nil)
			failure, ok := errors.AsType[*analysis.StepError](err)
			if !ok || failure.Step != step || !strings.HasPrefix(err.Error(), "analysis: "+step+": ") {
				t.Errorf("error %v, want a StepError of %q", err, step)
			}
			if cause, ok := errors.AsType[*providers.APIError](err); !ok || cause.Status != http.StatusServiceUnavailable {
				t.Errorf("error %v, want one that wraps the provider's", err)
			}
			calls := 0
			for _, n := range got.Calls {
				calls += int(n)
			}
			if got.Tasks == 0 || got.Ended != got.Tasks || got.Failed == 0 || calls == 0 || got.Created.ID != "" {
				t.Errorf("result %+v, want all tasks ended, some failed, and no playlist", got)
			}
		})
	}
	t.Run("no tracks", func(t *testing.T) {
		got, err := analyzer(t, &fakeProviders{}).Analyze(t.Context(), playlist.Playlist{}, nil)
		if _, ok := errors.AsType[*analysis.StepError](err); !ok || got == nil {
			t.Errorf("an empty playlist: result %v, error %v, want a StepError and a result", got, err)
		}
	})
}

func TestPlaylistThatCannotBeFilled(t *testing.T) {
	fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Kind") == "add" {
			w.WriteHeader(http.StatusBadRequest)
		}
	}}
	got, err := analyzer(t, fake).Analyze(t.Context(), tracks(150), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, []string{"the playlist is not filled: spotify: 400 Bad Request"}, got.Notes)
	if got.Added != 0 || got.Created.ID != "new1" || fake.kinds["add"] != 1 {
		t.Errorf("%d tracks added in %d calls to %q, want none in one call to new1", got.Added, fake.kinds["add"], got.Created.ID)
	}
}

func TestNarratorCostsItself(t *testing.T) {
	fake := &fakeProviders{intercept: func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Kind") == "narrator" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}}
	got, err := analyzer(t, fake).Analyze(t.Context(), tracks(20), nil)
	if err != nil || got.Failed != 8 || got.Ended != got.Tasks || len(got.Notes) != 0 {
		t.Errorf("result %+v, error %v, want 8 failed tasks and no notes", got, err)
	}
}

func TestCancelledAnalysis(t *testing.T) {
	for _, kind := range []string{"first", "search", "features", "track", "final", "create", "add", "narrator"} {
		t.Run(kind, func(t *testing.T) {
			reached := make(chan struct{})
			var once sync.Once
			fake := &fakeProviders{intercept: func(_ http.ResponseWriter, r *http.Request) {
				if r.Header.Get("X-Kind") == kind {
					once.Do(func() { close(reached) })
					<-r.Context().Done()
				}
			}}
			b := analyzer(t, fake)
			errGone := errors.New("the client has gone")
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			var cancelled time.Time
			go func() {
				<-reached
				cancelled = time.Now()
				cancel(errGone)
			}()
			after := 0
			got, err := b.Analyze(ctx, tracks(30), func(analysis.Progress) {
				if ctx.Err() != nil {
					after++
				}
			})
			if took := time.Since(cancelled); took > 2*time.Second {
				t.Errorf("Analyze returned %v after the cancellation, want 2 s at most", took)
			}
			if !errors.Is(err, errGone) {
				t.Errorf("error %v, want the cause", err)
			}
			if got.Tasks == 0 || got.Ended != got.Tasks {
				t.Errorf("%d of %d tasks ended", got.Ended, got.Tasks)
			}
			if s := b.orchestrator.Snapshot(); s.Pending+s.InFlight != 0 {
				t.Errorf("tasks are left in the orchestrator: %+v", s)
			}
			if after > 1 { // one may be on its way at that moment
				t.Errorf("report was called %d times after the end", after)
			}
		})
	}
}

func TestReportPanics(t *testing.T) {
	b := analyzer(t, &fakeProviders{})
	defer func() {
		if v := recover(); v != "broken bar" {
			t.Errorf("Analyze panicked with %v, want the panic of report", v)
		}
		if s := b.orchestrator.Snapshot(); s.Pending+s.InFlight != 0 {
			t.Errorf("tasks are left in the orchestrator: %+v", s)
		}
	}()
	_, err := b.Analyze(t.Context(), tracks(30), func(p analysis.Progress) {
		if p.Phase == analysis.PhaseTracks {
			panic("broken bar")
		}
	})
	t.Errorf("Analyze returned %v, want the panic of report", err)
}

func TestAnalysesShareAnOrchestrator(t *testing.T) {
	fake := &fakeProviders{}
	b := analyzer(t, fake)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			got, err := b.Analyze(t.Context(), tracks(20), func(analysis.Progress) {})
			if err != nil || got.Ended != got.Tasks || got.Failed != 0 || got.Tags[0].Count != 40 {
				t.Errorf("result %+v, error %v, want all tasks ended and none failed", got, err)
			}
		})
	}
	all.Wait()
	want(t, 80, fake.kinds["track"])
}

func TestWhatIsAskedFor(t *testing.T) {
	t.Run("of what has no id or no artist", func(t *testing.T) {
		fake := &fakeProviders{}
		p := playlist.Playlist{Tracks: []playlist.Track{
			{Name: "Demo", Artists: []string{"Me"}}, {Name: "Noise"}, {ID: id1, Name: "Creep", Artists: []string{"Radiohead", "me"}},
		}}
		got, err := analyzer(t, fake).Analyze(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		kinds := maps.Clone(fake.kinds)
		delete(kinds, "narrator")
		want(t, map[string]int{"first": 1, "search": 8, "features": 1, "track": 2, "artist": 2, "final": 1, "create": 1, "add": 1}, kinds)
		want(t, 2, got.Added) // the track that was found, and the track with an id
	})
	t.Run("of many", func(t *testing.T) {
		fake := &fakeProviders{}
		got, err := analyzer(t, fake).Analyze(t.Context(), tracks(250), nil)
		if err != nil {
			t.Fatal(err)
		}
		want(t, 250, fake.kinds["features"])
		want(t, 45, fake.kinds["artist"])
		want(t, 200, got.Added)
		want(t, []int{100, 100}, []int{len(fake.added[0]), len(fake.added[1])})
		want(t, "spotify:track:0000000000000000000002", fake.added[0][0]) // found tracks come before those of the playlist
	})
}

func TestModelAnswers(t *testing.T) {
	ten := []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "j"}
	list := func(searches ...string) string {
		b, err := json.Marshal(object{"searches": searches})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	track := playlist.Playlist{Tracks: []playlist.Track{{ID: id1, Name: "Creep", Artists: []string{"Radiohead"}, Album: "Pablo Honey"}}}
	fill := []string{"Radiohead", "Creep Radiohead", "Pablo Honey", "Creep", "Creep live"}
	for name, tc := range map[string]struct {
		answer string
		want   []string
		noted  bool
	}{
		"ten":             {answer: list(ten...), want: ten},
		"twelve":          {answer: list(append(slices.Clone(ten), "k", "l")...), want: ten},
		"twice the same":  {answer: list("a", "A", " a ", "b", "c", "d", "e"), want: ten[:5]},
		"a fence":         {answer: "```json\n" + list(ten[:6]...) + "\n```", want: ten[:6]},
		"prose around":    {answer: "Sure {smile}! Here: " + list(ten[:5]...) + " Enjoy {}!", want: ten[:5]},
		"another object":  {answer: `{"mood":"calm"} ` + list(ten[:5]...), want: ten[:5]},
		"objects":         {answer: `{"searches":[{"query":"a"},{"query":"b"},"c",7,null,"d",{"q":"x"},"e"]}`, want: ten[:5]},
		"two":             {answer: list("a", "b"), want: append([]string{"a", "b"}, fill[:3]...)},
		"none":            {answer: list(), want: fill, noted: true},
		"prose":           {answer: "I would search for calm songs.", want: fill, noted: true},
		"a number":        {answer: `{"searches":3}`, want: fill, noted: true},
		"cut off":         {answer: `{"searches":["a","b"`, want: fill, noted: true},
		"a long one":      {answer: list(strings.Repeat("x", 500), "b", "c", "d", "e"), want: []string{strings.Repeat("x", 99) + "…", "b", "c", "d", "e"}},
		"many braces":     {answer: strings.Repeat("{ ", 100) + list(ten...), want: fill, noted: true},
		"a mass of it":    {answer: strings.Repeat("{", 1<<20), want: fill, noted: true},
		"far too far off": {answer: strings.Repeat("x", 1<<17) + list(ten...), want: fill, noted: true},
	} {
		t.Run(name, func(t *testing.T) {
			fake := &fakeProviders{plan: tc.answer}
			got, err := analyzer(t, fake).Analyze(t.Context(), track, nil)
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(fake.searches)
			want(t, slices.Sorted(slices.Values(tc.want)), fake.searches)
			if noted := len(got.Notes) != 0; noted != tc.noted {
				t.Errorf("notes %q, want some: %t", got.Notes, tc.noted)
			}
		})
	}

	for name, tc := range map[string]struct{ answer, title, summary string }{
		"a fence": {"```\n{\"summary\":\"Two\\nlines.\",\"title\":\"T\"}\n```", "T", "Two lines."},
		"prose":   {"It is\ncalm.", "More of an untitled playlist", "It is calm."},
		"half":    {`{"summary":"Calm."}`, "More of an untitled playlist", "Calm."},
		"a long title": {
			`{"title":"` + strings.Repeat("t", 300) + `","summary":"Calm."}`, strings.Repeat("t", 99) + "…", "Calm.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := analyzer(t, &fakeProviders{verdict: tc.answer}).Analyze(t.Context(), track, nil)
			if err != nil {
				t.Fatal(err)
			}
			want(t, tc.title, got.Title)
			want(t, tc.summary, got.Summary)
		})
	}
}

// Names come from strangers. No name may look like a part of the prompt.
func TestPromptsQuoteNothing(t *testing.T) {
	p := playlist.Playlist{Name: `a "summary"`, Tracks: []playlist.Track{{ID: id1, Name: `"searches"` + strings.Repeat("x", 900), Artists: []string{`"summary"`}}}}
	fake := &fakeProviders{plan: `{"searches":["\"summary\"","b","c","d","e"]}`, verdict: `{"title":"\"searches\"","summary":"x"}`}
	if _, err := analyzer(t, fake).Analyze(t.Context(), p, nil); err != nil {
		t.Fatal(err)
	}
	if fake.kinds["first"] != 1 || fake.kinds["final"] != 1 || fake.kinds["narrator"] < 5 {
		t.Errorf("the model takes one kind of prompt for another: %v", fake.kinds)
	}
}

// tripFunc is a transport of one function.
type tripFunc func(*http.Request) (*http.Response, error)

func (f tripFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A call that ignores its context is given up after a while, and counted as not ended.
func TestStuckCallHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		stuck := tripFunc(func(*http.Request) (*http.Response, error) {
			<-release
			return nil, errors.New("released")
		})
		lim, o := fleet(t)
		const local = "http://localhost:1"
		clients, err := providers.NewClients(providers.ClientConfig{AnthropicURL: local, SpotifyURL: local, LastFMURL: local, Limiter: lim, Base: stuck})
		if err != nil {
			t.Fatal(err)
		}
		errGone := errors.New("the client has gone")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			synctest.Wait()
			cancel(errGone)
		}()
		start := time.Now()
		got, err := analysis.NewAnalyzer(o, clients).Analyze(ctx, tracks(3), nil)
		if !errors.Is(err, errGone) {
			t.Errorf("error %v, want the cause", err)
		}
		want(t, 5*time.Second, time.Since(start))
		if got.Tasks != 2 || got.Ended != 0 { // the first question and the first comment
			t.Errorf("%d of %d tasks ended, want 0 of 2", got.Ended, got.Tasks)
		}
		close(release)
	})
}
