package upstream

import (
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
)

func (s *Server) routeLastFM() {
	p := &provider{api: LastFM, fault: func(_ *call, status int) answer {
		switch status {
		case http.StatusTooManyRequests:
			// The real Last.fm may answer error 29 inside 200. Here a refusal is a 429 for every API, so that any
			// client can be checked by the status alone. A Stretch of Error29 gives the other form.
			return answer{status: status, body: lastfmBody(29, "Rate Limit Exceeded - Your IP has made too many requests in a short period")}
		case http.StatusRequestEntityTooLarge:
			return lastfmError(6, "Invalid parameters - the request is too large")
		case http.StatusServiceUnavailable:
			return lastfmError(16, "There was a temporary error processing your request. Please try again")
		}
		return lastfmError(11, "Service Offline - This service is temporarily offline. Try again later.")
	}}
	for _, pattern := range []string{"GET /2.0/{$}", "POST /2.0/{$}", "GET /2.0", "POST /2.0"} {
		s.handle(pattern, p, s.lastfm)
	}
}

// lastfmError is an error as Last.fm sends it: inside 200.
func lastfmError(code int, message string) answer {
	return answer{status: http.StatusOK, body: lastfmBody(code, message)}
}

func lastfmBody(code int, message string) object { return object{"error": code, "message": message} }

// lastfm answers /2.0/, with the parameters in the query, in a form, or in both.
func (s *Server) lastfm(c *call) answer {
	params := c.URL.Query()
	if c.Method == http.MethodPost {
		form, err := url.ParseQuery(string(c.body))
		if err != nil {
			return lastfmError(6, "Invalid parameters - the form cannot be read")
		}
		maps.Copy(params, form)
	}
	artist, track := strings.TrimSpace(params.Get("artist")), strings.TrimSpace(params.Get("track"))
	switch method := strings.ToLower(params.Get("method")); {
	case params.Get("api_key") == "":
		return lastfmError(10, "Invalid API key - You must be granted a valid key by last.fm")
	case params.Get("format") != "json":
		return lastfmError(6, "Invalid parameters - only format=json is simulated")
	case method == "track.getinfo" && (nobody(artist) || nobody(track)):
		return lastfmError(6, "Track not found")
	case method == "track.getinfo":
		return s.trackInfo(artist, track)
	case method == "artist.getinfo" && nobody(artist):
		return lastfmError(6, "The artist you supplied could not be found")
	case method == "artist.getinfo":
		return s.artistInfo(artist)
	}
	return lastfmError(3, "Invalid Method - No method with that name in this package")
}

// nobody reports whether a name is missing, or is the name for untagged files.
func nobody(name string) bool { return name == "" || strings.EqualFold(name, "[unknown]") }

func (s *Server) trackInfo(artist, track string) answer {
	dice := s.seeded("lastfm track", strings.ToLower(artist), strings.ToLower(track))
	listeners := 500 + dice.IntN(2_000_000)
	album := title(dice)
	return answer{status: http.StatusOK, body: object{"track": object{
		"name":       track,
		"url":        lastfmURL(artist, "_", track),
		"duration":   strconv.Itoa(1000 * (120 + dice.IntN(240))), // milliseconds
		"streamable": object{"#text": "0", "fulltrack": "0"},
		"listeners":  strconv.Itoa(listeners),
		"playcount":  strconv.Itoa(listeners * (2 + dice.IntN(8))),
		"artist":     object{"name": artist, "url": lastfmURL(artist)},
		"album":      object{"artist": artist, "title": album, "url": lastfmURL(artist, album)},
		"toptags":    object{"tag": tags(several(dice, genres, 2+dice.IntN(4)))},
	}}}
}

func (s *Server) artistInfo(artist string) answer {
	dice := s.seeded("lastfm artist", strings.ToLower(artist))
	listeners := 2_000 + dice.IntN(5_000_000)
	styles := several(dice, genres, 2+dice.IntN(4))
	similar := make([]object, 5)
	for i := range similar {
		name := title(dice)
		similar[i] = object{"name": name, "url": lastfmURL(name)}
	}
	bio := artist + " is known for " + strings.Join(styles, ", ") + "."
	return answer{status: http.StatusOK, body: object{"artist": object{
		"name":       artist,
		"url":        lastfmURL(artist),
		"streamable": "0",
		"ontour":     strconv.Itoa(dice.IntN(2)),
		"stats": object{
			"listeners": strconv.Itoa(listeners),
			"playcount": strconv.Itoa(listeners * (5 + dice.IntN(40))),
		},
		"similar": object{"artist": similar},
		"tags":    object{"tag": tags(styles)},
		"bio":     object{"published": "01 Jan 2024, 00:00", "summary": bio, "content": bio},
	}}}
}

func tags(names []string) []object {
	out := make([]object, len(names))
	for i, name := range names {
		out[i] = object{"name": name, "url": "https://www.last.fm/tag/" + url.PathEscape(name)}
	}
	return out
}

// lastfmURL returns the page of an object, with names escaped as in a query: a blank becomes a plus.
func lastfmURL(names ...string) string {
	parts := []string{"https://www.last.fm/music"}
	for _, name := range names {
		parts = append(parts, url.QueryEscape(name))
	}
	return strings.Join(parts, "/")
}
