package worker_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/weir-go/weir/worker/analysis"
)

const twoPlaylists = "Track name,Artist name,Playlist name,Type,Spotify - id\n" +
	"Creep,Radiohead,Morning,Playlist,1000000000000000000001\n" +
	"Talk,A host,Morning,Podcast,\n" +
	"Karma Police,Radiohead,Evening,Playlist,2000000000000000000002\n"

// TestPlaylistsOfAClient: a client that sends a file can choose one of several playlists in it. The first sentence and the result name the rows
// that were left out.
func TestPlaylistsOfAClient(t *testing.T) {
	r := start(t, nil)
	send := func(query string, headers ...string) *http.Response {
		return r.do(t, http.MethodPost, "/v1/playlists/analyze"+query, strings.NewReader(twoPlaylists), func(req *http.Request) {
			for _, h := range headers {
				name, value, _ := strings.Cut(h, ": ")
				req.Header.Set(name, value)
			}
		})
	}
	refused := func(res *http.Response, status int, words string) {
		t.Helper()
		body, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != status || !strings.Contains(string(body), words) {
			t.Errorf("status %s, body %s, error %v, want %d with %q", res.Status, body, err, status, words)
		}
	}
	refused(send(""), http.StatusBadRequest, `the input holds 2 playlists; choose one by its name: \"Morning\", \"Evening\", in the query: ?playlist=NAME`)
	refused(send("?playlist=Night"), http.StatusBadRequest, `the input holds no playlist \"Night\"`)

	all := events(t, send("?playlist=morning", "Idempotency-Key: k").Body)
	var texts []string
	for _, e := range all {
		if e.Name == "thinking" {
			texts = append(texts, string(e.Data))
		}
	}
	if len(texts) == 0 || texts[0] != `{"text":"Reading 1 track. Left out: 1 episode."}` {
		t.Errorf("the first sentences are %v, want what was left out", texts)
	}
	first := result(t, all)
	if first.Playlist != "Morning" || first.Format != "CSV" || first.Tracks != 1 || len(first.LeftOut) != 1 || first.LeftOut[0].Why != "episode" || first.LeftOut[0].Rows[0].Line != 3 {
		t.Errorf("result %+v, want one track of Morning, and one episode left out", first)
	}
	if again := result(t, events(t, send("?playlist=morning", "Idempotency-Key: k").Body)); again.Created != first.Created {
		t.Errorf("the same request made another playlist: %+v", again.Created)
	}
	refused(send("?playlist=evening", "Idempotency-Key: k"), http.StatusUnprocessableEntity, "")
}

// TestLinksOfAClient: links alone are a playlist, whose names come from Spotify.
func TestLinksOfAClient(t *testing.T) {
	r := start(t, nil)
	links := "https://open.spotify.com/track/1000000000000000000001\nspotify:track:2000000000000000000002\n"
	res := r.do(t, http.MethodPost, "/v1/playlists/analyze", strings.NewReader(links), func(req *http.Request) { req.Header.Set("Content-Type", "text/uri-list") })
	got := result(t, events(t, res.Body))
	if got.Tracks != 2 || got.Format != "links" || len(got.Notes) != 0 || got.AudioFeatures != analysis.FeaturesOK || got.Tempo == nil {
		t.Errorf("result %+v, want two tracks of links with audio features", got)
	}
}
