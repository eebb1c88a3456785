//go:build race

package integration

// raceDetector says that the tests are built with it.
const raceDetector = true
