package playlist

import (
	"fmt"
	"io"
	"strings"
)

// Parse reads a playlist in one of the formats that people have. The package documentation lists the formats.
//
// Rows that cannot be used are left out and named in the playlist, see [LeftOut]. What is no playlist, or one without any row that can be
// used, is refused with a [*ParseError] as a whole. So is an input that holds several playlists, see [ParseOne]. An error of r is
// returned wrapped.
func Parse(r io.Reader) (Playlist, error) { return ParseOne(r, "") }

// ParseOne is Parse for an input that may hold several playlists: it reads the one with a name, regardless of case. An empty name
// means the only one.
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

// Omissions says how many rows are left out for which reasons, such as "2 local files, 1 episode", and nothing where none is.
func (p Playlist) Omissions() string {
	parts := make([]string, 0, len(p.LeftOut))
	for _, l := range p.LeftOut {
		parts = append(parts, l.String())
	}
	return strings.Join(parts, ", ")
}

// Rows is how many rows of the input belong to the playlist, with those that are left out.
func (p Playlist) Rows() int {
	n := len(p.Tracks)
	for _, l := range p.LeftOut {
		n += l.Count
	}
	return n
}

// String is how many rows were left out and why, such as "2 local files".
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
