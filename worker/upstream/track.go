package upstream

import "net/http"

// oneTrack answers GET /v1/tracks/{id}.
func (s *Server) oneTrack(c *call) answer {
	id := c.PathValue("id")
	if len(id) != 22 {
		return spotifyError(http.StatusBadRequest, "Invalid base62 id")
	}
	return answer{status: http.StatusOK, body: s.track(id)}
}
