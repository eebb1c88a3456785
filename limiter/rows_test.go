package limiter_test

import (
	"maps"
	"slices"
)

// rows are the names of a long table in order: all of them with -full; else each so-manieth, from a first one on, and of these a
// fourth with the race detector.
func rows[V any](table map[string]V, first, every int) []string {
	names := slices.Sorted(maps.Keys(table))
	if *full {
		return names
	}
	if raceDetector {
		every *= 4
	}
	var some []string
	for i := first % every; i < len(names); i += every {
		some = append(some, names[i])
	}
	return some
}
