//go:build race

package deskhttp_test

// raceDetector says that the tests are built with it: it takes several times the memory.
const raceDetector = true
