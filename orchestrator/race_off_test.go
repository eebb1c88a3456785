//go:build !race

package orchestrator_test

// raceDetector reports whether the tests are built with the race detector.
const raceDetector = false
