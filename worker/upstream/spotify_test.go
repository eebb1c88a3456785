package upstream_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

const bearer = "Authorization: Bearer t"

type track struct {
	ID, Name, URI, Type string
	DurationMS          int `json:"duration_ms"`
	Artists             []struct{ ID, Name string }
	Album               struct {
		Name        string
		ReleaseDate string `json:"release_date"`
	}
	ExternalURLs map[string]string `json:"external_urls"`
}

func (tr track) whole() bool {
	return len(tr.ID) == 22 && tr.URI == "spotify:track:"+tr.ID && tr.Type == "track" && tr.Name != "" && tr.DurationMS > 0 &&
		len(tr.Artists) == 1 && tr.Artists[0].Name != "" && tr.Album.Name != "" && len(tr.Album.ReleaseDate) == 10 &&
		tr.ExternalURLs["spotify"] != ""
}

type paging[T any] struct {
	Items                []T
	Limit, Offset, Total int
	Next, Previous       *string
}

func TestSearch(t *testing.T) {
	s := server(t, roomy())
	next := "http://weir.test/v1/search?type=track&limit=10&q=" + url.QueryEscape("late night & trip hop")
	seen := make(map[string]bool)
	var total int
	for pages := 0; next != ""; pages++ {
		var got struct{ Tracks paging[track] }
		if res := ask(t, s, "GET", next, "", &got, bearer); res.Code != 200 || pages > 10 {
			t.Fatalf("page %d: status %d, want 200 and ten pages at most", pages, res.Code)
		}
		if got.Tracks.Offset != 10*pages || got.Tracks.Limit != 10 || (got.Tracks.Previous == nil) != (pages == 0) {
			t.Fatalf("page %d has another offset or limit, or a wrong link to the previous page: %+v", pages, got.Tracks)
		}
		for _, tr := range got.Tracks.Items {
			if !tr.whole() || seen[tr.ID] {
				t.Fatalf("a track that is incomplete or came twice: %+v", tr)
			}
			seen[tr.ID] = true
		}
		total, next = got.Tracks.Total, ""
		if got.Tracks.Next != nil {
			next = *got.Tracks.Next
		}
	}
	if len(seen) != total {
		t.Errorf("%d tracks over all pages, want the total of %d", len(seen), total)
	}

	var five struct{ Tracks paging[track] }
	ask(t, s, "GET", "/v1/search?q=x&type=track", "", &five, bearer)
	if len(five.Tracks.Items) != 5 {
		t.Errorf("%d tracks unless asked, want 5", len(five.Tracks.Items))
	}
}

func TestAudioFeatures(t *testing.T) {
	id := func(i int) string { return fmt.Sprintf("%022d", i) }
	s := server(t, roomy())
	type features struct {
		ID                             string
		Tempo, Energy, Valence         float64
		Danceability, Loudness         float64
		Key, Mode                      int
		DurationMS                     int `json:"duration_ms"`
		TimeSignature                  int `json:"time_signature"`
		Acousticness, Instrumentalness float64
	}
	var alone features
	if res := ask(t, s, "GET", "/v1/audio-features/"+id(1), "", &alone, bearer); res.Code != 200 || alone.ID != id(1) ||
		alone.Tempo < 70 || alone.Tempo > 180 || alone.Energy < 0 || alone.Energy > 1 || alone.Loudness > -3 || alone.TimeSignature < 3 {
		t.Errorf("audio features of %s: status %d, %+v", id(1), res.Code, alone)
	}
	cfg := roomy()
	cfg.DenyAudioFeatures = true
	denied := server(t, cfg)
	wantSpotifyError(t, denied, "GET", "/v1/audio-features/"+id(1), "", 403)
	if res := one[upstream.Spotify](t, denied); res.Code != 200 {
		t.Errorf("denying audio features costs a search: %d", res.Code)
	}
}

