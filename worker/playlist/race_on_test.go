//go:build race

package playlist_test

// raceDetector says that the tests are built with it: it takes several times the memory.
const raceDetector = true
