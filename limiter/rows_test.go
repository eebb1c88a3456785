package limiter_test

import (
	"maps"
	"os"
	"runtime/debug"
	"slices"
	"testing"
)

// TestMain makes garbage collection less frequent. Bubbles leave much garbage on a small heap, so the tests take a quarter less
// time.
func TestMain(m *testing.M) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400)
	}
	m.Run()
}

// many reports whether long tables run completely: with -full, or with WEIR_ROWS=all, as .ci/run does once. Otherwise a sample of
// their rows runs.
func many() bool { return *full || os.Getenv("WEIR_ROWS") == "all" }

// few returns sample if only a sample of rows runs, and otherwise all.
func few[V any](sample, all V) V {
	if many() {
		return all
	}
	return sample
}

// rows returns names of a long table, in order: all of them with -full, otherwise every so many from first on, and a fourth of
// these in a sample.
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
