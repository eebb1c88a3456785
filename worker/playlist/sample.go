package playlist

import (
	"bytes"
	_ "embed"
)

//go:embed sample.csv
var sample []byte

// Sample returns the playlist that ships, a CSV of 50 tracks by 45 artists. Its ids are not Spotify's, see the package
// documentation. The caller owns the bytes.
func Sample() []byte { return bytes.Clone(sample) }
