//go:build race

package limiter_test

// raceDetector reports whether the tests are built with the race detector.
const raceDetector = true
