package providers

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/playlist"
)

// LastFM looks up tracks and artists at Last.fm. Each method is one request. The key is in the body of a POST, so that
// it is in no URL and in no log of URLs.
//
// Last.fm refuses calls with its error 29, mostly inside an answer of status 200 without a time to wait. The client
// then sends nothing for a second, and for twice as long each time that the next call is refused too, at most half a
// minute. It reports the pause to the fleet by the reservation of the refused call. A method that is called in a pause
// sends nothing and returns an error; by [Verdict] the call is repeated after the pause.
type LastFM struct {
	sender
	key    secret
	pauses *pauses
}

// TrackInfo is what Last.fm knows about a track.
type TrackInfo struct {
	Unknown          bool // Last.fm has no such track; then the rest is zero
	Listeners, Plays int64
	Tags             []string // the strongest first
}

// ArtistInfo is what Last.fm knows about an artist.
type ArtistInfo struct {
	Unknown          bool // Last.fm has no such artist; then the rest is zero
	Listeners, Plays int64
	Tags             []string // the strongest first
	Similar          []string // artists, the closest first
}

// TrackInfo looks up a track. A track that Last.fm does not know is no error: see Unknown.
func (l *LastFM) TrackInfo(ctx context.Context, artist, track string) (TrackInfo, error) {
	var answer struct {
		Track *struct {
			Listeners number    `json:"listeners"`
			Plays     number    `json:"playcount"`
			Tags      namedList `json:"toptags"`
		} `json:"track"`
	}
	if err := l.call(ctx, url.Values{"method": {"track.getInfo"}, "artist": {artist}, "track": {track}, "autocorrect": {"1"}}, &answer); err != nil {
		if unknownToLastFM(err) {
			return TrackInfo{Unknown: true}, nil
		}
		return TrackInfo{}, err
	}
	if answer.Track == nil {
		return TrackInfo{}, unanswered(APILastFM, errors.New("an answer without a track"))
	}
	t := answer.Track
	return TrackInfo{Listeners: int64(t.Listeners), Plays: int64(t.Plays), Tags: t.Tags}, nil
}

// ArtistInfo looks up an artist. An artist that Last.fm does not know is no error: see Unknown.
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
		if unknownToLastFM(err) {
			return ArtistInfo{Unknown: true}, nil
		}
		return ArtistInfo{}, err
	}
	if answer.Artist == nil {
		return ArtistInfo{}, unanswered(APILastFM, errors.New("an answer without an artist"))
	}
	a := answer.Artist
	return ArtistInfo{Listeners: int64(a.Stats.Listeners), Plays: int64(a.Stats.Plays), Tags: a.Tags, Similar: a.Similar}, nil
}

// unknownToLastFM reports whether an error is Last.fm's error 6. Its other meaning, a missing parameter, cannot occur:
// these calls send all parameters.
func unknownToLastFM(err error) bool {
	e, ok := errors.AsType[*APIError](err)
	return ok && e.API == APILastFM && e.Code == "6"
}

func (l *LastFM) call(ctx context.Context, form url.Values, into any) error {
	now := time.Now()
	if wait := l.pauses.enter(now); wait > 0 {
		return &putOffError{APILastFM, wait}
	}
	answer, denied, err := l.ask(ctx, now, form)
	switch {
	case err != nil:
		return err
	case denied == nil && json.Unmarshal(answer.body, into) != nil:
		return unanswered(APILastFM, errNotJSON)
	case denied == nil:
		return nil
	case endingOf(denied) == refused:
		denied.RetryAfter = l.pauses.left(time.Now())
		if r, ok := limiter.FromContext(ctx); ok {
			_ = r.Report(ctx, limiter.Throttled{RetryAfter: denied.RetryAfter}) // this does not wait: the longest pause is a short hold
		}
	}
	return denied
}

// ask sends a call that has entered at a time, and records how it ended.
func (l *LastFM) ask(ctx context.Context, sent time.Time, form url.Values) (answer reply, denied *APIError, err error) {
	how := unknown
	defer func() { l.pauses.leave(sent, time.Now(), how) }() // even if the transport panics
	form.Set("format", "json")
	form.Set("api_key", l.key())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.base+"/2.0/", strings.NewReader(form.Encode()))
	if err != nil {
		return reply{}, nil, unanswered(APILastFM, err, l.key())
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if answer, err = l.do(ctx, req, l.key()); err != nil {
		return reply{}, nil, err
	}
	denied = l.denied(answer)
	how = endingOf(denied)
	return answer, denied, nil
}

// endingOf returns how an answered call ended. The transport reports a refusal with a time to wait; such a refusal
// begins no pause.
func endingOf(denied *APIError) ending {
	switch {
	case denied == nil:
		return served
	case denied.Throttled() && denied.RetryAfter == 0:
		return refused
	case denied.Throttled() || denied.failed():
		return unknown
	}
	return served
}

// denied returns the error in an answer, nil if there is none. Last.fm's errors come with any status, including 200.
func (l *LastFM) denied(answer reply) *APIError {
	var refusal struct {
		Code    number `json:"error"`
		Message string `json:"message"`
	}
	bad := json.Unmarshal(answer.body, &refusal)
	if answer.ok() && (bad != nil || refusal.Code == 0) {
		return nil
	}
	e := &APIError{API: APILastFM, Status: answer.status, RetryAfter: retryAfter(answer.header), Message: presentable(refusal.Message, l.key())}
	if refusal.Code != 0 {
		e.Code = strconv.FormatInt(int64(refusal.Code), 10)
	}
	if !e.Throttled() && !e.failed() && e.closed() {
		e.Advice = "set another key, LASTFM_API_KEY"
	}
	return e
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

// namedList is a list of things with a name, inside an object under a key that differs: {"tag": […]}. For an empty list
// Last.fm writes "" instead of the object, and for one thing the thing instead of the list. namedList keeps the first
// maxNamed things.
type namedList []string

const maxNamed = 100 // tags or artists of one answer; Last.fm writes five

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
		for _, t := range things[:min(len(things), maxNamed)] {
			if name := playlist.Clip(playlist.OneLine(t.Name), 100); name != "" {
				*l = append(*l, name)
			}
		}
	}
	return nil
}
