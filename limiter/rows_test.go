package limiter_test

import (
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"testing"
)

// TestMain collects garbage less often: bubbles leave much of it beside a small heap, and the tests take a quarter less time.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	m.Run()
}

// many reports whether long tables are played at length: with -full, or with WEIR_ROWS=all, as .ci/run does once. Else a sample of
// their rows is played.
func many() bool { return *full || os.Getenv("WEIR_ROWS") == "all" }

// few is the first number where a sample is played, and the second where many rows are.
func few[V any](sample, all V) V {
	if many() {
		return all
	}
	return sample
}

// rows are the names of a long table in order: all of them with -full; else each so-manieth, from a first one on, and of these a
// fourth in a sample.
func rows[V any](table map[string]V, first, every int) []string {
	names := slices.Sorted(maps.Keys(table))
	if *full {
		return names
	}
	every = few(4*every, every)
	var some []string
	for i := first % every; i < len(names); i += every {
		some = append(some, names[i])
	}
	return some
}
