package playlist_test

import (
	"bytes"
	"cmp"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/playlist"
)

// invented are the tracks of the files in testdata/files. A file has some of them, in this order, with the fields that its format has.
func invented() []playlist.Track {
	return []playlist.Track{
		{ID: "3kQf9ZbWm1xTn7RdLs0YpA", Name: "Harbour Lights", Artists: []string{"The Quiet Tide"}, Album: "Low Water", Released: "2019-03-08", Duration: 200 * time.Second},
		{ID: "6vNc2HtJr8wBqE4mXy5UgD", Name: "Paper Lanterns", Artists: []string{"Mara Linden", "Oskar Vale"}, Album: "North Window", Released: "2021", Duration: 215 * time.Second},
		{ID: "0pLs7GdKz3aVf6CnRw9TjQ", Name: "Tin Roof", Artists: []string{"Sela, The Lamplighter"}, Album: "Rain Ledger", Released: "2016-11-04", Duration: 187 * time.Second},
		{ID: "5mXe1BuPo4hYk8SvIt2FrN", Name: `Sábado "Lento"`, Artists: []string{"Orquesta Añil"}, Album: "Cal y Canto", Released: "2008-05-30", Duration: 241 * time.Second},
	}
}

// outcome is what becomes of a file: tracks, by their numbers in invented, or a refusal.
type outcome struct {
	file   string
	format string
	tracks string // such as "1234"
	fields string // of a track: i for the id, n for the name, a for artists, f for the first artist only, l for the album, r for released, y for the year, d for the duration
	left   string
	name   string
	note   string

	reason playlist.Reason
	words  string
}

const drive = "Evening drive"

