package upstream

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

func (s *Server) routeSpotify() {
	p := &provider{api: Spotify, above: 1.5, fault: func(_ *call, status int) answer {
		message := map[int]string{
			http.StatusTooManyRequests:       "API rate limit exceeded",
			http.StatusRequestEntityTooLarge: "Request body too large",
			http.StatusServiceUnavailable:    "Service unavailable",
		}[status]
		if message == "" {
			message = "Server error"
		}
		return spotifyError(status, message)
	}}
	s.handle("POST /api/token", p, func(c *call) answer {
		return s.login.give(c, func() string { return base62(c.dice, 40) })
	})
	s.handle("GET /v1/search", p, s.signedIn(s.search))
	s.handle("GET /v1/audio-features/{id}", p, s.signedIn(s.audioFeature))
	s.handle("GET /v1/tracks/{id}", p, s.signedIn(s.oneTrack))
	s.handle("GET /v1/playlists/{id}/items", p, s.byUser(s.playlistItems, scopeReadPrivate))
	s.handle("POST /v1/playlists/{id}/items", p, s.byUser(s.addItems, scopeModifyPublic, scopeModifyPrivate))
	s.handle("GET /v1/me/playlists", p, s.byUser(s.ownPlaylists, scopeReadPrivate))
	s.handle("POST /v1/me/playlists", p, s.byUser(s.createPlaylist, scopeModifyPublic, scopeModifyPrivate))
	for _, pattern := range removed() {
		s.handle(pattern, p, s.signedIn(func(*call) answer { return spotifyError(http.StatusForbidden, "Forbidden") }))
	}
}

// removed are the paths that an application in development mode could call before 2026: gets of many objects at once,
// the former name of a playlist's items, and playlists of named users.
func removed() []string {
	patterns := []string{"GET /v1/audio-features", "POST /v1/users/{user}/playlists", "GET /v1/users/{user}/playlists"}
	for _, many := range []string{"albums", "artists", "audiobooks", "chapters", "episodes", "shows", "tracks"} {
		patterns = append(patterns, "GET /v1/"+many)
	}
	for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
		patterns = append(patterns, method+" /v1/playlists/{id}/tracks")
	}
	return patterns
}

func spotifyError(status int, message string) answer {
	return answer{status: status, body: object{"error": object{"status": status, "message": message}}}
}

// search answers GET /v1/search for tracks, with the limits of an app in development mode since 2026: 5 results
// unless asked, at most 10.
func (s *Server) search(c *call) answer {
	query := c.URL.Query()
	q := query.Get("q")
	switch {
	case q == "":
		return spotifyError(http.StatusBadRequest, "No search query")
	case query.Get("type") == "":
		return spotifyError(http.StatusBadRequest, "Missing parameter type")
	case query.Get("type") != "track":
		return spotifyError(http.StatusBadRequest, "Bad search type field: only track is simulated")
	}
	pg, problem := parsePage(query, 5, 10)
	if problem != "" {
		return spotifyError(http.StatusBadRequest, problem)
	}
	total := 20 + s.seeded("search", q).IntN(80)
	items := []object{}
	for i := pg.offset; i < min(total, pg.offset+pg.limit); i++ {
		items = append(items, s.track(base62(s.seeded("search", q, strconv.Itoa(i)), 22)))
	}
	return answer{status: http.StatusOK, body: object{"tracks": pg.of(c, items, total)}}
}

// audioFeature answers GET /v1/audio-features/{id}.
func (s *Server) audioFeature(c *call) answer {
	id := c.PathValue("id")
	switch {
	case s.cfg.DenyAudioFeatures:
		return spotifyError(http.StatusForbidden, "Forbidden")
	case !isBase62(id, 22):
		return spotifyError(http.StatusBadRequest, "Invalid id")
	}
	return answer{status: http.StatusOK, body: s.features(id)}
}

// page is a part of a list, in the form of Spotify's paging object.
type page struct{ offset, limit int }

// parsePage reads limit and offset; problem is "" if both are in range.
func parsePage(query url.Values, limit, most int) (pg page, problem string) {
	pg = page{limit: limit}
	var err error
	if v := query.Get("limit"); v != "" {
		if pg.limit, err = strconv.Atoi(v); err != nil || pg.limit < 1 || pg.limit > most {
			return page{}, "Invalid limit"
		}
	}
	if v := query.Get("offset"); v != "" {
		if pg.offset, err = strconv.Atoi(v); err != nil || pg.offset < 0 || pg.offset > 100_000 {
			return page{}, "Invalid offset"
		}
	}
	return pg, ""
}

// of wraps the items of a page. Its links lead back to this server, so that a client can follow them.
func (pg page) of(c *call, items []object, total int) object {
	link := func(offset int) string {
		query := c.URL.Query()
		query.Set("limit", strconv.Itoa(pg.limit))
		query.Set("offset", strconv.Itoa(offset))
		at := url.URL{Scheme: "http", Host: c.Host, Path: c.URL.Path, RawQuery: query.Encode()}
		if c.TLS != nil {
			at.Scheme = "https"
		}
		return at.String()
	}
	o := object{
		"href": link(pg.offset), "items": items, "limit": pg.limit, "offset": pg.offset, "total": total,
		"next": nil, "previous": nil,
	}
	if after := pg.offset + pg.limit; after < total {
		o["next"] = link(after)
	}
	if pg.offset > 0 {
		o["previous"] = link(max(0, pg.offset-pg.limit))
	}
	return o
}

// decode reads a JSON body that has to be an object.
func decode(c *call, into any) bool { return json.Unmarshal(c.body, into) == nil }
