package playlist_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"github.com/weir-go/weir/worker/playlist"
)

const (
	id1 = "4u7EnebtmKWzUH433cf5Qv"
	id2 = "7tFiyTwD0nx5a1eklYtX2J"

	header = `"Track URI","Track Name","Artist Name(s)"` + "\n"
)

func TestParseReads(t *testing.T) {
	one := playlist.Track{ID: id1, Name: "Bohemian Rhapsody", Artists: []string{"Queen"}}
	full := playlist.Track{
		ID: id1, Name: "Under Pressure", Artists: []string{"Queen", "David Bowie"}, Album: "Hot Space", Released: "1982-05-21",
		Duration: 248 * time.Second,
	}
	for name, tc := range map[string]struct {
		in   string
		name string
		want []playlist.Track
	}{
		"three columns":        {in: header + `"spotify:track:` + id1 + `","Bohemian Rhapsody","Queen"` + "\n", want: []playlist.Track{one}},
		"CRLF":                 {in: strings.ReplaceAll(header+`"spotify:track:`+id1+`","Bohemian Rhapsody","Queen"`+"\n", "\n", "\r\n"), want: []playlist.Track{one}},
		"byte-order mark":      {in: "\ufeff" + header + `"spotify:track:` + id1 + `","Bohemian Rhapsody","Queen"`, want: []playlist.Track{one}},
		"blank lines":          {in: "\n" + header + "\n" + id1 + ",Bohemian Rhapsody,Queen\n\n  \n", want: []playlist.Track{one}},
		"no quotes, a link":    {in: "track uri,TRACK NAME, Artist Name(s) \nhttps://open.spotify.com/track/" + id1 + "?si=x,Bohemian Rhapsody,Queen\n", want: []playlist.Track{one}},
		"a text of two lines":  {in: header + id1 + ",\"Bohemian\r\nRhapsody\",Queen\n", want: []playlist.Track{one}},
		"control characters":   {in: header + id1 + ",\"Bohemian\x00\tRhapsody \",Queen\n", want: []playlist.Track{one}},
		"quotes in a text":     {in: header + id1 + `,"""Heroes""","David Bowie"`, want: []playlist.Track{{ID: id1, Name: `"Heroes"`, Artists: []string{"David Bowie"}}}},
		"a comma in an artist": {in: header + id1 + `,Earfquake,"Tyler\, The Creator,Playboi Carti"`, want: []playlist.Track{{ID: id1, Name: "Earfquake", Artists: []string{"Tyler, The Creator", "Playboi Carti"}}}},
		"commas beside semicolons": {
			in: header + id1 + `,Earfquake,"Tyler, The Creator"` + "\n" + id2 + ",Under Pressure,Queen;David Bowie\n",
			want: []playlist.Track{
				{ID: id1, Name: "Earfquake", Artists: []string{"Tyler, The Creator"}},
				{ID: id2, Name: "Under Pressure", Artists: []string{"Queen", "David Bowie"}},
			},
		},
		"local and withdrawn": {
			in:   header + "spotify:local:Me::Demo:120,Demo,\n,Gone,Queen\nspotify:episode:x,Talk,\n",
			want: []playlist.Track{{Name: "Demo"}, {Name: "Gone", Artists: []string{"Queen"}}, {Name: "Talk"}},
		},
		"every column in another order": {
			in: "Added By,Duration (ms),Release Date,Artist Name(s),Album Name,Track Name,Genres,Track URI\n" +
				`me,248000,1982-05-21,"Queen, David Bowie",Hot Space,Under Pressure,rock,spotify:track:` + id1 + "\n",
			want: []playlist.Track{full},
		},
		"names of an older export": {
			in: "Spotify URI,Track Name,Artist Name,Album Name,Album Release Date,Track Duration (ms)\n" +
				"spotify:track:" + id1 + `,Under Pressure,"Queen,David Bowie",Hot Space,1982-05-21,248000`,
			want: []playlist.Track{full},
		},
		"JSON": {
			in: "\ufeff" + `{"id":[{"a":1}],"name":" Road\ttrip ","tracks":[{"uri":"spotify:track:` + id1 + `","name":"Under Pressure",
				"artists":["Queen",{"name":"David Bowie"}],"album":{"name":"Hot Space","release_date":"1982-05-21"},"duration_ms":248000}]}`,
			name: "Road trip", want: []playlist.Track{full},
		},
		"JSON by hand": {
			in:   `{"tracks":[{"id":"` + id1 + `","name":"Under Pressure","artists":["Queen","David Bowie"],"album":"Hot Space","release_date":"1982-05-21","duration_ms":248000}],"name":null}`,
			want: []playlist.Track{full},
		},
		"a bare list": {in: " [\r\n{\"id\":\"" + id1 + `","name":"Bohemian Rhapsody","artists":["Queen"],"extra":{}}]` + "\n", want: []playlist.Track{one}},
		"JSON without ids": {
			in: `[{"name":"Demo"},{"id":null,"name":"Gone","artists":null,"album":null}]`, want: []playlist.Track{{Name: "Demo"}, {Name: "Gone"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := playlist.Parse(strings.NewReader(tc.in))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(playlist.Playlist{Name: tc.name, Tracks: tc.want}, got); diff != "" {
				t.Errorf("playlist (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	row := id1 + ",Creep,Radiohead\n"
	long := strings.Repeat("x", 1001)
	for name, tc := range map[string]struct {
		in     string
		reason playlist.Reason
		text   string
	}{
		"nothing":           {"", playlist.ReasonEmpty, "playlist: the input is empty; export the playlist again"},
		"space":             {"\ufeff \r\n\t", playlist.ReasonEmpty, "playlist: the input is empty; export the playlist again"},
		"a header alone":    {header, playlist.ReasonNoTracks, "playlist: the playlist has no tracks; add tracks and export the playlist again"},
		"an empty list":     {"[]", playlist.ReasonNoTracks, "playlist: the playlist has no tracks; add tracks and export the playlist again"},
		"an empty playlist": {`{"name":"x","tracks":[]}`, playlist.ReasonNoTracks, "playlist: the playlist has no tracks; add tracks and export the playlist again"},

		"cut in a quote":   {header + row + id2 + `,"Karma Po`, playlist.ReasonTruncated, "playlist: line 3: a quote is opened and not closed, the file is cut off; export the playlist again"},
		"cut in a row":     {header + row + id2 + `,Karma`, playlist.ReasonTruncated, "playlist: line 3: the row has 2 of 3 columns, its end is missing; export the playlist again"},
		"a short row":      {header + id2 + "\n" + row, playlist.ReasonTruncated, "playlist: line 2: the row has 1 of 3 columns, its end is missing; export the playlist again"},
		"cut in a header":  {`"Track URI","Track`, playlist.ReasonTruncated, "playlist: line 1: a quote is opened and not closed, the file is cut off; export the playlist again"},
		"cut JSON list":    {"[\n{\"name\":\"Creep\"},\n", playlist.ReasonTruncated, "playlist: line 3: the JSON ends in the middle, the file is cut off; export the playlist again"},
		"cut JSON object":  {`{"name":"x","tracks":[{"name":"Creep"}]`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off; export the playlist again"},
		"cut JSON text":    {`{"tracks":[{"name":"Cre`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off; export the playlist again"},
		"cut JSON brace":   {`{`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off; export the playlist again"},
		"cut JSON key":     {`{"tracks"`, playlist.ReasonTruncated, "playlist: line 1: the JSON ends in the middle, the file is cut off; export the playlist again"},
		"Latin-1":          {header + id1 + ",Hyperballad,Bj\xf6rk\n", playlist.ReasonEncoding, "playlist: line 2: byte 0xf6 is not UTF-8; save the file as UTF-8"},
		"Latin-1 in JSON":  {"[\n\n{\"name\":\"Hyperballad\",\"artists\":[\"Bj\xf6rk\"]}]", playlist.ReasonEncoding, "playlist: line 3: byte 0xf6 is not UTF-8; save the file as UTF-8"},
		"UTF-16":           {"\xff\xfeT\x00", playlist.ReasonEncoding, "playlist: the input is UTF-16; save the file as UTF-8"},
		"half a character": {header + id1 + ",Hyperballad,Bj\xc3", playlist.ReasonEncoding, "playlist: line 2: byte 0xc3 is not UTF-8; save the file as UTF-8"},

		"columns missing":    {"Track Name,Album Name\nCreep,Pablo Honey\n", playlist.ReasonColumns, `playlist: line 1: no column "Track URI", "Artist Name(s)"; export the playlist with Exportify, or rename the columns`},
		"another separator":  {"Track URI;Track Name;Artist Name(s)\n", playlist.ReasonColumns, `playlist: line 1: no column "Track URI", "Track Name", "Artist Name(s)"; separate the columns with commas`},
		"a web page":         {"<!doctype html>\n<p>Sign in</p>\n", playlist.ReasonColumns, `playlist: line 1: no column "Track URI", "Track Name", "Artist Name(s)"; export the playlist with Exportify, or rename the columns`},
		"JSON of no tracks":  {`{"name":"x"}`, playlist.ReasonColumns, `playlist: the playlist has no "tracks"; give the tracks as a list under "tracks"`},
		"tracks of one":      {"{\n\"tracks\":\n{\"name\":\"Creep\"}}", playlist.ReasonColumns, `playlist: line 3: "tracks" is not a list; make it a list of tracks`},
		"a stray quote":      {header + id1 + ",Cre\"ep,Radiohead\n" + row, playlist.ReasonMalformed, "playlist: line 2: a quote stands inside a text; put the text in quotes and double those inside it"},
		"a stray quote more": {header + id1 + ",\"Cre\"ep\",Radiohead\n" + row, playlist.ReasonMalformed, "playlist: line 2: a quote stands inside a text; put the text in quotes and double those inside it"},
		"a long row":         {header + row + id1 + ",Creep,Radiohead,Thom Yorke\n", playlist.ReasonMalformed, "playlist: line 3: the row has 4 columns, the header 3; put texts that hold commas in quotes"},
		"not a track":        {header + "spotify:album:" + id1 + ",Creep,Radiohead\n", playlist.ReasonMalformed, `playlist: line 2: "spotify:album:4u7EnebtmKWzUH433cf5Qv" is not a Spotify track; give a link or URI of a track, or leave it empty`},
		"a short id":         {header + "spotify:track:4u7EnebtmKWzUH433cf5Q,Creep,Radiohead\n", playlist.ReasonMalformed, `playlist: line 2: "spotify:track:4u7EnebtmKWzUH433cf5Q" is not a Spotify track; give a link or URI of a track, or leave it empty`},
		"a nameless track":   {header + row + id1 + ", ,Radiohead\n", playlist.ReasonMalformed, "playlist: line 3: a track has no name; remove it or name it"},
		"a nameless object":  {"[\n{\"title\":\"Creep\"}]", playlist.ReasonMalformed, "playlist: line 2: a track has no name; remove it or name it"},
		"a long name":        {header + id1 + "," + long + ",Radiohead\n", playlist.ReasonMalformed, `playlist: line 2: "` + long[:39] + `…" has 1001 characters, the limit is 1000; shorten it`},
		"a crowd":            {header + id1 + ",Creep,\"" + strings.Repeat("x,", 101) + "\"\n", playlist.ReasonMalformed, "playlist: line 2: a track has 101 artists, the limit is 100; keep the first few"},
		"no duration":        {"Track URI,Track Name,Artist Name(s),Duration (ms)\n" + id1 + ",Creep,Radiohead,3:58\n", playlist.ReasonMalformed, `playlist: line 2: "3:58" is not a duration; give whole milliseconds or leave it empty`},
		"an odd duration":    {"Track URI,Track Name,Artist Name(s),Duration (ms)\n" + id1 + ",Creep,Radiohead,-1\n", playlist.ReasonMalformed, "playlist: line 2: a duration of -1 ms cannot be; give milliseconds, at most a day"},
		"two playlists":      {"[{\"name\":\"Creep\"}]\n[]", playlist.ReasonMalformed, "playlist: line 2: something follows the playlist; remove it"},
		"broken JSON":        {"[\n{\"name\":\"Creep\"}\n{\"name\":\"Karma Police\"}]", playlist.ReasonMalformed, "playlist: line 3: this is not JSON; correct it, or export the playlist again"},
		"a number for a name": {
			"[{\"name\":\"Creep\"},\n{\"name\":7}]", playlist.ReasonMalformed, `playlist: line 2: "name" is a JSON number; make it a JSON string`,
		},
		"a text for a track": {"[{\"name\":\"Creep\"},\n\n\"Karma Police\"]", playlist.ReasonMalformed, "playlist: line 3: a value is a JSON string; make it a JSON object"},
		"half a millisecond": {`[{"name":"Creep","duration_ms":1.5}]`, playlist.ReasonMalformed, `playlist: line 1: "duration_ms" is a JSON number 1.5; make it a JSON whole number`},
		"too many":           {header + strings.Repeat(row, 10_001), playlist.ReasonTooMany, "playlist: line 10002: the playlist has more than 10000 tracks; split the playlist"},
		"too many in JSON":   {"[" + strings.Repeat("{\"name\":\"Creep\"},\n", 10_000) + `{"name":"Creep"}]`, playlist.ReasonTooMany, "playlist: line 10001: the playlist has more than 10000 tracks; split the playlist"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := playlist.Parse(strings.NewReader(tc.in))
			refusal, ok := errors.AsType[*playlist.ParseError](err)
			if !ok {
				t.Fatalf("parsed %d tracks, error %v, want a ParseError", len(got.Tracks), err)
			}
			if refusal.Reason != tc.reason {
				t.Errorf("reason %q, want %q", refusal.Reason, tc.reason)
			}
			if diff := cmp.Diff(tc.text, err.Error()); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
			if len(got.Tracks) != 0 || got.Name != "" {
				t.Errorf("something came back beside the error: %+v", got)
			}
		})
	}
}

func TestParseBounds(t *testing.T) {
	full := header + strings.Repeat(id1+",Creep,Radiohead\n", playlist.MaxTracks)
	if p, err := playlist.Parse(strings.NewReader(full)); err != nil || len(p.Tracks) != playlist.MaxTracks {
		t.Errorf("%d tracks, error %v, want all %d", len(p.Tracks), err, playlist.MaxTracks)
	}

	// A reader without an end must not be read to it.
	endless := io.MultiReader(strings.NewReader(header), iotest.DataErrReader(&repeater{text: "x"}))
	_, err := playlist.Parse(endless)
	if diff := cmp.Diff("playlist: the input is longer than 16 MiB; split the playlist", fmt.Sprint(err)); diff != "" {
		t.Errorf("error (-want +got):\n%s", diff)
	}

	errLine := errors.New("the line went dead")
	if _, err := playlist.Parse(iotest.ErrReader(errLine)); !errors.Is(err, errLine) {
		t.Errorf("error %v, want that of the reader", err)
	}
}

// repeater reads as the same text for ever.
type repeater struct{ text string }

func (r *repeater) Read(p []byte) (int, error) {
	for n := 0; n < len(p); n += copy(p[n:], r.text) {
	}
	return len(p), nil
}

func FuzzParse(f *testing.F) {
	f.Add(playlist.Sample())
	f.Add([]byte("\ufeff" + header + id1 + ",\"a \"\"b\"\"\",\"c\\, d,e\"\r\n"))
	f.Add([]byte(`{"name":"x","tracks":[{"uri":"spotify:track:` + id1 + `","name":"y","artists":["z",{"name":"w"}],"album":{"name":"v"}}]}`))
	f.Add([]byte(`[{"name":"y","album":"v"}]`))
	f.Add([]byte("\xff\xfe"))
	f.Fuzz(func(t *testing.T, in []byte) {
		p, err := playlist.Parse(bytes.NewReader(in))
		if err != nil {
			if _, ok := errors.AsType[*playlist.ParseError](err); !ok {
				t.Errorf("error of type %T, want a ParseError: %v", err, err)
			}
			if text := err.Error(); strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text) || len(text) > 500 {
				t.Errorf("an error that is not one short line: %q", text)
			}
			return
		}
		if n := len(p.Tracks); n < 1 || n > playlist.MaxTracks {
			t.Errorf("%d tracks", n)
		}
		for _, track := range p.Tracks {
			if track.Name == "" || track.ID != "" && len(track.ID) != 22 || track.Duration < 0 {
				t.Errorf("a track that cannot be: %+v", track)
			}
			for _, text := range append([]string{p.Name, track.Name, track.Album, track.Released}, track.Artists...) {
				if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") || utf8.RuneCountInString(text) > 1000 {
					t.Errorf("a text that is not one line of UTF-8: %q", text)
				}
			}
		}
	})
}
