package bucket_test

import (
	"flag"
	"iter"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/weir-go/weir/limiter/internal/table"
)

var (
	full   = flag.Bool("full", false, "play the whole product of the table of worlds: some minutes")
	update = flag.Bool("update", false, "write the list of red rows anew")
)

// redFile lists the rows that are allowed to be red, with the marks that they fail. A red row that is not listed fails the
// test.
const redFile = "testdata/conserves_red.txt"

// TestConserves runs the table of worlds over the bare core, with replicas that die and requests that are late. No token is
// lost while a caller waits, no caller overtakes another, and the starts exceed no limit, not even in red rows.
func TestConserves(t *testing.T) {
	chosen, share := table.Pairwise(80, quick)
	rows := iter.Seq[table.Row](slices.Values(append(chosen, table.Named()...)))
	if *full {
		rows = table.All()
	} else {
		t.Logf("%d rows, %.1f %% of the pairs", len(chosen), 100*share)
	}
	listed, err := os.ReadFile(redFile)
	if err != nil && !*update {
		t.Fatal(err)
	}
	var red []string
	const most = 1_000_000 // a row of five calls a day would take minutes
	green, marks := 0, map[string]int{}
	for r := range rows {
		if rechecks(r) > most || !quick(r) && !*full {
			continue
		}
		result := table.Judge(r, simulate(r, nil), table.Tolerance{Slack: 3 * time.Microsecond, Trip: 3 * time.Millisecond, Idle: 3 * time.Millisecond})
		failed := result.Failed()
		if len(failed) == 0 {
			green++
		} else {
			red = append(red, r.String())
		}
		for _, m := range failed {
			marks[m.Name]++
			if m.Name == "law" {
				t.Errorf("the starts exceed the limit: %v", result)
			}
		}
		if !*full {
			t.Log(result)
		}
		if len(failed) > 0 && !*full && !*update && !slices.Contains(strings.Split(string(listed), "\n"), r.String()) {
			t.Errorf("a red row that %s does not list: %v", redFile, result)
		}
	}
	t.Logf("%d rows green, %d red: %v", green, len(red), marks)
	if *update && !*full {
		if err := os.WriteFile(redFile, []byte(strings.Join(red, "\n")+"\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// quick reports whether a row is short enough for a test. Lanes that wait for days ask every five seconds, which takes long.
func quick(r table.Row) bool {
	return rechecks(r) < 100_000
}

// rechecks returns how many requests the lanes of a row make only because five seconds have passed.
func rechecks(r table.Row) int { return len(r.Lanes) * int(r.Length/recheckEvery) }

const recheckEvery = 5 * time.Second
