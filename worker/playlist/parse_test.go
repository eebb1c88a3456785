package playlist_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/playlist"
)

const (
	id1 = "4u7EnebtmKWzUH433cf5Qv"
	id2 = "7tFiyTwD0nx5a1eklYtX2J"

	header = `"Track URI","Track Name","Artist Name(s)"` + "\n"
)

// failing has the methods that helpers need from a test, a benchmark or a property.
type failing interface {
	Helper()
	Errorf(format string, args ...any)
}

func same(t failing, what string, want, got playlist.Playlist) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

// TestCells reads what can be in one cell or value.
func TestCells(t *testing.T) {
	one := playlist.Track{ID: id1, Name: "Bohemian Rhapsody", Artists: []string{"Queen"}}
	by := func(artists ...string) playlist.Track {
		return playlist.Track{ID: id1, Name: "Under Pressure", Artists: artists}
	}
	long := func(d time.Duration) playlist.Track { return playlist.Track{ID: id1, Name: "x", Duration: d} }
	durations := "Track URI,Track Name,Duration\n" + id1 + ",x,"
	for name, tc := range map[string]struct {
		in   string
		want []playlist.Track
	}{
		"blank lines":         {"\n" + header + "\n" + id1 + ",Bohemian Rhapsody,Queen\n\n  \n", []playlist.Track{one}},
		"a text of two lines": {header + id1 + ",\"Bohemian\r\nRhapsody\",Queen\n", []playlist.Track{one}},
		"control characters":  {header + id1 + ",\"Bohemian\x00\tRhapsody \",Queen\n", []playlist.Track{one}},
		"spaces":              {"track uri,TRACK NAME, Artist Name(s) \n" + id1 + `,  "Bohemian Rhapsody" , Queen `, []playlist.Track{one}},
		"quotes in a text":    {header + id1 + `,"""Heroes""","David Bowie"`, []playlist.Track{{ID: id1, Name: `"Heroes"`, Artists: []string{"David Bowie"}}}},
		"a quote unquoted":    {header + id1 + `,Blue 7" Mix,Queen`, []playlist.Track{{ID: id1, Name: `Blue 7" Mix`, Artists: []string{"Queen"}}}},
		"tabs and quotes":     {"Track URI\tTrack Name\tArtist\n" + id1 + "\t\"Heroes\" - Live\tDavid Bowie\n", []playlist.Track{{ID: id1, Name: `"Heroes" - Live`, Artists: []string{"David Bowie"}}}},

		"two artists":                        {header + id1 + `,Under Pressure,"Queen, David Bowie"`, []playlist.Track{by("Queen", "David Bowie")}},
		"a comma with a backslash":           {header + id1 + `,Under Pressure,"Tyler\, The Creator,Queen"`, []playlist.Track{by("Tyler, The Creator", "Queen")}},
		"a comma beside semicolons":          {header + id1 + `,Under Pressure,"Tyler, The Creator;Queen"`, []playlist.Track{by("Tyler, The Creator", "Queen")}},
		"a comma and one artist's URI":       {"Track URI,Track Name,Artist URI(s),Artist Name(s)\n" + id1 + `,Under Pressure,spotify:artist:a,"Tyler, The Creator"`, []playlist.Track{by("Tyler, The Creator")}},
		"a comma and two artists' URIs":      {"Track URI,Track Name,Artist URI(s),Artist Name(s)\n" + id1 + `,Under Pressure,"spotify:artist:a, spotify:artist:b","Queen, David Bowie"`, []playlist.Track{by("Queen", "David Bowie")}},
		"a comma, and nobody knows":          {"id,title,artist\n" + id1 + `,Under Pressure,"Tyler, The Creator"`, []playlist.Track{by("Tyler, The Creator")}},
		"a comma, and one of both elsewhere": {"url,title,artist\n" + id1 + `,Under Pressure,"Queen, David Bowie"` + "\n" + id1 + ",Under Pressure,Queen", []playlist.Track{by("Queen", "David Bowie"), by("Queen")}},

		"milliseconds":       {"Track URI,Track Name,Duration (ms)\n" + id1 + ",x,248000", []playlist.Track{long(248 * time.Second)}},
		"short, in ms":       {"Track URI,Track Name,Duration (ms)\n" + id1 + ",x,4800", []playlist.Track{long(4800 * time.Millisecond)}},
		"seconds":            {durations + "248", []playlist.Track{long(248 * time.Second)}},
		"seconds with a s":   {durations + "248s", []playlist.Track{long(248 * time.Second)}},
		"plainly not s":      {durations + "248000", []playlist.Track{long(248 * time.Second)}},
		"minutes":            {durations + "4:08", []playlist.Track{long(248 * time.Second)}},
		"hours":              {durations + "01:00:08", []playlist.Track{long(3608 * time.Second)}},
		"a negative time":    {durations + "-248", []playlist.Track{long(0)}},
		"a time without end": {durations + "1e999", []playlist.Track{long(0)}},
		"more than a day":    {durations + "99:00:00", []playlist.Track{long(0)}},
		"words for a time":   {durations + "four minutes", []playlist.Track{long(0)}},

		"other types in JSON": {`[{"id":"` + id1 + `","name":7,"artists":"Queen","album":["x"],"duration_ms":"248000","release_date":1981},{"name":"x","artists":[{"name":null},7]}]`, []playlist.Track{
			{ID: id1, Name: "7", Artists: []string{"Queen"}, Released: "1981", Duration: 248 * time.Second}, {Name: "x", Artists: []string{"7"}},
		}},
		"one line of JSON lines": {`{"uri":"spotify:track:` + id1 + `","name":"x"}` + "\n", []playlist.Track{long(0)}},
		"a name without artist":  {header + ",Demo,\n", []playlist.Track{{Name: "Demo"}}},
		"not of Spotify":         {header + "https://example.org/1,Demo,Queen\n", []playlist.Track{{Name: "Demo", Artists: []string{"Queen"}}}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := playlist.Parse(strings.NewReader(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tc.want, got.Tracks); diff != "" || got.LeftOut != nil {
				t.Errorf("left out %v, tracks (-want +got):\n%s", got.LeftOut, diff)
			}
		})
	}
}

