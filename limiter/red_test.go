package limiter_test

import (
	"errors"
	"flag"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/weir-go/weir/limiter/internal/table"
)

var (
	full   = flag.Bool("full", false, "play many more rows of the table of worlds, and fail a row that is listed as red and is green")
	update = flag.Bool("update", false, "write the list of red rows anew, for the rows that were played")
)

// redFile lists the rows that are red with the present limiter. Each line has the world in which the row ran, the row, and the
// failed marks.
const redFile = "testdata/conserves_red.txt"

// redRows are the listed rows of one world.
type redRows struct {
	world string

	mu     sync.Mutex
	listed map[string]string // reasons, by row
	played map[string]string // reasons of the rows that ran, empty for a green one
}

// redMu guards the file, and the reasons of the rows that were red in any run of this process. With -count a row is listed if it
// is red in at least one run.
var (
	redMu   sync.Mutex
	redEver = map[string]string{}
)

// openRed reads the rows listed for a world. If the flag asks for it, they are written again after the test.
func openRed(t *testing.T, world string) *redRows {
	red := &redRows{world: world, listed: map[string]string{}, played: map[string]string{}}
	for _, line := range redLines(t) {
		part := strings.SplitN(line, "\t", 3)
		if len(part) == 3 && part[0] == world {
			red.listed[part[1]] = part[2]
		}
	}
	t.Cleanup(func() {
		if *update {
			red.write(t)
		}
	})
	return red
}

func redLines(t *testing.T) []string {
	redMu.Lock()
	defer redMu.Unlock()
	text, err := os.ReadFile(redFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return strings.FieldsFunc(string(text), func(c rune) bool { return c == '\n' })
}

// judged judges the log of a row. The log is an argument, so that it is complete before the tolerance is read: the run may
// measure the tolerance.
func judged(r table.Row, log table.Log, tolerance *table.Tolerance) table.Result {
	return table.Judge(r, log, *tolerance)
}

// judge runs a row and prints its result. It fails the test if the row is red and not listed. The order of goroutines differs
// from run to run, and some rows are near their marks, so a row counts as red only after three red runs. A row that breaks the
// law counts as red at once.
func (red *redRows) judge(t *testing.T, r table.Row, tolerance *table.Tolerance, play func() table.Log) {
	red.mu.Lock()
	_, known := red.listed[r.String()]
	red.mu.Unlock()
	var result table.Result
	var failed []string
	for range 3 {
		result, failed = judged(r, play(), tolerance), nil
		for _, m := range result.Failed() {
			failed = append(failed, m.Name)
		}
		if len(failed) == 0 || known || *update || slices.Contains(failed, "law") {
			break
		}
	}
	red.mu.Lock()
	red.played[r.String()] = strings.Join(failed, ", ")
	red.mu.Unlock()
	switch {
	case *update:
		t.Log(result)
	case len(failed) > 0 && known:
		t.Logf("red (known): %v", result)
	case len(failed) > 0:
		t.Errorf("a red row that is not listed: %v\n%s", result, r.World())
	case known && *full:
		t.Errorf("%v\nis green: remove it from %s", result, redFile)
	default:
		t.Log(result)
	}
}

// write replaces the lines of the rows that ran.
func (red *redRows) write(t *testing.T) {
	lines := slices.DeleteFunc(redLines(t), func(line string) bool {
		part := strings.SplitN(line, "\t", 3)
		if len(part) < 3 || part[0] != red.world {
			return false
		}
		_, again := red.played[part[1]]
		return again
	})
	redMu.Lock()
	defer redMu.Unlock()
	for row, reason := range red.played {
		key := red.world + "\t" + row
		if reason != "" {
			redEver[key] = reason
		}
		if redEver[key] != "" {
			lines = append(lines, key+"\t"+redEver[key])
		}
	}
	slices.Sort(lines)
	if err := os.MkdirAll("testdata", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(redFile, []byte(strings.Join(lines, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
}
