package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/weir-go/weir/worker/playlist"
)

// LastFM asks Last.fm about tracks and artists. Each method is one request. The key travels in the body of a POST, so
// that it is in no URL and in nothing that records URLs.
type LastFM struct {
	sender
	key secret
}

// TrackInfo is what Last.fm knows of a track.
type TrackInfo struct {
	Listeners, Plays int64
	Tags             []string // the strongest first
}

// ArtistInfo is what Last.fm knows of an artist.
type ArtistInfo struct {
	Listeners, Plays int64
	Tags             []string // the strongest first
	Similar          []string // artists, the closest first
}

// TrackInfo looks a track up. One that Last.fm does not know is an [*APIError] with code 6.
func (l *LastFM) TrackInfo(ctx context.Context, artist, track string) (TrackInfo, error) {
	var answer struct {
		Track *struct {
			Listeners number    `json:"listeners"`
			Plays     number    `json:"playcount"`
			Tags      namedList `json:"toptags"`
		} `json:"track"`
	}
	if err := l.call(ctx, url.Values{"method": {"track.getInfo"}, "artist": {artist}, "track": {track}, "autocorrect": {"1"}}, &answer); err != nil {
		return TrackInfo{}, err
	}
	if answer.Track == nil {
		return TrackInfo{}, unanswered(APILastFM, errors.New("an answer without a track"))
	}
	t := answer.Track
	return TrackInfo{int64(t.Listeners), int64(t.Plays), t.Tags}, nil
}

// ArtistInfo looks an artist up. One that Last.fm does not know is an [*APIError] with code 6.
func (l *LastFM) ArtistInfo(ctx context.Context, artist string) (ArtistInfo, error) {
	var answer struct {
		Artist *struct {
			Stats struct {
				Listeners number `json:"listeners"`
				Plays     number `json:"playcount"`
			} `json:"stats"`
			Tags    namedList `json:"tags"`
			Similar namedList `json:"similar"`
		} `json:"artist"`
	}
	if err := l.call(ctx, url.Values{"method": {"artist.getInfo"}, "artist": {artist}, "autocorrect": {"1"}}, &answer); err != nil {
		return ArtistInfo{}, err
	}
	if answer.Artist == nil {
		return ArtistInfo{}, unanswered(APILastFM, errors.New("an answer without an artist"))
	}
	a := answer.Artist
	return ArtistInfo{int64(a.Stats.Listeners), int64(a.Stats.Plays), a.Tags, a.Similar}, nil
}

func (l *LastFM) call(ctx context.Context, form url.Values, into any) error {
	form.Set("format", "json")
	form.Set("api_key", l.key())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/2.0/", strings.NewReader(form.Encode()))
	if err != nil {
		return unanswered(APILastFM, err, l.key())
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := l.do(ctx, req, l.key())
	if err != nil {
		return err
	}
	// Its errors come with any status, 200 among them.
	var refusal struct {
		Code    number `json:"error"`
		Message string `json:"message"`
	}
	bad := json.Unmarshal(answer.body, &refusal)
	if !answer.ok() || bad == nil && refusal.Code != 0 {
		e := &APIError{API: APILastFM, Status: answer.status, RetryAfter: retryAfter(answer.header), Message: presentable(refusal.Message, l.key())}
		if refusal.Code != 0 {
			e.Code = strconv.FormatInt(int64(refusal.Code), 10)
		}
		return e
	}
	if bad != nil || json.Unmarshal(answer.body, into) != nil {
		return unanswered(APILastFM, errNotJSON)
	}
	return nil
}

// number is an integer that Last.fm writes as a string in some answers and as a number in others.
type number int64

func (n *number) UnmarshalJSON(data []byte) error {
	text := strings.Trim(string(data), `"`)
	if text == "" || text == "null" {
		*n = 0
		return nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return errors.New("not a whole number")
	}
	*n = number(v)
	return nil
}

// namedList is a list of things with a name, inside an object under a key that differs: {"tag": […]}. Where it is
// empty Last.fm writes "" instead of the object, and where there is one thing, that instead of the list.
type namedList []string

func (l *namedList) UnmarshalJSON(data []byte) error {
	var wrapped map[string]json.RawMessage
	if data[0] != '{' {
		return nil
	}
	if err := json.Unmarshal(data, &wrapped); err != nil {
		return err
	}
	for _, key := range []string{"tag", "artist"} {
		raw, ok := wrapped[key]
		if !ok {
			continue
		}
		if raw[0] == '{' {
			raw = append(append([]byte{'['}, raw...), ']')
		}
		var things []struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal(raw, &things); err != nil {
			return err
		}
		for _, t := range things {
			if name := playlist.Clip(playlist.OneLine(t.Name), 100); name != "" {
				*l = append(*l, name)
			}
		}
	}
	return nil
}
