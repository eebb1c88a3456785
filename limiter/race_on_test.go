//go:build race

package limiter_test

// raceDetector says that the tests are built with it.
const raceDetector = true
