package analysis

import (
	"cmp"
	"slices"
	"strings"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

// Result is the result of an analysis. Analyze also returns a Result with an error: it has everything up to the error,
// and the counts of its tasks and calls are right.
type Result struct {
	Playlist string `json:"playlist"` // the name in the input, possibly empty
	Format   string `json:"format"`   // what the input was read as, such as "CSV"
	Tracks   int    `json:"tracks"`   // of the input
	Repeated int    `json:"repeated"` // of these, repetitions; each track is analysed once
	// LeftOut are the rows of the input that could not be used.
	LeftOut []playlist.LeftOut `json:"left_out"`

	Title   string `json:"title"` // of the new playlist
	Summary string `json:"summary"`

	Tags           []Tag    `json:"tags"`            // of tracks and artists, the most frequent first, at most 10
	SimilarArtists []string `json:"similar_artists"` // not in the input, the most named first, at most 10
	Found          []Found  `json:"found"`           // by the searches, each once, not in the input

	// AudioFeatures is "ok", or "denied" if Spotify does not give them to this application. Tempo (beats per minute),
	// Energy and Danceability (0 to 1) are averages over the tracks that have them, and nil if none has.
	AudioFeatures string   `json:"audio_features"`
	Tempo         *float64 `json:"tempo"`
	Energy        *float64 `json:"energy"`
	Danceability  *float64 `json:"danceability"`

	Created providers.Created `json:"created"`
	Added   int               `json:"added"` // tracks in the created playlist

	// Notes list what else is missing and why, one line each.
	Notes []string `json:"notes"`
	// FailedLookups counts searches, audio features and Last.fm lookups that failed on their own.
	FailedLookups int `json:"failed_lookups"`
	// Calls are the requests made, by API.
	Calls map[string]int64 `json:"calls"`
	// Tasks is how many tasks the orchestrator got, Ended how many of them ended, Failed how many ended with an error,
	// including cancelled tasks. Tasks − Ended are lost.
	Tasks  int `json:"tasks"`
	Ended  int `json:"ended"`
	Failed int `json:"failed"`

	Seconds float64 `json:"seconds"`
}

// Values of [Result.AudioFeatures].
const (
	FeaturesOK     = "ok"
	FeaturesDenied = "denied"
)

// Tag is a word that Last.fm's listeners use, and how many tracks and artists of the playlist have it.
type Tag struct {
	Name  string `json:"name"`
	Count int    `json:"count"`
}

// Found is a track that a search found. Its texts are cut to maxFoundText characters and its artists to
// maxFoundArtists, so that a stream can carry the result, whatever a provider answers.
type Found struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Artists []string `json:"artists"`
}

const (
	maxRanked       = 10
	maxFoundText    = 100 // characters
	maxFoundArtists = 5
)

func foundOf(t playlist.Track) Found {
	f := Found{ID: t.ID, Name: playlist.Clip(t.Name, maxFoundText), Artists: make([]string, 0, min(len(t.Artists), maxFoundArtists))}
	for _, name := range t.Artists[:min(len(t.Artists), maxFoundArtists)] {
		f.Artists = append(f.Artists, playlist.Clip(name, maxFoundText))
	}
	return f
}

// ranking counts words regardless of case.
type ranking map[string]int

func (r ranking) add(words ...string) {
	for _, w := range words {
		r[strings.ToLower(w)]++
	}
}

// top returns the most frequent words, equals in alphabetical order, so that the same answers give the same result.
func (r ranking) top() []Tag {
	tags := make([]Tag, 0, len(r))
	for name, n := range r {
		tags = append(tags, Tag{name, n})
	}
	slices.SortFunc(tags, func(a, b Tag) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return tags[:min(len(tags), maxRanked)]
}

// artistsOf returns the artists of a playlist: artists on most tracks first, else in the order of the playlist.
func artistsOf(p playlist.Playlist) []string {
	on := map[string]int{}
	var names []string
	for _, t := range p.Tracks {
		for _, name := range t.Artists {
			if on[strings.ToLower(name)]++; on[strings.ToLower(name)] == 1 {
				names = append(names, name)
			}
		}
	}
	slices.SortStableFunc(names, func(a, b string) int {
		return cmp.Compare(on[strings.ToLower(b)], on[strings.ToLower(a)])
	})
	return names
}

// tagsAndSimilar ranks the tags and artists from Last.fm.
func tagsAndSimilar(p playlist.Playlist, tracks []providers.TrackInfo, artists []providers.ArtistInfo) (tags []Tag, similar []string) {
	words, near, names := ranking{}, ranking{}, map[string]string{}
	for _, t := range tracks {
		words.add(t.Tags...)
	}
	for _, a := range artists {
		words.add(a.Tags...)
		near.add(a.Similar...)
		for _, name := range a.Similar {
			names[strings.ToLower(name)] = name
		}
	}
	for _, name := range artistsOf(p) {
		delete(near, strings.ToLower(name))
	}
	for _, a := range near.top() {
		similar = append(similar, names[a.Name])
	}
	return words.top(), similar
}

// average fills in the means of audio features, over the tracks that have any.
func (r *Result) average(all []providers.Features) {
	all = slices.DeleteFunc(all, func(f providers.Features) bool { return f == providers.Features{} })
	if len(all) == 0 {
		return
	}
	var sum providers.Features
	for _, f := range all {
		sum.Tempo, sum.Energy, sum.Danceability = sum.Tempo+f.Tempo, sum.Energy+f.Energy, sum.Danceability+f.Danceability
	}
	n := float64(len(all))
	r.Tempo, r.Energy, r.Danceability = new(sum.Tempo/n), new(sum.Energy/n), new(sum.Danceability/n)
}

// newTracks returns the tracks that searches found and that the playlist does not have, each once.
func newTracks(p playlist.Playlist, found [][]playlist.Track) []playlist.Track {
	known := map[string]bool{}
	for _, t := range p.Tracks {
		known[t.ID] = true
	}
	var fresh []playlist.Track
	for _, tracks := range found {
		for _, t := range tracks {
			if !known[t.ID] {
				known[t.ID] = true
				fresh = append(fresh, t)
			}
		}
	}
	return fresh
}
