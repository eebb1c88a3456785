//go:build race

package playlist_test

// raceDetector reports whether the tests are built with the race detector, which takes several times the memory.
const raceDetector = true
