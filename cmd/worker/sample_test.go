package main

import (
	"bytes"
	"testing"

	"github.com/weir-go/weir/worker/playlist"
)

// TestSampleOfAnyLength checks that a sample has no equal tracks. A replica analyses equal tracks once, so the demonstration would make fewer calls.
func TestSampleOfAnyLength(t *testing.T) {
	for _, n := range []int{1, 49, 50, 51, 170, playlist.MaxTracks} {
		body, err := samplePlaylist(n)
		if err != nil {
			t.Fatal(err)
		}
		list, err := playlist.Parse(bytes.NewReader(body))
		if err != nil || len(list.Tracks) != n || len(list.LeftOut) != 0 {
			t.Fatalf("%d tracks, left out %v, error %v, want %d", len(list.Tracks), list.LeftOut, err, n)
		}
		ids, names := map[string]bool{}, map[string]bool{}
		for _, track := range list.Tracks {
			ids[track.ID], names[track.Name+" by "+track.Artists[0]] = true, true
		}
		if len(ids) != n || len(names) != n {
			t.Errorf("%d ids and %d names of %d tracks", len(ids), len(names), n)
		}
	}
}
