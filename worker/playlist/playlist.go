package playlist

import (
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxTracks is how many tracks a playlist may have: Spotify's own bound.
	MaxTracks = 10_000
	// MaxBytes is how long an input of Parse may be. Ten thousand rows of an export with every column are about 6 MiB.
	MaxBytes = 16 << 20
	// MaxText is how many characters a name may have. What lies above is not a title but an accident, and would go into
	// prompts.
	MaxText = 1_000

	maxArtists = 100 // on one track
)

// Playlist is what an analysis works on. One that Parse returned has 1 to MaxTracks tracks.
type Playlist struct {
	Name   string // empty where the input has none, as a CSV
	Tracks []Track
}

// Track is one row of a playlist. One that Parse returned has a name, and its texts are UTF-8 of one line each.
type Track struct {
	// ID is Spotify's, 22 characters of base62, or empty for what Spotify's catalogue does not hold: local files,
	// podcast episodes, and tracks that it has withdrawn.
	ID       string
	Name     string
	Artists  []string // in the order of the credits, possibly none
	Album    string
	Released string        // a date or a year, as the input has it
	Duration time.Duration // 0 if unknown
}

const trackURI = "spotify:track:"

// URI is what Spotify calls a track that has an ID.
func (t Track) URI() string { return trackURI + t.ID }

// trackID reads the id out of the forms in which one is written: bare, as a URI, as a link. What is on Spotify but is
// no track of the catalogue has an empty id; ok is false for anything else.
func trackID(s string) (id string, ok bool) {
	s = strings.TrimSpace(s)
	if s == "" || strings.HasPrefix(s, "spotify:local:") || strings.HasPrefix(s, "spotify:episode:") {
		return "", true
	}
	id = strings.TrimPrefix(s, trackURI)
	if link, found := strings.CutPrefix(s, "https://open.spotify.com/track/"); found {
		id, _, _ = strings.Cut(link, "?")
	}
	return id, len(id) == 22 && IsBase62(id)
}

// IsBase62 says whether a text has the form of an id of Spotify: 1 to 64 letters and digits. Ids of today have 22.
func IsBase62(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != "" && len(s) <= 64
}

// OneLine puts a text on one line: control characters become spaces, runs of spaces one, none stay at the ends.
func OneLine(s string) string {
	return strings.Join(strings.FieldsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

// Clip shortens a text to so many characters, the last an ellipsis if something is missing.
func Clip(s string, characters int) string {
	if utf8.RuneCountInString(s) <= characters {
		return s
	}
	return string([]rune(s)[:characters-1]) + "…"
}
