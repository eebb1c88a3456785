//go:build !race

package deskhttp_test

const raceDetector = false