// TestReferences reads all forms of references to a track, and leaves out other texts.
func TestReferences(t *testing.T) {
	const track, episode, other, local, damaged = "", playlist.WhyEpisode, playlist.WhyOther, playlist.WhyLocal, playlist.WhyDamaged
	for ref, want := range map[string]playlist.Why{
		id1: track, "spotify:track:" + id1: track, "Spotify:Track:" + id1: track, "SPOTIFY:track:" + id1: track, "spotify:track:" + id1 + "?si=x": track,
		"https://open.spotify.com/track/" + id1: track, "http://open.spotify.com/track/" + id1 + "#x": track, "open.spotify.com/track/" + id1: track,
		"https://open.spotify.com/intl-de/track/" + id1 + "?si=x&utm=y": track, "https://open.spotify.com/intl-pt-BR/track/" + id1 + "/": track,
		"https://open.spotify.com/embed/track/" + id1: track, "https://play.spotify.com/track/" + id1: track, "HTTPS://Open.Spotify.com/track/" + id1: track,
		"https://api.spotify.com/v1/tracks/" + id1: track,
		"spotify:track:" + id1[1:]:                 damaged, "spotify:track:": damaged, "spotify:track:" + id1 + "0": damaged, "https://open.spotify.com/track/" + id1[1:]: damaged,
		"spotify:local:Me:Demos:Demo:120": local, "spotify:local:::": local, "https://open.spotify.com/local/Me/Demos/Demo/120": local,
		"spotify:episode:" + id1: episode, "https://open.spotify.com/episode/" + id1: episode, "https://open.spotify.com/intl-fr/show/" + id1: episode, "spotify:chapter:x": episode,
		"spotify:album:" + id1: other, "spotify:artist:" + id1: other, "spotify:user:me:playlist:" + id1: other, "https://open.spotify.com/playlist/" + id1: other,
		"https://open.spotify.com/": other, "https://spotify.link/abc": other, "spotify:": other,
	} {
		got, err := playlist.Parse(strings.NewReader(header + ref + ",Demo,Queen\n" + id2 + ",Creep,Radiohead\n"))
		if err != nil {
			t.Errorf("%s: error %v, want a playlist of one or two tracks", ref, err)
			continue
		}
		switch {
		case want == track && (len(got.Tracks) != 2 || got.Tracks[0].ID != id1):
			t.Errorf("%s: %+v, want two tracks, the first with id %s", ref, got, id1)
		case want != track && (len(got.Tracks) != 1 || len(got.LeftOut) != 1 || got.LeftOut[0].Why != want || got.LeftOut[0].Rows[0] != playlist.Row{Line: 2, Name: "Demo"}):
			t.Errorf("%s: %+v, want it left out as %s", ref, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	row := id1 + ",Creep,Radiohead\n"
	again := "; export the playlist again"
	for name, tc := range map[string]struct {
		in     string
		reason playlist.Reason
		text   string
	}{
		"space":            {"\ufeff \r\n\t", playlist.ReasonEmpty, "playlist: the input is empty" + again},
		"an empty list":    {"[]", playlist.ReasonNoTracks, "playlist: the playlist has no tracks; add tracks and export the playlist again"},
		"cut in a row":     {header + row + id2 + `,Karma`, playlist.ReasonTruncated, "playlist: line 3: the row has 2 of 3 columns, its end is missing" + again},
		"cut in a heading": {`"Track URI","Track`, playlist.ReasonTruncated, "playlist: line 1: a quote is opened and not closed, the file is cut off" + again},
		"cut JSON list":    {"[\n{\"name\":\"Creep\"},\n", playlist.ReasonTruncated, "playlist: line 3: the JSON ends in the middle, the file is cut off" + again},
		"cut JSON text":    {`{"tracks":[{"name":"Cre`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off" + again},
		"cut JSON brace":   {`{`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off" + again},
		"cut JSON key":     {`{"tracks"`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off" + again},
		"cut JSON lines":   {"{\"name\":\"Creep\"}\n{\"name\"", playlist.ReasonTruncated, "playlist: line 2: the JSON ends in the middle, the file is cut off" + again},
		"half a character": {header + id1 + ",Hyperballad,Bj\xc3", playlist.ReasonEncoding, `playlist: line 2: byte 0xc3 is not UTF-8; save the file as UTF-8: in Excel, "CSV UTF-8"`},
		"a quote inside":   {header + id1 + ",\"Cre\"ep\",Radiohead\n" + row, playlist.ReasonMalformed, "playlist: line 2: a quote is inside a text; put the text in quotes, and write each quote inside it twice"},
		"two playlists":    {"[{\"name\":\"Creep\"}]\n[]", playlist.ReasonMalformed, "playlist: line 2: something follows the playlist; remove the text behind it"},
		"broken JSON":      {"[\n{\"name\":\"Creep\"}\n{\"name\":\"Karma Police\"}]", playlist.ReasonMalformed, "playlist: line 3: this is not JSON; correct it, or export the playlist again"},
		"broken lines":     {"{\"name\":\"Creep\"}\n{'name'}\n", playlist.ReasonMalformed, "playlist: line 2: this is not JSON; correct it, or export the playlist again"},
		"too many":         {header + strings.Repeat(row, 10_001), playlist.ReasonTooMany, "playlist: line 10002: the playlist has more than 10000 tracks; split the playlist"},
		"too many in JSON": {"[" + strings.Repeat("{\"name\":\"Creep\"},\n", 10_000) + `{"name":"Creep"}]`, playlist.ReasonTooMany, "playlist: line 10001: the playlist has more than 10000 tracks; split the playlist"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := playlist.Parse(strings.NewReader(tc.in))
			refusal, ok := errors.AsType[*playlist.ParseError](err)
			if !ok || refusal.Reason != tc.reason || err.Error() != tc.text {
				t.Errorf("%d tracks, error %q, want (%s) %q", len(got.Tracks), err, tc.reason, tc.text)
			}
			same(t, "beside the error", playlist.Playlist{}, got)
		})
	}
}

// TestOneOfSeveral chooses a playlist of an input that holds two, and of inputs that hold one.
func TestOneOfSeveral(t *testing.T) {
	for _, tc := range []struct{ file, pick, tracks, words string }{
		{"account-several-playlists.json", "Morning walk", "34", ""},
		{"account-several-playlists.json", "evening DRIVE", "12", ""},
		{"account-several-playlists.json", "Night", "", `the input holds no playlist "Night"; choose one of "Evening drive", "Morning walk"`},
		{"tunemymusic-several-lists.csv", "Morning walk", "34", ""},
		{"tunemymusic-several-lists.csv", "Night", "", `the input holds no playlist "Night"; choose one of "Evening drive", "Morning walk"`},
		{"api-playlist-2026.json", "Evening drive", "1234", ""},
		{"api-playlist-2026.json", "Night", "", `the only playlist of the input is "Evening drive"; choose it, or leave the name out`},
		{"links.txt", "Night", "", "the input does not name its playlist; leave the name out"},
	} {
		data, err := os.ReadFile("testdata/files/" + tc.file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := playlist.ParseOne(bytes.NewReader(data), tc.pick)
		if tc.words != "" {
			if refusal, ok := errors.AsType[*playlist.ParseError](err); !ok || refusal.Reason != playlist.ReasonChoice || !strings.Contains(err.Error(), tc.words) {
				t.Errorf("%s, playlist %q: error %v, want %q", tc.file, tc.pick, err, tc.words)
			}
			continue
		}
		numbers := ""
		for _, track := range got.Tracks {
			for i, all := range invented() {
				if track.Name == all.Name {
					numbers += string(rune('1' + i))
				}
			}
		}
		if err != nil || numbers != tc.tracks || !strings.EqualFold(got.Name, tc.pick) {
			t.Errorf("%s, %s: tracks %s of %q, error %v, want %s", tc.file, tc.pick, numbers, got.Name, err, tc.tracks)
		}
	}
}

func TestBounds(t *testing.T) {
	full := header + strings.Repeat(id1+",Creep,Radiohead\n", playlist.MaxTracks)
	if p, err := playlist.Parse(strings.NewReader(full)); err != nil || len(p.Tracks) != playlist.MaxTracks {
		t.Errorf("%d tracks, error %v, want all %d", len(p.Tracks), err, playlist.MaxTracks)
	}
	for what, tc := range map[string]struct {
		name, artists string
		left          int
	}{
		"the longest name": {strings.Repeat("ä", 1_000), "x", 0}, "a longer one": {strings.Repeat("ä", 1_001), "x", 1}, "spaces": {strings.Repeat(" ", 20_000) + "x", "x", 1},
		"all artists": {"x", strings.Repeat("x,", 99) + "x", 0}, "one more": {"x", strings.Repeat("x,", 100) + "x", 1},
	} {
		p, err := playlist.Parse(strings.NewReader(header + id1 + "," + tc.name + ",\"" + tc.artists + "\"\n" + id2 + ",x,x\n"))
		if err != nil || len(p.Tracks) != 2-tc.left || len(p.LeftOut) != tc.left {
			t.Errorf("%s: %d tracks, left out %v, error %v", what, len(p.Tracks), p.LeftOut, err)
		}
	}
	// Of many rows that are left out, all are counted and the first are shown.
	p, err := playlist.Parse(strings.NewReader(header + id2 + ",x,x\n" + strings.Repeat("spotify:episode:x,Talk,\n", 500)))
	if err != nil || len(p.LeftOut) != 1 || p.LeftOut[0].Count != 500 || len(p.LeftOut[0].Rows) != playlist.MaxShown || p.LeftOut[0].Rows[9].Line != 12 {
		t.Errorf("left out %+v, error %v, want a count of 500 and the first rows", p.LeftOut, err)
	}

	// A reader without an end must not be read to it.
	endless := io.MultiReader(strings.NewReader(header), iotest.DataErrReader(&repeater{text: "x"}))
	_, err = playlist.Parse(endless)
	if refusal, ok := errors.AsType[*playlist.ParseError](err); !ok || err.Error() != "playlist: the input is longer than 16 MiB; split the playlist" {
		t.Errorf("error %v, reason %+v, want that the input is too long", err, refusal)
	}
	errLine := errors.New("the connection is gone")
	if _, err := playlist.Parse(iotest.ErrReader(errLine)); !errors.Is(err, errLine) {
		t.Errorf("error %v, want the reader's error", err)
	}
}

// repeater is a reader that repeats one text without end.
type repeater struct{ text string }

func (r *repeater) Read(p []byte) (int, error) {
	for n := 0; n < len(p); n += copy(p[n:], r.text) {
	}
	return len(p), nil
}
