package providers

import (
	"time"

	"github.com/weir-go/weir/worker/playlist"
)

const maxArtists = 100 // on one track, as in an uploaded playlist

// longest is the longest duration of a track, in milliseconds: a day.
const longest = int64(24 * time.Hour / time.Millisecond)

// spotifyTrack is a track as Spotify's API writes it. Pointers to it are nil where the catalogue has lost the track.
type spotifyTrack struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Artists []struct {
		Name string `json:"name"`
	} `json:"artists"`
	Album struct {
		Name     string `json:"name"`
		Released string `json:"release_date"`
	} `json:"album"`
	MS int64 `json:"duration_ms"`
}

// tracksOf returns the tracks with an id and a name, up to the requested number. An impossible duration counts as
// unknown.
func tracksOf(found []*spotifyTrack, asked int) []playlist.Track {
	tracks := make([]playlist.Track, 0, min(len(found), asked))
	for _, f := range found[:min(len(found), asked)] {
		if f == nil || !playlist.IsBase62(f.ID) || f.Name == "" || f.Type != "" && f.Type != "track" {
			continue
		}
		t := playlist.Track{ID: f.ID, Name: playlist.Clip(playlist.OneLine(f.Name), playlist.MaxText), Album: playlist.Clip(playlist.OneLine(f.Album.Name), playlist.MaxText), Released: playlist.Clip(playlist.OneLine(f.Album.Released), playlist.MaxText)}
		for _, a := range f.Artists[:min(len(f.Artists), maxArtists)] {
			t.Artists = append(t.Artists, playlist.Clip(playlist.OneLine(a.Name), playlist.MaxText))
		}
		if f.MS > 0 && f.MS <= longest {
			t.Duration = time.Duration(f.MS) * time.Millisecond
		}
		tracks = append(tracks, t)
	}
	return tracks
}
