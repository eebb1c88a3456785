package main

import (
	"bytes"
	"encoding/json"

	"github.com/weir-go/weir/worker/playlist"
)

// samplePlaylist is the sample that ships, cut or repeated to n tracks.
func samplePlaylist(n int) ([]byte, error) {
	list, err := playlist.Parse(bytes.NewReader(playlist.Sample()))
	if err != nil || n == len(list.Tracks) {
		return playlist.Sample(), err
	}
	type track struct {
		ID      string   `json:"id"`
		Name    string   `json:"name"`
		Artists []string `json:"artists"`
	}
	out := struct {
		Name   string  `json:"name"`
		Tracks []track `json:"tracks"`
	}{Name: "sample"}
	for i := range n {
		t := list.Tracks[i%len(list.Tracks)]
		out.Tracks = append(out.Tracks, track{t.ID, t.Name, t.Artists})
	}
	return json.Marshal(out)
}
