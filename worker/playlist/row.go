package playlist

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// row is a track in the form of the input.
type row struct {
	line int
	list string // the playlist of the row, if an input may contain several
	why  Why    // set if by the format the row is no track

	ref                   string // a link, URI or id
	name, album, released string
	artists               []string
	duration              time.Duration
	// bare is true if the format has no names, so that a row without a name is no withdrawn track.
	bare bool
}

// add adds a row: as a track, or to the rows left out. It fails if the playlist is full.
func (in *reader) add(r row) error {
	if !in.wanted(r.list) {
		return nil
	}
	if in.rows++; in.rows > MaxTracks {
		return refuse(ReasonTooMany, r.line, "split the playlist", "the playlist has more than %d tracks", MaxTracks)
	}
	t, why := r.track()
	if why != "" {
		in.leaveOut(why, r)
		return nil
	}
	in.list.Tracks = append(in.list.Tracks, t)
	return nil
}

const (
	maxNamed = 60       // characters of the name of a row that is left out
	maxRaw   = 16 << 10 // bytes of a text before its spaces are removed
)

// track makes a track of a row, or returns why the row is no track.
func (r row) track() (Track, Why) {
	k, id := reference(r.ref)
	switch {
	case r.why != "":
		return Track{}, r.why
	case k == aFile:
		return Track{}, WhyLocal
	case k == anEpisode:
		return Track{}, WhyEpisode
	case k == another:
		return Track{}, WhyOther
	case k == damaged:
		return Track{}, WhyDamaged
	}
	texts := append([]string{r.name, r.album, r.released}, r.artists...)
	if len(r.artists) > maxArtists || slices.ContainsFunc(texts, func(s string) bool { return len(s) > maxRaw }) {
		return Track{}, WhyDamaged
	}
	t := Track{ID: strings.Clone(id), Name: kept(r.name), Album: kept(r.album), Released: kept(r.released)}
	for _, name := range r.artists {
		if name = kept(name); name != "" {
			t.Artists = append(t.Artists, name)
		}
	}
	if t.Name == "" && (id == "" || !r.bare) {
		return Track{}, WhyWithdrawn
	}
	texts = append([]string{t.Name, t.Album, t.Released}, t.Artists...)
	if slices.ContainsFunc(texts, func(s string) bool { return utf8.RuneCountInString(s) > MaxText }) {
		return Track{}, WhyDamaged
	}
	if r.duration > 0 && r.duration <= 24*time.Hour {
		t.Duration = r.duration
	}
	return t, ""
}

// kept returns a copy of a text on one line, so that the text does not keep the whole input in memory.
func kept(s string) string { return strings.Clone(OneLine(s[:min(len(s), maxRaw)])) }

// leaveOut counts a row that cannot be used.
func (in *reader) leaveOut(why Why, r row) {
	at := slices.IndexFunc(in.list.LeftOut, func(l LeftOut) bool { return l.Why == why })
	if at < 0 {
		at = len(in.list.LeftOut)
		in.list.LeftOut = append(in.list.LeftOut, LeftOut{Why: why})
	}
	l := &in.list.LeftOut[at]
	if l.Count++; len(l.Rows) >= MaxShown {
		return
	}
	shown := ""
	for _, text := range []string{r.name, r.ref, r.album, strings.Join(r.artists[:min(len(r.artists), 3)], ", ")} {
		if shown == "" {
			shown = Clip(kept(text), maxNamed)
		}
	}
	l.Rows = append(l.Rows, Row{Line: r.line, Name: strings.ToValidUTF8(shown, "")})
}
