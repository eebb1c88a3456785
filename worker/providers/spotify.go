package providers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"golang.org/x/oauth2"

	"github.com/weir-go/weir/worker/playlist"
)

const (
	// AddLimit is the most items that one call of [Spotify.AddItems] adds.
	AddLimit = 100

	searchLimit = 10 // the most that a search returns since 2026
	pageLimit   = 50 // the most items in a page of a playlist

	maxTempo   = 1_000 // beats per minute; music has a fifth of this
	maxArtists = 100   // on one track, as in a playlist that somebody uploads
	maxURL     = 2_000 // characters
)

// Spotify asks the few things of Spotify's Web API that an analysis needs. Each method is one request.
type Spotify struct {
	sender
	token func() (*oauth2.Token, error) // nil: send none
}

// Features are what Spotify says about the sound of a track.
type Features struct {
	Tempo        float64 // beats per minute, 0 to maxTempo
	Energy       float64 // 0 to 1
	Danceability float64 // 0 to 1
}

// plausible reports whether all numbers are in their ranges. A sum of numbers that are not may be infinite, which JSON cannot say.
func (f Features) plausible() bool {
	return f.Tempo >= 0 && f.Tempo <= maxTempo && f.Energy >= 0 && f.Energy <= 1 && f.Danceability >= 0 && f.Danceability <= 1
}

// Created is a playlist that was made.
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
		return Created{}, unanswered(APISpotify, errors.New("a playlist was created, the answer has no id of it"))
	}
	if len(answer.URLs.Spotify) > maxURL {
		answer.URLs.Spotify = ""
	}
	return Created{ID: answer.ID, URL: answer.URLs.Spotify}, nil
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

// call sends body as JSON, unless it is nil, and reads the answer into a pointer, unless that is nil.
func (s *Spotify) call(ctx context.Context, method, path string, body, into any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return unanswered(APISpotify, err)
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, bytes.NewReader(sent))
	if err != nil {
		return unanswered(APISpotify, err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	secret, err := s.authorize(req)
	if err != nil {
		return err
	}
	answer, err := s.do(ctx, req, secret)
	if err != nil {
		return err
	}
	if !answer.ok() {
		return spotifyError(answer, secret)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer.body, into); err != nil {
		return unanswered(APISpotify, errNotJSON)
	}
	return nil
}

// authorize puts the access token into the request and returns it, so that errors can leave it out.
func (s *Spotify) authorize(req *http.Request) (secret string, err error) {
	if s.token == nil {
		return "", nil
	}
	token, err := s.token()
	if err == nil {
		token.SetAuthHeader(req)
		return token.AccessToken, nil
	}
	if denied, ok := errors.AsType[*oauth2.RetrieveError](err); ok && denied.Response != nil {
		// The body of that answer may hold tokens, so that none of it is shown.
		return "", &APIError{API: APISpotify, Status: denied.Response.StatusCode, RetryAfter: retryAfter(denied.Response.Header), Message: "the access token was not renewed"}
	}
	if _, ok := errors.AsType[*url.Error](err); ok {
		return "", unanswered(APISpotify, err)
	}
	return "", &callError{api: APISpotify, text: "no access token could be had", err: err}
}

func spotifyError(answer reply, secret string) *APIError {
	e := &APIError{API: APISpotify, Status: answer.status, RetryAfter: retryAfter(answer.header)}
	var body struct {
		Error struct {
			Message string `json:"message"`
			Reason  string `json:"reason"`
		} `json:"error"`
	}
	// Gateways answer in HTML; then the status says enough.
	_ = json.Unmarshal(answer.body, &body)
	e.Code, e.Message = presentable(body.Error.Reason, secret), presentable(body.Error.Message, secret)
	e.Spent = spent(e.Status, e.Code, e.Message)
	return e
}

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

// tracksOf keeps what has an id and a name and is a track, of as many as were asked for. A duration that cannot be is unknown.
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