func TestPlaylists(t *testing.T) {
	s := server(t, roomy())
	type entry struct{ Item, Track track }
	read := func(id, query string) (got paging[entry]) {
		t.Helper()
		if res := ask(t, s, "GET", "/v1/playlists/"+id+"/items"+query, "", &got, bearer); res.Code != 200 {
			t.Fatalf("reading %s: status %d, want 200", id, res.Code)
		}
		return got
	}
	sample := read(upstream.SamplePlaylist, "?limit=50")
	if sample.Total != 50 || len(sample.Items) != 50 || sample.Next != nil {
		t.Fatalf("the sample has %d of %d entries on its page, want 50 of 50", len(sample.Items), sample.Total)
	}
	var uris, want []string
	for _, e := range sample.Items {
		if !e.Item.whole() || !cmp.Equal(e.Item, e.Track) {
			t.Fatalf("an entry that is incomplete, or whose item and track differ: %+v", e)
		}
		uris, want = append(uris, e.Item.URI), append(want, e.Item.Name)
	}

	type created struct {
		ID, Name, URI string
		SnapshotID    string            `json:"snapshot_id"`
		ExternalURLs  map[string]string `json:"external_urls"`
		Owner         struct{ ID string }
		Public        bool
	}
	ids := make(map[string]bool)
	for _, public := range []bool{false, true} {
		var p created
		res := ask(t, s, "POST", "/v1/me/playlists", fmt.Sprintf(`{"name":"Mine","description":"d","public":%t}`, public), &p, bearer)
		if res.Code != 201 || len(p.ID) != 22 || p.Name != "Mine" || p.SnapshotID == "" || p.Public != public || p.Owner.ID != "listener" ||
			p.ExternalURLs["spotify"] == "" || p.URI != "spotify:playlist:"+p.ID {
			t.Errorf("a playlist with public %t: status %d, %+v", public, res.Code, p)
		}
		ids[p.ID] = true

		if got := read(p.ID, ""); got.Total != 0 || got.Items == nil {
			t.Errorf("a new playlist has %+v, want an empty list", got)
		}
		var first, second struct {
			SnapshotID string `json:"snapshot_id"`
		}
		if res := ask(t, s, "POST", "/v1/playlists/"+p.ID+"/items", list(uris[10:]), &first, bearer); res.Code != 201 {
			t.Errorf("add at the end: status %d, want 201", res.Code)
		}
		at0 := strings.Replace(list(uris[:10]), "{", `{"position":0,`, 1)
		if res := ask(t, s, "POST", "/v1/playlists/"+p.ID+"/items", at0, &second, bearer); res.Code != 201 {
			t.Errorf("add in front: status %d, want 201", res.Code)
		}
		if first.SnapshotID == "" || first.SnapshotID == p.SnapshotID || first.SnapshotID == second.SnapshotID {
			t.Errorf("the snapshots of three versions are %q, %q, %q, want different ones", p.SnapshotID, first.SnapshotID, second.SnapshotID)
		}
		var names []string
		for offset := 0; offset < 50; offset += 20 { // 20 a page unless asked
			got := read(p.ID, fmt.Sprint("?offset=", offset))
			if got.Total != 50 || (got.Next == nil) != (offset == 40) {
				t.Errorf("page at %d: total %d, next %v, want 50, and no next page only at 40", offset, got.Total, got.Next)
			}
			for _, e := range got.Items {
				names = append(names, e.Item.Name)
			}
		}
		if diff := cmp.Diff(want, names); diff != "" {
			t.Errorf("tracks (-want +got):\n%s", diff)
		}
	}
	if len(ids) != 2 {
		t.Error("two playlists have one id")
	}
}

func list(uris []string) string {
	b, _ := json.Marshal(map[string][]string{"uris": uris})
	return string(b)
}