func outcomes() []outcome {
	read := func(file, format, tracks, fields string) outcome {
		return outcome{file: file, format: format, tracks: tracks, fields: fields}
	}
	with := func(o outcome, name, left, note string) outcome {
		o.name, o.left, o.note = name, left, note
		return o
	}
	refused := func(file string, reason playlist.Reason, words string) outcome {
		return outcome{file: file, reason: reason, words: words}
	}
	const page = "4 of 250 tracks are in the input: it is one page of several of Spotify's answer"
	return []outcome{
		read("exportify-english.csv", "CSV", "1234", "inalrd"),
		read("exportify-german.csv", "CSV", "1234", "inalrd"),
		read("exportify-french.csv", "CSV", "1234", "inalrd"),
		read("exportify-japanese.csv", "CSV", "1234", "inalrd"),
		read("exportify-unknown-language.csv", "CSV", "1234", "inalrd"),
		read("exportify-commas-unescaped.csv", "CSV", "1234", "inalrd"),
		read("exportify-old-ids.csv", "CSV", "1234", "inalrd"),
		read("exportify-one-artist-each.csv", "CSV", "13", "inalrd"),
		with(read("exportify-withdrawn.csv", "CSV", "12", "inalrd"), "", "1 withdrawn track", ""),
		with(read("exportify-local-and-episode.csv", "CSV", "12", "inalrd"), "", "1 local file, 1 episode", ""),
		refused("exportify-heading-alone.csv", playlist.ReasonNoTracks, "the playlist has no tracks; add tracks"),
		refused("exportify-all.zip", playlist.ReasonForeign, "this is a zip archive; unpack it"),

		with(read("tunemymusic-spotify.csv", "CSV", "134", "inal"), drive, "", ""),
		with(read("tunemymusic-no-id.csv", "CSV", "14", "nal"), drive, "", ""),
		with(read("tunemymusic-library.csv", "CSV", "14", "nal"), "Favorite Songs", "2 rows about other things than tracks", ""),
		refused("tunemymusic-several-lists.csv", playlist.ReasonChoice, `the input holds 2 playlists; choose one by its name: "Evening drive", "Morning walk"`),
		read("soundiiz.csv", "CSV", "13", "inald"),
		read("soundiiz-deezer.csv", "CSV", "1234", "nfl"),
		read("deezer.csv", "CSV", "1234", "nfl"),
		read("music-plain-text.txt", "CSV", "1234", "nflyd"),
		read("data-set.csv", "CSV", "1234", "inalrd"),

		with(read("account-Playlist1.json", "JSON", "1234", "infl"), drive, "", ""),
		read("account-YourLibrary.json", "JSON", "1234", "infl"),
		with(read("account-episodes-and-local.json", "JSON", "12", "infl"), drive, "2 episodes, 1 local file, 1 withdrawn track", ""),
		refused("account-several-playlists.json", playlist.ReasonChoice, `the input holds 2 playlists; choose one by its name: "Evening drive", "Morning walk"`),
		refused("account-StreamingHistory.json", playlist.ReasonForeign, "this is a listening history, not a playlist; send Playlist1.json"),
		refused("extended-streaming-history.json", playlist.ReasonForeign, "this is a listening history, not a playlist; send Playlist1.json"),

		with(read("api-playlist-2025.json", "JSON", "1234", "inalrd"), drive, "", ""),
		with(read("api-playlist-2026.json", "JSON", "1234", "inalrd"), drive, "", ""),
		with(read("api-local-and-episode-2026.json", "JSON", "1", "inalrd"), drive, "1 local file, 1 episode, 1 withdrawn track", ""),
		with(read("api-null-track.json", "JSON", "12", "inalrd"), drive, "1 withdrawn track", ""),
		read("api-items-page.json", "JSON", "12", "inalrd"),
		with(read("api-one-page-of-three.json", "JSON", "1234", "inalrd"), "", "", page),
		read("api-top-tracks.json", "JSON", "1234", "inalrd"),
		read("api-search.json", "JSON", "1234", "inalrd"),
		read("api-items.jsonl", "JSON lines", "1234", "inalrd"),
		refused("api-my-playlists.json", playlist.ReasonNoTracks, "no track that can be used: 2 rows about other things than tracks"),
		refused("api-top-artists.json", playlist.ReasonNoTracks, `"The Quiet Tide" is not a track`),
		read("list.spotdl", "JSON", "1234", "inald"),
		with(read("by-hand.json", "JSON", "1234", "nfl"), drive, "", ""),
		read("uris.json", "JSON", "1234", "i"),
		read("tracks.jsonl", "JSON lines", "1234", "inalrd"),
		refused("settings.json", playlist.ReasonColumns, `JSON without a list of tracks, and its keys are "theme", "size"`),
		refused("cut.json", playlist.ReasonTruncated, "line 1: the JSON ends in the middle"),

		read("links-intl.csv", "CSV", "1234", "ina"),
		read("links-no-scheme.csv", "CSV", "1234", "ina"),
		read("uri-with-query.csv", "CSV", "1234", "ina"),
		refused("only-episodes.csv", playlist.ReasonNoTracks, "line 2: the playlist has no track that can be used: 2 episodes"),
		read("excel-semicolons.csv", "CSV", "1234", "ina"),
		read("excel-sep-line.csv", "CSV", "1234", "ina"),
		read("excel-unicode-text.txt", "CSV", "1234", "ina"),
		refused("excel-windows-1252.csv", playlist.ReasonEncoding, `line 5: byte 0xe1 is not UTF-8; save the file as UTF-8: in Excel, "CSV UTF-8"`),
		read("old-mac-line-ends.csv", "CSV", "1234", "ina"),
		read("tabs.tsv", "CSV", "1234", "ina"),
		read("pipes.csv", "CSV", "1234", "ina"),
		read("pandas-floats.csv", "CSV", "1234", "inad"),
		read("trailing-commas.csv", "CSV", "1234", "ina"),
		read("blank-rows.csv", "CSV", "1234", "ina"),
		read("short-rows.csv", "CSV", "1234", "ina"),
		read("no-heading.csv", "CSV", "1234", "ina"),
		read("unknown-headings.csv", "CSV", "1234", "infl"),
		read("same-row-thrice.csv", "CSV", "111", "ina"),
		with(read("unquoted-comma.csv", "CSV", "14", "ina"), "", "1 damaged row", ""),
		with(read("damaged-id.csv", "CSV", "1", "ina"), "", "1 damaged row", ""),
		refused("cut.csv", playlist.ReasonTruncated, "line 5: a quote is opened and not closed"),
		refused("contacts.csv", playlist.ReasonColumns, `no column with artists, nor with links to tracks is known among "Name", "E-mail", "City"`),
		refused("nothing.csv", playlist.ReasonEmpty, "the input is empty"),

		read("player.m3u", "M3U", "1234", "nfd"),
		with(read("spotify-uris.m3u8", "M3U", "1234", "infd"), drive, "", ""),
		read("paths.m3u", "M3U", "123", "nf"),
		refused("stream.m3u8", playlist.ReasonForeign, "this is a video stream"),

		read("links.txt", "links", "1234", "i"),
		read("ids.txt", "links", "1234", "i"),
		read("uri-list.txt", "links", "1234", "i"),
		with(read("links-and-an-album.txt", "links", "12", "i"), "", "1 row about other things than tracks", ""),
		refused("link-to-a-playlist.txt", playlist.ReasonNoTracks, `is not a track; export the tracks of the playlist`),
		refused("short-link.txt", playlist.ReasonNoTracks, `"https://spotify.link/AbCdEfGhIj" is not a track`),

		refused("plain-text.txt", playlist.ReasonColumns, `this looks like plain text: "The Quiet Tide - Harbour Lights"`),
		refused("workbook.xlsx", playlist.ReasonForeign, "this is an Excel workbook; save it as CSV"),
		refused("page.html", playlist.ReasonForeign, "this is a web page; export the playlist"),
		refused("itunes-library.xml", playlist.ReasonForeign, `this is a library of iTunes; in Music, export the playlist as "Plain Text"`),
		refused("list.xspf", playlist.ReasonForeign, "this is a playlist in XSPF; save it as M3U or CSV"),
		refused("list.pls", playlist.ReasonForeign, "this is a playlist in PLS; save it as M3U"),
		refused("song.mp3", playlist.ReasonForeign, "this is an audio file; send a list of tracks"),
	}
}

