package upstream

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SamplePlaylist is the id of the only playlist that exists from the start, with 50 tracks.
const SamplePlaylist = "0weirSamplePlaylist000"

const (
	problemUnknown = "Resource not found"
	listener       = "listener" // the user whose tokens are used
	maxName        = 1_200      // bytes of names and descriptions that are kept with the playlists, whose memory is bounded
)

// newShelf returns a shelf with the sample playlist on it, which is not in its order and so never forgotten.
func (s *Server) newShelf() *shelf {
	sample := &playlist{id: SamplePlaylist, owner: listener, created: s.start}
	for i := range 50 {
		sample.tracks = append(sample.tracks, base62(s.seeded("sample", strconv.Itoa(i)), 22))
	}
	return &shelf{lists: map[string]*playlist{sample.id: sample}}
}

// createPlaylist answers POST /v1/me/playlists.
func (s *Server) createPlaylist(c *call) answer {
	var asked struct {
		Name          string `json:"name"`
		Description   string `json:"description"`
		Public        *bool  `json:"public"`
		Collaborative bool   `json:"collaborative"`
	}
	switch {
	case !decode(c, &asked):
		return spotifyError(http.StatusBadRequest, "Error parsing JSON.")
	case asked.Name == "":
		return spotifyError(http.StatusBadRequest, "Missing required field: name")
	}
	public := asked.Public == nil || *asked.Public
	if problem := c.lacks(modify(public)); problem != "" {
		return spotifyError(http.StatusForbidden, problem)
	}
	// The arrival's own dice, so that no two playlists have one id.
	p := &playlist{
		id: base62(c.dice, 22), owner: listener, created: time.Now(), public: public, collaborative: asked.Collaborative,
		name: kept(asked.Name), description: kept(asked.Description),
	}
	created := s.about(*p, 0) // from then on the list belongs to the shelf: a client may guess the id and add tracks at once
	s.shelf.put(p)
	return answer{status: http.StatusCreated, body: created}
}

// about returns Spotify's object of a playlist with that many tracks, without the tracks.
func (s *Server) about(p playlist, total int) object {
	o := spotifyThing("playlist", p.id, p.name)
	o["description"], o["public"], o["collaborative"] = p.description, p.public, p.collaborative
	o["owner"] = user(p.owner)
	o["snapshot_id"] = s.snapshot(p.id, p.version)
	items := object{"href": "https://api.spotify.com/v1/playlists/" + p.id + "/items", "total": total}
	o["items"], o["tracks"] = items, items // the name of 2026 and the one before
	return o
}

// ownPlaylists answers GET /v1/me/playlists, the newest first: 20 unless asked, at most 50.
func (s *Server) ownPlaylists(c *call) answer {
	pg, problem := parsePage(c.URL.Query(), 20, 50)
	if problem != "" {
		return spotifyError(http.StatusBadRequest, problem)
	}
	lists, totals, all := s.shelf.newest(pg)
	items := make([]object, len(lists))
	for i, p := range lists {
		items[i] = s.about(p, totals[i])
	}
	return answer{status: http.StatusOK, body: pg.of(c, items, all)}
}

// addItems answers POST /v1/playlists/{id}/items.
func (s *Server) addItems(c *call) answer {
	var asked struct {
		URIs     []string `json:"uris"`
		Position *int     `json:"position"`
	}
	switch {
	case !decode(c, &asked):
		return spotifyError(http.StatusBadRequest, "Error parsing JSON.")
	case len(asked.URIs) == 0:
		return spotifyError(http.StatusBadRequest, "No uris provided")
	case len(asked.URIs) > 100:
		return spotifyError(http.StatusBadRequest, "You can add a maximum of 100 tracks per request.")
	}
	tracks := make([]string, len(asked.URIs))
	for i, uri := range asked.URIs {
		id, ok := strings.CutPrefix(uri, "spotify:track:")
		if !ok || !isBase62(id, 22) {
			return spotifyError(http.StatusBadRequest, "Invalid track uri: "+uri)
		}
		tracks[i] = id
	}
	at := -1
	if asked.Position != nil {
		if at = *asked.Position; at < 0 {
			return spotifyError(http.StatusBadRequest, "Index out of bounds")
		}
	}
	id := c.PathValue("id")
	if problem := c.lacks(modify(s.shelf.public(id))); problem != "" {
		return spotifyError(http.StatusForbidden, problem)
	}
	version, problem := s.shelf.insert(id, at, tracks)
	switch problem {
	case "":
		return answer{status: http.StatusCreated, body: object{"snapshot_id": s.snapshot(id, version)}}
	case problemUnknown:
		return spotifyError(http.StatusNotFound, problem)
	}
	return spotifyError(http.StatusBadRequest, problem)
}

// playlistItems answers GET /v1/playlists/{id}/items: 20 unless asked, at most 50.
func (s *Server) playlistItems(c *call) answer {
	pg, problem := parsePage(c.URL.Query(), 20, 50)
	if problem != "" {
		return spotifyError(http.StatusBadRequest, problem)
	}
	p, total, ok := s.shelf.part(c.PathValue("id"), pg)
	if !ok {
		return spotifyError(http.StatusNotFound, problemUnknown)
	}
	items := make([]object, len(p.tracks))
	for i, id := range p.tracks {
		t := s.track(id)
		items[i] = object{
			"added_at": p.created.UTC().Format(time.RFC3339), "added_by": user(p.owner), "is_local": false,
			"item": t, "track": t, // the name of 2026 and the one before
		}
	}
	return answer{status: http.StatusOK, body: pg.of(c, items, total)}
}

func user(name string) object {
	o := spotifyThing("user", name, "")
	delete(o, "name") // users have a display name instead
	o["display_name"] = name
	return o
}

// snapshot returns the id of a version of a playlist.
func (s *Server) snapshot(id string, version int) string {
	return spell(s.seeded("snapshot", id, strconv.Itoa(version)), digits16, 32)
}

// kept returns the part of a text that is kept.
func kept(text string) string { return strings.ToValidUTF8(text[:min(len(text), maxName)], "") }
