package upstream

import (
	"cmp"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// SamplePlaylist is the id of the one playlist that is there from the start, with 50 tracks.
const SamplePlaylist = "0weirSamplePlaylist000"

const (
	problemUnknown = "Resource not found"
	maxUser        = 64 // bytes: names are kept with the playlists, whose memory is bounded
)

// newShelf returns a shelf with the sample playlist on it, which is not in its order and so never forgotten.
func (s *Server) newShelf() *shelf {
	sample := &playlist{id: SamplePlaylist, owner: "listener", created: s.start}
	for i := range 50 {
		sample.tracks = append(sample.tracks, base62(s.seeded("sample", strconv.Itoa(i)), 22))
	}
	return &shelf{lists: map[string]*playlist{sample.id: sample}}
}

// createPlaylist answers POST /v1/me/playlists and POST /v1/users/{user}/playlists.
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
	owner := cmp.Or(c.PathValue("user"), "listener")
	if len(owner) > maxUser {
		return spotifyError(http.StatusBadRequest, "Invalid username")
	}
	// The arrival's own dice, so that no two playlists have one id.
	p := &playlist{id: base62(c.dice, 22), owner: owner, created: time.Now()}
	o := spotifyThing("playlist", p.id, asked.Name)
	o["description"] = asked.Description
	o["public"] = asked.Public == nil || *asked.Public
	o["collaborative"] = asked.Collaborative
	o["owner"] = user(owner)
	o["snapshot_id"] = s.snapshot(p.id, 0)
	empty := object{"href": "https://api.spotify.com/v1/playlists/" + p.id + "/items", "total": 0}
	o["items"], o["tracks"] = empty, empty // the name of 2026 and the one before
	s.shelf.put(p)
	return answer{status: http.StatusCreated, body: o}
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
	delete(o, "name") // people have a display name instead
	o["display_name"] = name
	return o
}

// snapshot is the id of a version of a playlist.
func (s *Server) snapshot(id string, version int) string {
	return spell(s.seeded("snapshot", id, strconv.Itoa(version)), digits16, 32)
}
