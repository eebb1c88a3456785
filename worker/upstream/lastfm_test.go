package upstream_test

import (
	"net/url"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/upstream"
)

func count(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 {
		t.Errorf("%q is no number", s)
	}
	return n
}

func TestTrackInfo(t *testing.T) {
	type answer struct {
		Track struct {
			Name, Duration, Listeners, Playcount string // numbers come as strings
			Artist                               struct{ Name, URL string }
			Album                                struct{ Artist, Title string }
			TopTags                              struct{ Tag []struct{ Name, URL string } }
		}
	}
	s := server(t, roomy())
	params := url.Values{"method": {"track.getInfo"}, "artist": {"Sigur Rós"}, "track": {"Untitled & 4"}, "api_key": {"k"}, "format": {"json"}}
	var got answer
	if res := ask(t, s, "GET", "/2.0/?"+params.Encode(), "", &got); res.Code != 200 {
		t.Fatalf("track.getInfo: status %d, want 200", res.Code)
	}
	tr := got.Track
	if tr.Name != "Untitled & 4" || tr.Artist.Name != "Sigur Rós" || tr.Album.Title == "" || len(tr.TopTags.Tag) < 2 || tr.TopTags.Tag[0].Name == "" {
		t.Errorf("an incomplete track, or another one: %+v", tr)
	}
	if count(t, tr.Playcount) < count(t, tr.Listeners) || count(t, tr.Duration) < 120_000 {
		t.Errorf("%s plays by %s listeners, %s ms; want no fewer plays than listeners, and two minutes at least", tr.Playcount, tr.Listeners, tr.Duration)
	}

	form := "Content-Type: application/x-www-form-urlencoded"
	for name, send := range map[string]func(*answer){
		"form":          func(a *answer) { ask(t, s, "POST", "/2.0/", params.Encode(), a, form) },
		"without slash": func(a *answer) { ask(t, s, "POST", "/2.0", params.Encode(), a, form) },
		"form over query": func(a *answer) {
			ask(t, s, "POST", "/2.0/?method=x&format=json&api_key=k", "method=track.getInfo&"+url.Values{"artist": params["artist"], "track": params["track"]}.Encode(), a, form)
		},
	} {
		var again answer
		send(&again)
		if diff := cmp.Diff(got, again); diff != "" {
			t.Errorf("%s (-query +got):\n%s", name, diff)
		}
	}
}

func TestArtistInfo(t *testing.T) {
	var got struct {
		Artist struct {
			Name    string
			Stats   struct{ Listeners, Playcount string }
			Similar struct{ Artist []struct{ Name string } }
			Tags    struct{ Tag []struct{ Name string } }
			Bio     struct{ Summary string }
		}
	}
	s := server(t, roomy())
	ask(t, s, "GET", "/2.0/?method=artist.getinfo&artist=Cher&api_key=k&format=json", "", &got)
	a := got.Artist
	if a.Name != "Cher" || len(a.Similar.Artist) == 0 || len(a.Tags.Tag) < 2 || a.Bio.Summary == "" {
		t.Errorf("an incomplete artist, or another one: %+v", a)
	}
	if count(t, a.Stats.Playcount) < count(t, a.Stats.Listeners) {
		t.Errorf("%s plays by %s listeners, want no fewer plays than listeners", a.Stats.Playcount, a.Stats.Listeners)
	}
}

func TestLastFMErrors(t *testing.T) {
	type answer struct {
		Error   int
		Message string
	}
	s := server(t, roomy())
	for query, code := range map[string]int{
		"method=track.getInfo&artist=a&track=b&format=json":                   10,
		"method=track.getInfo&artist=a&track=b&format=json&api_key=":          10,
		"method=track.getInfo&artist=a&track=b&api_key=k":                     6,
		"method=track.getInfo&artist=a&format=json&api_key=k":                 6,
		"method=track.getInfo&track=b&format=json&api_key=k":                  6,
		"method=track.getInfo&artist=a&track=[unknown]&format=json&api_key=k": 6,
		"method=artist.getInfo&format=json&api_key=k":                         6,
		"method=artist.getInfo&artist=[Unknown]&format=json&api_key=k":        6,
		"method=artist.getNothing&artist=a&format=json&api_key=k":             3,
		"format=json&api_key=k":                                               3,
	} {
		var got answer
		if res := ask(t, s, "GET", "/2.0/?"+query, "", &got); res.Code != 200 || got.Error != code || got.Message == "" {
			t.Errorf("%s: %d %+v, want error %d inside 200", query, res.Code, got, code)
		}
	}

	cfg := roomy()
	cfg.Failures = 1
	failing := server(t, cfg)
	seen := make(map[int]bool)
	for range 20 {
		var got answer
		if res := ask(t, failing, "GET", "/2.0/?method=artist.getInfo", "", &got); res.Code != 200 {
			t.Errorf("status %d, want 200", res.Code)
		}
		seen[got.Error] = true
	}
	if !cmp.Equal(seen, map[int]bool{11: true, 16: true}) {
		t.Errorf("injected errors %v, want 11 and 16", seen)
	}

	strict := server(t, upstream.Config{Total: upstream.Limit{Rate: 1, Burst: 1}})
	var got answer
	one[upstream.LastFM](t, strict)
	if res := ask(t, strict, "GET", "/2.0/?method=artist.getInfo", "", &got); res.Code != 429 || res.Header().Get("Retry-After") != "1" || got.Error != 29 {
		t.Errorf("refusal: %d, Retry-After %q, %+v; want 429, 1, error 29", res.Code, res.Header().Get("Retry-After"), got)
	}
}
