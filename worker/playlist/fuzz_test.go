package playlist_test

import (
	"bytes"
	"errors"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/weir-go/weir/worker/playlist"
)

// FuzzParse reads any bytes. Parse must not panic, must take no more memory than promised, and must return a valid playlist.
func FuzzParse(f *testing.F) {
	files, err := os.ReadDir("testdata/files")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		data, err := os.ReadFile("testdata/files/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add(playlist.Sample())
	f.Fuzz(func(t *testing.T, in []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		p, err := playlist.Parse(bytes.NewReader(in))
		runtime.ReadMemStats(&after)
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > maxMemory {
			t.Errorf("%d bytes of input took %d MiB", len(in), mib)
		}
		if err != nil {
			if _, ok := errors.AsType[*playlist.ParseError](err); !ok {
				t.Errorf("error of type %T, want a ParseError: %v", err, err)
			}
			if text := err.Error(); strings.ContainsAny(text, "\r\n") || !utf8.ValidString(text) || len(text) > 3_000 {
				t.Errorf("an error that is not one short line: %q", text)
			}
			return
		}
		check(t, p)
	})
}

// check compares a playlist with the promises of the package.
func check(t failing, p playlist.Playlist) {
	t.Helper()
	line := func(most int, texts ...string) {
		for _, text := range texts {
			if !utf8.ValidString(text) || strings.ContainsAny(text, "\r\n\x00") || utf8.RuneCountInString(text) > most {
				t.Errorf("a text that is not one short line of UTF-8: %q", text)
			}
		}
	}
	rows := len(p.Tracks)
	for _, track := range p.Tracks {
		if track.Name == "" && track.ID == "" || track.ID != "" && (len(track.ID) != 22 || !playlist.IsBase62(track.ID)) || track.Duration < 0 || track.Duration > 24*time.Hour || len(track.Artists) > 100 {
			t.Errorf("an impossible track: %+v", track)
		}
		line(playlist.MaxText, append([]string{p.Name, track.Name, track.Album, track.Released}, track.Artists...)...)
	}
	for _, l := range p.LeftOut {
		rows += l.Count
		if l.Count < len(l.Rows) || len(l.Rows) == 0 || len(l.Rows) > playlist.MaxShown {
			t.Errorf("impossible rows left out: %+v", l)
		}
		for _, r := range l.Rows {
			line(60, r.Name)
		}
	}
	if len(p.Tracks) == 0 || rows > playlist.MaxTracks {
		t.Errorf("%d tracks and %d rows are more than Parse promises", len(p.Tracks), rows)
	}
}
