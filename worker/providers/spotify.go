package providers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/oauth2"

	"github.com/weir-go/weir/worker/playlist"
)

const (
	// AddLimit is the most items that one call of [Spotify.AddItems] adds.
	AddLimit = 100

	searchLimit = 10 // the most that a search returns since 2026
	pageLimit   = 50 // the most items in a page of a playlist

	maxTempo = 1_000 // beats per minute; music has a fifth of this
	maxURL   = 2_000 // characters
)

// Spotify is a client for the part of Spotify's Web API that an analysis needs. Each method is one request.
type Spotify struct {
	sender
	login  *login                        // nil without one
	token  func() (*oauth2.Token, error) // if there is no login; nil: send none
	scopes []string                      // of token, nil if unknown
}

// CannotCreate returns why the login cannot make a playlist, as far as known before a call: "" if it may.
func (s *Spotify) CannotCreate() string {
	if s.login != nil {
		return s.login.lacks()
	}
	if s.scopes != nil && !slices.Contains(s.scopes, scopeModify) {
		return "the token is not for " + scopeModify
	}
	return ""
}

// Sees reports whether the user is known to have consented that private playlists are read.
func (s *Spotify) Sees() bool {
	if s.login != nil {
		return slices.Contains(s.login.scopes(), scopeRead)
	}
	return slices.Contains(s.scopes, scopeRead)
}

// Features are Spotify's audio features of a track.
type Features struct {
	Tempo        float64 // beats per minute, 0 to maxTempo
	Energy       float64 // 0 to 1
	Danceability float64 // 0 to 1
}

// plausible reports whether all numbers are in their ranges. The sum of other numbers may be infinite, which JSON
// cannot contain.
func (f Features) plausible() bool {
	return f.Tempo >= 0 && f.Tempo <= maxTempo && f.Energy >= 0 && f.Energy <= 1 && f.Danceability >= 0 && f.Danceability <= 1
}

// Created is a new playlist.
type Created struct {
	ID  string `json:"id"`
	URL string `json:"url"` // for people, possibly empty
}

// Search returns the tracks that Spotify finds for a query, at most 10.
func (s *Spotify) Search(ctx context.Context, query string) ([]playlist.Track, error) {
	q := url.Values{"q": {query}, "type": {"track"}, "limit": {strconv.Itoa(searchLimit)}}
	var answer struct {
		Tracks struct {
			Items []*spotifyTrack `json:"items"`
		} `json:"tracks"`
	}
	if err := s.call(ctx, http.MethodGet, "/v1/search?"+q.Encode(), nil, &answer); err != nil {
		return nil, err
	}
	return tracksOf(answer.Tracks.Items, searchLimit), nil
}

// PlaylistItems returns the tracks among a playlist's items from offset on, at most 50 of them, and how many items
// the playlist has in all.
func (s *Spotify) PlaylistItems(ctx context.Context, id string, offset int) (tracks []playlist.Track, total int, err error) {
	if !playlist.IsBase62(id) {
		return nil, 0, fmt.Errorf("spotify: %s is not the id of a playlist", playlist.Quoted(id))
	}
	q := url.Values{"limit": {strconv.Itoa(pageLimit)}, "offset": {strconv.Itoa(offset)}}
	var answer struct {
		Total int `json:"total"`
		Items []struct {
			Item  *spotifyTrack `json:"item"`
			Track *spotifyTrack `json:"track"` // its name before 2026
		} `json:"items"`
	}
	if err := s.call(ctx, http.MethodGet, "/v1/playlists/"+id+"/items?"+q.Encode(), nil, &answer); err != nil {
		return nil, 0, err
	}
	found := make([]*spotifyTrack, 0, len(answer.Items))
	for _, item := range answer.Items {
		if item.Item == nil {
			item.Item = item.Track
		}
		found = append(found, item.Item)
	}
	return tracksOf(found, pageLimit), max(0, answer.Total), nil
}

// AudioFeatures returns how a track sounds. Spotify denies this, with status 403, to most applications.
func (s *Spotify) AudioFeatures(ctx context.Context, id string) (Features, error) {
	if !playlist.IsBase62(id) {
		return Features{}, fmt.Errorf("spotify: %s is not the id of a track", playlist.Quoted(id))
	}
	var answer struct {
		Tempo        *float64 `json:"tempo"`
		Energy       *float64 `json:"energy"`
		Danceability *float64 `json:"danceability"`
	}
	if err := s.call(ctx, http.MethodGet, "/v1/audio-features/"+id, nil, &answer); err != nil {
		return Features{}, err
	}
	if answer.Tempo == nil || answer.Energy == nil || answer.Danceability == nil {
		return Features{}, unanswered(APISpotify, errors.New("audio features without tempo, energy or danceability"))
	}
	f := Features{*answer.Tempo, *answer.Energy, *answer.Danceability}
	if !f.plausible() {
		return Features{}, unanswered(APISpotify, errors.New("audio features out of range"))
	}
	return f, nil
}

// CreatePlaylist makes an empty private playlist of the user whose token is used.
func (s *Spotify) CreatePlaylist(ctx context.Context, name, description string) (Created, error) {
	var answer struct {
		ID   string `json:"id"`
		URLs struct {
			Spotify string `json:"spotify"`
		} `json:"external_urls"`
	}
	body := map[string]any{"name": playlist.Clip(playlist.OneLine(name), 100), "description": playlist.Clip(playlist.OneLine(description), 300), "public": false}
	if err := s.call(ctx, http.MethodPost, "/v1/me/playlists", body, &answer); err != nil {
		return Created{}, err
	}
	if !playlist.IsBase62(answer.ID) {
		return Created{}, unanswered(APISpotify, errors.New("a playlist was created, but the answer does not have its id"))
	}
	return Created{ID: answer.ID, URL: shown(answer.URLs.Spotify)}, nil
}

// OwnPlaylist returns the user's playlist whose description contains a text, among the 50 newest.
func (s *Spotify) OwnPlaylist(ctx context.Context, text string) (made Created, found bool, err error) {
	var answer struct {
		Items []*struct {
			ID          string `json:"id"`
			Description string `json:"description"` // with entities of HTML, which the text must not need
			URLs        struct {
				Spotify string `json:"spotify"`
			} `json:"external_urls"`
		} `json:"items"`
	}
	if err := s.call(ctx, http.MethodGet, "/v1/me/playlists?limit="+strconv.Itoa(pageLimit), nil, &answer); err != nil {
		return Created{}, false, err
	}
	for _, p := range answer.Items {
		if p != nil && strings.Contains(p.Description, text) && playlist.IsBase62(p.ID) {
			return Created{ID: p.ID, URL: shown(p.URLs.Spotify)}, true, nil
		}
	}
	return Created{}, false, nil
}

// shown returns a URL for people, "" if the URL is too long.
func shown(u string) string {
	if len(u) > maxURL {
		return ""
	}
	return u
}

// AddItems adds tracks to the end of a playlist, at most [AddLimit].
func (s *Spotify) AddItems(ctx context.Context, id string, tracks []playlist.Track) error {
	if !playlist.IsBase62(id) {
		return fmt.Errorf("spotify: %s is not the id of a playlist", playlist.Quoted(id))
	}
	if len(tracks) > AddLimit {
		return fmt.Errorf("spotify: %d tracks to add at once, the limit is %d", len(tracks), AddLimit)
	}
	uris := make([]string, len(tracks))
	for i, t := range tracks {
		uris[i] = t.URI()
	}
	return s.call(ctx, http.MethodPost, "/v1/playlists/"+id+"/items", map[string]any{"uris": uris}, nil)
}
