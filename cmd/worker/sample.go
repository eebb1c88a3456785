package main

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/weir-go/weir/worker/playlist"
)

// samplePlaylist returns the sample playlist, cut or repeated to n tracks. Repeated tracks get another id and another name, because a replica
// analyses equal tracks only once.
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
		if round := i / len(list.Tracks); round > 0 {
			t.ID = fmt.Sprintf("%s%03d", t.ID[:len(t.ID)-3], round)
			t.Name = fmt.Sprintf("%s, take %d", t.Name, round+1)
		}
		out.Tracks = append(out.Tracks, track{t.ID, t.Name, t.Artists})
	}
	return json.Marshal(out)
}