// want returns the track with a number, with the fields that a format has.
func (o outcome) want(number rune) playlist.Track {
	all := invented()[number-'1']
	var t playlist.Track
	for _, field := range o.fields {
		switch field {
		case 'i':
			t.ID = all.ID
		case 'n':
			t.Name = all.Name
		case 'a':
			t.Artists = all.Artists
		case 'f':
			t.Artists = all.Artists[:1]
		case 'l':
			t.Album = all.Album
		case 'r':
			t.Released = all.Released
		case 'y':
			t.Released = all.Released[:4]
		case 'd':
			t.Duration = all.Duration
		}
	}
	return t
}

// TestFiles reads a file of each format that people have. It compares every track, the rows that are left out, and the text of a refusal.
func TestFiles(t *testing.T) {
	const dir = "testdata/files/"
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	rows := outcomes()
	for _, f := range files {
		if !slices.ContainsFunc(rows, func(o outcome) bool { return o.file == f.Name() }) {
			t.Errorf("no row has the outcome of %s", f.Name())
		}
	}
	read := 0
	for _, o := range rows {
		data, err := os.ReadFile(dir + o.file)
		if err != nil {
			t.Fatal(err)
		}
		got, err := playlist.Parse(bytes.NewReader(data))
		if refusal, ok := errors.AsType[*playlist.ParseError](err); ok {
			t.Logf("%-32s %v", o.file, err)
			if refusal.Reason != o.reason || o.words == "" || !strings.Contains(err.Error(), o.words) {
				t.Errorf("%s: refused (%s) with %q, want (%s) %q", o.file, refusal.Reason, err, o.reason, o.words)
			}
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		read++
		t.Logf("%-32s %d tracks from %s, left out: %s", o.file, len(got.Tracks), got.Format, cmp.Or(got.Omissions(), "none"))
		want := playlist.Playlist{Name: o.name, Format: o.format}
		for _, number := range o.tracks {
			want.Tracks = append(want.Tracks, o.want(number))
		}
		if o.note != "" {
			want.Notes = []string{o.note}
		}
		if left := got.Omissions(); left != o.left {
			t.Errorf("%s: left out %q, want %q", o.file, left, o.left)
		}
		got.LeftOut = nil
		same(t, o.file, want, got)
	}
	t.Logf("%d of %d files are read", read, len(rows))
}
