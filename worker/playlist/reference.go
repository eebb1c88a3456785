package playlist

import "strings"

// kind is what a reference refers to.
type kind int

const (
	nothing   kind = iota // an empty text
	aTrack                // a track of Spotify's catalogue
	aFile                 // a local file
	anEpisode             // of a podcast or an audiobook, or a whole one
	another               // something else at Spotify: an album, an artist, a playlist, a short link
	damaged               // a track with an invalid id
	foreign               // no reference to Spotify
)

// reference reads what a text refers to: a URI, a link with or without its scheme, or a bare id. The id is the id of a
// track.
func reference(s string) (k kind, id string) {
	s = strings.TrimSpace(s)
	if s == "" {
		return nothing, ""
	}
	if len(s) > maxReference {
		return foreign, ""
	}
	if IsBase62(s) && len(s) == idLength {
		return aTrack, s
	}
	scheme, rest, ok := strings.Cut(s, ":")
	if ok && strings.EqualFold(scheme, "spotify") {
		return referred(strings.Split(clean(rest), ":"))
	}
	if ok && (strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")) {
		s = strings.TrimPrefix(rest, "//")
	}
	host, path, _ := strings.Cut(s, "/")
	parts := strings.Split(strings.Trim(clean(path), "/"), "/")
	switch strings.ToLower(strings.TrimPrefix(host, "www.")) {
	case "open.spotify.com", "play.spotify.com":
		for len(parts) > 1 && (strings.HasPrefix(parts[0], "intl-") || parts[0] == "embed") {
			parts = parts[1:]
		}
		return referred(parts)
	case "api.spotify.com":
		if len(parts) > 1 && parts[0] == "v1" {
			parts[1] = strings.TrimSuffix(parts[1], "s")
			return referred(parts[1:])
		}
		return another, ""
	case "spotify.link", "spotify.app.link", "spoti.fi":
		return another, "" // its target is unknown
	}
	return foreign, ""
}

const (
	idLength     = 22    // of Spotify's ids
	maxReference = 2_000 // bytes
)

// clean removes the query and the fragment after a path.
func clean(path string) string {
	if at := strings.IndexAny(path, "?#"); at >= 0 {
		path = path[:at]
	}
	return path
}

// referred reads the parts of a path or a URI. The first part is the kind of the second.
func referred(parts []string) (kind, string) {
	switch strings.ToLower(parts[0]) {
	case "track":
		if len(parts) > 1 && len(parts[1]) == idLength && IsBase62(parts[1]) {
			return aTrack, parts[1]
		}
		return damaged, ""
	case "local":
		return aFile, ""
	case "episode", "show", "chapter", "audiobook":
		return anEpisode, ""
	}
	return another, ""
}
