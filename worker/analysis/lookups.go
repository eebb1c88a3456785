package analysis

import (
	"strings"

	"github.com/weir-go/weir/worker/playlist"
)

// lookups are the lookups of the tracks and artists of a playlist, each once.
type lookups struct {
	nameless []playlist.Track // their names come from Spotify
	withID   []playlist.Track // Spotify knows them
	credited []playlist.Track // Last.fm can find them: they have an artist
	artists  []string         // at most maxArtistLookups, artists on most tracks first
}

func lookupsOf(p playlist.Playlist) *lookups {
	artists := artistsOf(p)
	l := &lookups{artists: artists[:min(len(artists), maxArtistLookups)]}
	asked := map[question]bool{}
	for _, t := range p.Tracks {
		if t.Name == "" {
			l.nameless = append(l.nameless, t)
		}
		if t.ID != "" {
			l.withID = append(l.withID, t)
		}
		// The same song of a single and of an album has two ids, and is one song to Last.fm.
		if q := questionOf(t); q.artist != "" && !asked[q] {
			asked[q] = true
			l.credited = append(l.credited, t)
		}
	}
	return l
}

// question is a lookup of a track at Last.fm.
type question struct{ artist, name string }

func questionOf(t playlist.Track) question {
	return question{strings.ToLower(artist(t)), strings.ToLower(t.Name)}
}

// artist returns the artist under which Last.fm has a track: the first of the credits.
func artist(t playlist.Track) string {
	if len(t.Artists) == 0 {
		return ""
	}
	return t.Artists[0]
}

// known returns the tracks with an id that are certainly analysed: Spotify may not know the others.
func (l *lookups) known() int { return len(l.withID) - len(l.nameless) }

func (l *lookups) total() int { return l.known() + len(l.credited) + len(l.artists) }

// distinct returns the tracks of a playlist, each once: by its id, else by its artist and name.
func distinct(tracks []playlist.Track) []playlist.Track {
	type identity struct {
		id string
		question
	}
	known := map[identity]bool{}
	var each []playlist.Track
	for _, t := range tracks {
		is := identity{id: t.ID}
		if t.ID == "" {
			is.question = questionOf(t)
		}
		if !known[is] {
			known[is] = true
			each = append(each, t)
		}
	}
	return each
}
