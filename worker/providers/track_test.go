package providers_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/playlist"
	"github.com/weir-go/weir/worker/providers"
)

func TestSpotifyTrack(t *testing.T) {
	handler, got := answer(t, http.StatusOK, `{"id":"other","type":"track","name":" Creep\n","artists":[{"name":"Radiohead"}],"album":{"name":"Pablo Honey","release_date":"1993"},"duration_ms":238000}`)
	c, _ := serve(t, handler)
	track, err := c.Spotify.Track(t.Context(), id1)
	if err != nil {
		t.Fatal(err)
	}
	want(t, playlist.Track{ID: id1, Name: "Creep", Artists: []string{"Radiohead"}, Album: "Pablo Honey", Released: "1993", Duration: 238 * time.Second}, track)
	want(t, "GET /v1/tracks/"+id1, (*got)[0].Line)
}

func TestSpotifyTrackFails(t *testing.T) {
	for name, tc := range map[string]struct {
		id, body string
		status   int
	}{
		"unknown":   {id1, `{"error":{"status":404,"message":"Resource not found"}}`, http.StatusNotFound},
		"nameless":  {id1, `{"id":"` + id1 + `","name":""}`, http.StatusOK},
		"null":      {id1, `null`, http.StatusOK},
		"an album":  {id1, `{"id":"` + id1 + `","name":"x","type":"album"}`, http.StatusOK},
		"no answer": {id1, `<html>`, http.StatusOK},
		"no id":     {"../me", `{}`, http.StatusOK},
	} {
		handler, _ := answer(t, tc.status, tc.body)
		c, _ := serve(t, handler)
		track, err := c.Spotify.Track(t.Context(), tc.id)
		refusal, ok := errors.AsType[*providers.APIError](err)
		if err == nil || track.Name != "" || tc.status != http.StatusOK && (!ok || refusal.Status != tc.status) {
			t.Errorf("%s: track %+v, error %v, want an error", name, track, err)
		}
	}
}
