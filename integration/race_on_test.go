//go:build race

package integration

// raceDetector says whether the tests are built with the race detector.
const raceDetector = true
