package playlist_test

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/worker/playlist"
)

func TestSample(t *testing.T) {
	p, err := playlist.Parse(bytes.NewReader(playlist.Sample()))
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Tracks) != 50 {
		t.Errorf("%d tracks, want 50", len(p.Tracks))
	}
	artists, ids := map[string]bool{}, map[string]bool{}
	for _, track := range p.Tracks {
		for _, name := range track.Artists {
			artists[name] = true
		}
		ids[track.ID] = true
		if want := madeUpID(track.Name, track.Artists); track.ID != want {
			t.Errorf("%s has the id %s, derived is %s", track.Name, track.ID, want)
		}
		if track.Album == "" || len(track.Released) != 4 || track.Duration < 2*time.Minute || track.Duration > 9*time.Minute {
			t.Errorf("a track without an album, a year or a usual duration: %+v", track)
		}
	}
	if len(artists) != 45 || len(ids) != 50 {
		t.Errorf("%d artists and %d ids, want 45 and 50", len(artists), len(ids))
	}

	playlist.Sample()[0] = 'x'
	if !bytes.HasPrefix(playlist.Sample(), []byte(`"Track URI"`)) {
		t.Error("callers share the bytes of the sample")
	}
}

// madeUpID returns an id as the sample has them: the low 22 digits of a hash, in base62, the lowest first.
func madeUpID(name string, artists []string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(name + "\n" + strings.Join(artists, ";")))
	n, base, digit := new(big.Int).SetBytes(sum[:]), big.NewInt(62), new(big.Int)
	id := make([]byte, 22)
	for i := range id {
		n.DivMod(n, base, digit)
		id[i] = digits[digit.Int64()]
	}
	return string(id)
}
