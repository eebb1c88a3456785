package upstream

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// track returns a whole Spotify track, made from its id alone. So an id gives the same track in a search, in a playlist
// and in a request for its features.
func (s *Server) track(id string) object {
	dice := s.seeded("track", id)
	artist := spotifyThing("artist", base62(dice, 22), title(dice))
	album := spotifyThing("album", base62(dice, 22), title(dice))
	album["album_type"] = "album"
	album["artists"] = []object{artist}
	album["release_date"] = fmt.Sprintf("%d-%02d-%02d", 1970+dice.IntN(55), 1+dice.IntN(12), 1+dice.IntN(28))
	album["release_date_precision"] = "day"
	album["total_tracks"] = 8 + dice.IntN(8)

	t := spotifyThing("track", id, title(dice))
	t["artists"] = []object{artist}
	t["album"] = album
	t["disc_number"] = 1
	t["track_number"] = 1 + dice.IntN(8)
	t["duration_ms"] = s.duration(id)
	t["explicit"] = dice.IntN(8) == 0
	t["is_local"] = false
	t["external_ids"] = object{"isrc": "QZ" + spell(dice, digits16[:10], 10)}
	return t
}

// duration returns the length of a track in milliseconds, the same for the track and its features.
func (s *Server) duration(id string) int { return 120_000 + s.seeded("duration", id).IntN(240_000) }

// features returns the audio features of a track.
func (s *Server) features(id string) object {
	dice := s.seeded("features", id)
	o := object{
		"type": "audio_features", "id": id, "uri": "spotify:track:" + id,
		"track_href":     "https://api.spotify.com/v1/tracks/" + id,
		"analysis_url":   "https://api.spotify.com/v1/audio-analysis/" + id,
		"duration_ms":    s.duration(id),
		"key":            dice.IntN(12),
		"mode":           dice.IntN(2),
		"time_signature": 3 + dice.IntN(2),
		"tempo":          between(dice, 70, 180),
		"loudness":       between(dice, -20, -3),
	}
	for _, share := range []string{
		"acousticness", "danceability", "energy", "instrumentalness", "liveness", "speechiness", "valence",
	} {
		o[share] = between(dice, 0, 1)
	}
	return o
}

func between(dice *rand.Rand, low, high float64) float64 {
	return math.Round((low+(high-low)*dice.Float64())*1000) / 1000
}

// spotifyThing returns the fields that all objects of Spotify's catalogue have.
func spotifyThing(kind, id, name string) object {
	return object{
		"type": kind, "id": id, "name": name,
		"uri":           "spotify:" + kind + ":" + id,
		"href":          "https://api.spotify.com/v1/" + kind + "s/" + id,
		"external_urls": object{"spotify": "https://open.spotify.com/" + kind + "/" + id},
	}
}
