//go:build !race

package orchestrator_test

// raceDetector says that the tests are built with it.
const raceDetector = false
