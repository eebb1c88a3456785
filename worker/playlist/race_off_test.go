//go:build !race

package playlist_test

const raceDetector = false
