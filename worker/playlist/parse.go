package playlist

import (
	"bytes"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// Parse reads a playlist: a CSV as Exportify writes it, or JSON, told apart by the first character.
//
// A CSV is read by its header, so the order of the columns is free, and so are further ones. It needs "Track URI",
// "Track Name" and "Artist Name(s)"; "Album Name", "Release Date" and "Duration (ms)" are read where they are. Artists
// are separated by semicolons if there is one anywhere in the column, else by commas.
//
// JSON is {"name": …, "tracks": […]} or the bare list. A track has "name", "artists" (names, or objects with one), "id"
// or "uri", and possibly "album", "release_date" and "duration_ms".
//
// What cannot be read is refused with a [*ParseError] as a whole, never read in part. An error of r is returned wrapped.
func Parse(r io.Reader) (Playlist, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return Playlist{}, fmt.Errorf("playlist: read: %w", err)
	}
	if len(data) > MaxBytes {
		return Playlist{}, refuse(ReasonTooLarge, 0, "split the playlist", "the input is longer than %d MiB", MaxBytes>>20)
	}
	if bytes.HasPrefix(data, []byte{0xff, 0xfe}) || bytes.HasPrefix(data, []byte{0xfe, 0xff}) {
		return Playlist{}, refuse(ReasonEncoding, 0, saveAsUTF8, "the input is UTF-16")
	}
	if at := invalidUTF8(data); at >= 0 {
		return Playlist{}, refuse(ReasonEncoding, lineAt(data, int64(at)), saveAsUTF8, "byte 0x%02x is not UTF-8", data[at])
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	start := bytes.TrimSpace(data)
	if len(start) == 0 {
		return Playlist{}, refuse(ReasonEmpty, 0, exportAgain, "the input is empty")
	}

	var p Playlist
	if start[0] == '{' || start[0] == '[' {
		p, err = parseJSON(data)
	} else {
		p, err = parseCSV(data)
	}
	if err != nil {
		return Playlist{}, err
	}
	if len(p.Tracks) == 0 {
		return Playlist{}, refuse(ReasonNoTracks, 0, "add tracks and "+exportAgain, "the playlist has no tracks")
	}
	return p, nil
}

const saveAsUTF8 = "save the file as UTF-8"

// invalidUTF8 is the offset of the first byte that is not part of a UTF-8 character, or -1.
func invalidUTF8(data []byte) int {
	if utf8.Valid(data) {
		return -1
	}
	for at := 0; at < len(data); {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return -1
}

// row is a track as the input spells it.
type row struct {
	uri, name, album, released string
	artists                    []string
	ms                         int64
}

// track checks a row and makes a Track of it. The line is where it begins.
func (r row) track(line int) (Track, *ParseError) {
	id, ok := trackID(r.uri)
	if !ok {
		return Track{}, refuse(ReasonMalformed, line, "give a link or URI of a track, or leave it empty", "%s is not a Spotify track", Quoted(r.uri))
	}
	t := Track{ID: id, Name: OneLine(r.name), Album: OneLine(r.album), Released: OneLine(r.released)}
	for _, name := range r.artists {
		if name = OneLine(name); name != "" {
			t.Artists = append(t.Artists, name)
		}
	}
	if t.Name == "" {
		return Track{}, refuse(ReasonMalformed, line, "remove it or name it", "a track has no name")
	}
	for _, text := range append([]string{t.Name, t.Album, t.Released}, t.Artists...) {
		if n := utf8.RuneCountInString(text); n > MaxText {
			return Track{}, refuse(ReasonMalformed, line, "shorten it", "%s has %d characters, the limit is %d", Quoted(text), n, MaxText)
		}
	}
	if len(t.Artists) > maxArtists {
		return Track{}, refuse(ReasonMalformed, line, "keep the first few", "a track has %d artists, the limit is %d", len(t.Artists), maxArtists)
	}
	const day = int64(24 * time.Hour / time.Millisecond)
	if r.ms < 0 || r.ms > day {
		return Track{}, refuse(ReasonMalformed, line, "give milliseconds, at most a day", "a duration of %d ms cannot be", r.ms)
	}
	t.Duration = time.Duration(r.ms) * time.Millisecond
	return t, nil
}

// add appends the track of a row unless the playlist is full.
func (p *Playlist) add(r row, line int) *ParseError {
	if len(p.Tracks) == MaxTracks {
		return refuse(ReasonTooMany, line, "split the playlist", "the playlist has more than %d tracks", MaxTracks)
	}
	t, err := r.track(line)
	if err != nil {
		return err
	}
	p.Tracks = append(p.Tracks, t)
	return nil
}
