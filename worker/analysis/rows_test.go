package analysis_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-go/weir/worker/analysis"
	"github.com/weir-go/weir/worker/playlist"
)

func read(t *testing.T, text string) playlist.Playlist {
	t.Helper()
	p, err := playlist.Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestEachQuestionOnce: an analysis makes one lookup for equal rows of a playlist, whatever makes them equal.
func TestEachQuestionOnce(t *testing.T) {
	const heading = "Track URI,Track Name,Artist Name(s),Duration (ms)\n"
	id := func(n int) string { return fmt.Sprintf("%022d", n) }
	repeat := func(row func(i int) string) string {
		text := heading
		for i := range 500 {
			text += row(i) + "\n"
		}
		return text
	}
	links := func(of func(i int) string) string { return strings.TrimPrefix(repeat(of), heading) }
	for _, tc := range []struct {
		name                                      string
		text                                      string
		names, features, tracks, artists, repeats int
	}{
		{"500 equal rows", repeat(func(int) string { return id(1) + ",Creep,Radiohead,238000" }), 0, 1, 1, 1, 499},
		{"500 equal rows without an id", repeat(func(int) string { return ",Creep,Radiohead,238000" }), 0, 0, 1, 1, 499},
		{"500 equal rows, written in ways", repeat(func(i int) string {
			return []string{id(1), "spotify:track:" + id(1), "https://open.spotify.com/track/" + id(1) + "?si=x"}[i%3] + ",Creep,Radiohead," + fmt.Sprint(i)
		}), 0, 1, 1, 1, 499},
		{"500 equal rows, in capitals", repeat(func(i int) string { return []string{",Creep,Radiohead,", ",CREEP,radiohead,"}[i%2] }), 0, 0, 1, 1, 499},
		{"500 ids of one song", repeat(func(i int) string { return id(i) + ",Creep,Radiohead,238000" }), 0, 500, 1, 1, 0},
		{"500 songs of one artist", repeat(func(i int) string { return fmt.Sprintf("%s,Song %d,Radiohead,", id(i), i) }), 0, 500, 500, 1, 0},
		{"500 equal links", links(func(int) string { return "https://open.spotify.com/track/" + id(1) }), 1, 1, 1, 1, 499},
	} {
		fake := &fakeProviders{}
		got, err := analyzer(t, fake).Analyze(t.Context(), read(t, tc.text), nil)
		if err != nil {
			t.Fatalf("%s: Analyze: %v", tc.name, err)
		}
		t.Logf("%-32s names %d, audio features %d, Last.fm tracks %d, artists %d; all calls of Spotify %d", tc.name,
			fake.kinds["name"], fake.kinds["features"], fake.kinds["track"], fake.kinds["artist"], got.Calls["spotify"])
		asked := map[string]int{"name": tc.names, "features": tc.features, "track": tc.tracks, "artist": tc.artists}
		for kind, n := range asked {
			if fake.kinds[kind] != n {
				t.Errorf("%s: %d calls for %s, want %d", tc.name, fake.kinds[kind], kind, n)
			}
		}
		if got.Tracks != 500 || got.Repeated != tc.repeats || got.Ended != got.Tasks || (len(got.Notes) != 0) != (tc.features == 0) {
			t.Errorf("%s: result %+v", tc.name, got)
		}
		added := map[string]bool{}
		for _, chunk := range fake.added {
			for _, uri := range chunk {
				if added[uri] {
					t.Errorf("%s: %s is added twice", tc.name, uri)
				}
				added[uri] = true
			}
		}
	}
}

// TestNamesOfLinks: names are looked up first, and a track that Spotify does not know is left out alone.
func TestNamesOfLinks(t *testing.T) {
	ids := []string{"1000000000000000000001", "2000000000000000000002", "3000000000000000000003"}
	unknown := func(all ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			for _, id := range all {
				if r.URL.Path == "/v1/tracks/"+id {
					w.WriteHeader(http.StatusNotFound)
				}
			}
		}
	}
	fake := &fakeProviders{intercept: unknown(ids[1])}
	var news []analysis.Progress
	got, err := analyzer(t, fake).Analyze(t.Context(), read(t, strings.Join(ids, "\n")), func(p analysis.Progress) { news = append(news, p) })
	if err != nil {
		t.Fatal(err)
	}
	want(t, []string{"names of tracks: 1 failed, the first: spotify: 404 Not Found"}, got.Notes)
	if fake.kinds["name"] != 3 || fake.kinds["features"] != 2 || fake.kinds["track"] != 2 || fake.kinds["artist"] != 1 || got.Tracks != 3 || got.FailedLookups != 1 {
		t.Errorf("calls %v, result %+v", fake.kinds, got)
	}
	if news[0].Phase != analysis.PhaseNames || news[0].Text != "Asking Spotify for 3 tracks that the playlist gives without names." {
		t.Errorf("the first progress is %+v", news[0])
	}
	checkNews(t, news, got.Tasks)

	got, err = analyzer(t, &fakeProviders{intercept: unknown(ids...)}).Analyze(t.Context(), read(t, strings.Join(ids, "\n")), nil)
	if failure, ok := errors.AsType[*analysis.StepError](err); !ok || failure.Step != "names of the tracks" || !strings.Contains(err.Error(), "404") || got.Calls["anthropic"] != 0 || got.Calls["lastfm"] != 0 {
		t.Errorf("error %v, result %+v", err, got)
	}
}

// TestResultNamesWhatIsLeftOut: a sentence at the beginning names the number, and the result names the rows.
func TestResultNamesWhatIsLeftOut(t *testing.T) {
	list := read(t, "Track URI,Track Name,Artist Name(s)\n1000000000000000000001,Creep,Radiohead\n1000000000000000000001,Creep,Radiohead\n"+
		"spotify:local:::,Demo,Me\nspotify:episode:x,Talk,\n2000000000000000000002,,\nspotify:episode:y,More talk,\n")
	var texts []string
	got, err := analyzer(t, &fakeProviders{}).Analyze(t.Context(), list, func(p analysis.Progress) { texts = append(texts, p.Text) })
	if err != nil {
		t.Fatal(err)
	}
	want(t, "Reading 1 track, each once though the playlist has 2 rows. Left out: 1 local file, 2 episodes, 1 withdrawn track.", texts[0])
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	const left = `"tracks":2,"repeated":1,"left_out":[{"why":"local file","count":1,"rows":[{"line":4,"name":"Demo"}]},` +
		`{"why":"episode","count":2,"rows":[{"line":5,"name":"Talk"},{"line":7,"name":"More talk"}]},` +
		`{"why":"withdrawn","count":1,"rows":[{"line":6,"name":"2000000000000000000002"}]}]`
	if !strings.Contains(string(text), left) {
		t.Errorf("the result is %s, without %s", text, left)
	}
}
