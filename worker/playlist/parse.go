package playlist

import (
	"fmt"
	"io"
	"strings"
)

// Parse reads a playlist in one of the formats that the package documentation lists.
//
// Parse leaves out rows that cannot be used and lists them in the playlist: see [LeftOut]. It returns a [*ParseError]
// for an input that is no playlist, has no usable row, or contains several playlists: see [ParseOne]. It returns an
// error of r wrapped.
func Parse(r io.Reader) (Playlist, error) { return ParseOne(r, "") }

// ParseOne is Parse for an input that may contain several playlists: it reads the playlist with the name, regardless of
// case. An empty name means the only playlist.
func ParseOne(r io.Reader, name string) (Playlist, error) {
	data, err := io.ReadAll(io.LimitReader(r, MaxBytes+1))
	if err != nil {
		return Playlist{}, fmt.Errorf("playlist: read: %w", err)
	}
	if len(data) > MaxBytes {
		return Playlist{}, refuse(ReasonTooLarge, 0, "split the playlist", "the input is longer than %d MiB", MaxBytes>>20)
	}
	p := newPeek(data)
	for _, f := range formats() {
		if !f.is(p) {
			continue
		}
		in := &reader{peek: p, pick: name, list: Playlist{Format: f.name}}
		if err := f.read(in); err != nil {
			return Playlist{}, err
		}
		if err := in.chosen(); err != nil {
			return Playlist{}, err
		}
		if len(in.list.Tracks) == 0 {
			return Playlist{}, in.noTracks()
		}
		return in.list, nil
	}
	panic("playlist: the last format takes every input")
}

// noTracks refuses a playlist without any track, with the reasons for which its rows were left out.
func (in *reader) noTracks() error {
	if len(in.list.LeftOut) == 0 {
		return refuse(ReasonNoTracks, 0, "add tracks and "+exportAgain, "the playlist has no tracks")
	}
	if l := in.list.LeftOut[0]; len(in.list.LeftOut) == 1 && l.Why == WhyOther && l.Count == 1 {
		return refuse(ReasonNoTracks, l.Rows[0].Line, "export the tracks of the playlist, for example with Exportify",
			"%s is not a track", Quoted(l.Rows[0].Name))
	}
	return refuse(ReasonNoTracks, in.list.LeftOut[0].Rows[0].Line, "export a playlist with tracks of Spotify's catalogue",
		"the playlist has no track that can be used: %s", in.list.Omissions())
}

// Omissions returns how many rows are left out for which reasons, such as "2 local files, 1 episode", or "" if none is.
func (p Playlist) Omissions() string {
	parts := make([]string, 0, len(p.LeftOut))
	for _, l := range p.LeftOut {
		parts = append(parts, l.String())
	}
	return strings.Join(parts, ", ")
}

// Rows returns how many rows of the input belong to the playlist, including those left out.
func (p Playlist) Rows() int {
	n := len(p.Tracks)
	for _, l := range p.LeftOut {
		n += l.Count
	}
	return n
}

// String returns how many rows were left out and why, such as "2 local files".
func (l LeftOut) String() string {
	switch l.Why {
	case WhyLocal, WhyEpisode:
		return plural(l.Count, string(l.Why))
	case WhyOther:
		return plural(l.Count, "row") + " about other things than tracks"
	case WhyDamaged:
		return plural(l.Count, "damaged row")
	}
	return plural(l.Count, string(l.Why)+" track")
}
