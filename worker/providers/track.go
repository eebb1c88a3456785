package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/weir-go/weir/worker/playlist"
)

// Track returns what Spotify knows about the track with an id. The error is an [APIError] with status 404 if there is
// no such track. Since 2026 there is no request for several tracks.
func (s *Spotify) Track(ctx context.Context, id string) (playlist.Track, error) {
	if !playlist.IsBase62(id) {
		return playlist.Track{}, fmt.Errorf("spotify: %s is not the id of a track", playlist.Quoted(id))
	}
	var answer spotifyTrack
	if err := s.call(ctx, http.MethodGet, "/v1/tracks/"+id, nil, &answer); err != nil {
		return playlist.Track{}, err
	}
	found := tracksOf([]*spotifyTrack{&answer}, 1)
	if len(found) == 0 {
		return playlist.Track{}, unanswered(APISpotify, errors.New("a track without a name"))
	}
	found[0].ID = id // an answer may be about another release of the track
	return found[0], nil
}