// TestPlaylistsAreBounded: the oldest created playlist goes, the sample stays.
func TestPlaylistsAreBounded(t *testing.T) {
	s := server(t, roomy())
	var ids []string
	for range 1001 {
		var p struct{ ID string }
		ask(t, s, "POST", "/v1/me/playlists", `{"name":"n"}`, &p, bearer)
		ids = append(ids, p.ID)
	}
	for id, want := range map[string]int{ids[0]: 404, ids[1]: 200, ids[1000]: 200, upstream.SamplePlaylist: 200} {
		if res := ask(t, s, "GET", "/v1/playlists/"+id+"/items", "", nil, bearer); res.Code != want {
			t.Errorf("%s: status %d, want %d", id, res.Code, want)
		}
	}

	uri := "spotify:track:" + strings.Repeat("0", 22)
	hundred := list(strings.Fields(strings.Repeat(uri+" ", 100)))
	for range 100 {
		if res := ask(t, s, "POST", "/v1/playlists/"+ids[1000]+"/items", hundred, nil, bearer); res.Code != 201 {
			t.Fatalf("add: status %d, want 201", res.Code)
		}
	}
	wantSpotifyError(t, s, "POST", "/v1/playlists/"+ids[1000]+"/items", hundred, 400)
}

// TestPlaylistEntriesAreBounded: there is room for a hundred full playlists.
func TestPlaylistEntriesAreBounded(t *testing.T) {
	s := upstream.NewShelf()
	for i := range 101 {
		id := fmt.Sprint(i)
		s.Put(id)
		if i < 100 && !s.Insert(id, 10_000) {
			t.Fatalf("playlist %d was not filled", i)
		}
	}
	if !s.Has("0") {
		t.Error("a playlist was forgotten while there was room")
	}
	s.Insert("100", 1)
	if s.Has("0") || !s.Has("1") || !s.Has("100") {
		t.Errorf("after one entry too many: first %t, second %t, last %t; want the first alone forgotten", s.Has("0"), s.Has("1"), s.Has("100"))
	}
}

func TestSpotifyErrors(t *testing.T) {
	s := server(t, roomy())
	items := "/v1/playlists/" + upstream.SamplePlaylist + "/items"
	uri := "spotify:track:" + strings.Repeat("0", 22)
	for _, tc := range []struct {
		method, target, body string
		status               int
	}{
		{"GET", "/v1/search?type=track", "", 400},
		{"GET", "/v1/search?q=x", "", 400},
		{"GET", "/v1/search?q=x&type=artist", "", 400},
		{"GET", "/v1/search?q=x&type=track&limit=0", "", 400},
		{"GET", "/v1/search?q=x&type=track&limit=11", "", 400},
		{"GET", "/v1/search?q=x&type=track&limit=ten", "", 400},
		{"GET", "/v1/search?q=x&type=track&offset=-1", "", 400},
		{"GET", items + "?limit=51", "", 400},
		{"GET", "/v1/playlists/" + strings.Repeat("0", 22) + "/items", "", 404},
		{"GET", "/v1/audio-features/short", "", 400},
		{"POST", "/v1/me/playlists", "", 400},
		{"POST", "/v1/me/playlists", "{}", 400},
		{"POST", "/v1/me/playlists", "[]", 400},
		{"POST", items, "", 400},
		{"POST", items, "{}", 400},
		{"POST", items, list(strings.Fields(strings.Repeat(uri+" ", 101))), 400},
		{"POST", items, list([]string{"spotify:track:short"}), 400},
		{"POST", items, list([]string{strings.Repeat("0", 22)}), 400},
		{"POST", items, `{"position":51,"uris":["` + uri + `"]}`, 400},
		{"POST", items, `{"position":-1,"uris":["` + uri + `"]}`, 400},
		{"POST", "/v1/playlists/" + strings.Repeat("0", 22) + "/items", list([]string{uri}), 404},
	} {
		wantSpotifyError(t, s, tc.method, tc.target, tc.body, tc.status)
	}
	for _, header := range []string{"X-None: x", "Authorization: Basic x", "Authorization: Bearer "} {
		if res := ask(t, s, "GET", "/v1/search?q=x&type=track", "", nil, header); res.Code != 401 {
			t.Errorf("%s: status %d, want 401", header, res.Code)
		}
	}
}

func wantSpotifyError(t *testing.T, h http.Handler, method, target, body string, status int) {
	t.Helper()
	var got struct {
		Error struct {
			Status  int
			Message string
		}
	}
	res := ask(t, h, method, target, body, &got, bearer)
	if res.Code != status || got.Error.Status != status || got.Error.Message == "" {
		t.Errorf("%s %s: %d %+v, want %d in Spotify's form", method, target, res.Code, got, status)
	}
}
