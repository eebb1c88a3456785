package tui

import (
	"cmp"
	"slices"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
)

// TestFilter checks that the rows follow each key, that a text that is not a filter changes nothing, and that control characters are not inserted.
func TestFilter(t *testing.T) {
	m := watching(100, 30)
	press(m, "2", "/", "s", "p", "o", "t")
	lacks(t, m, "stripe:charges")
	has(t, m, "filter: spot", "> spotify", "BUCKETS 1 filter spot")
	press(m, "(")
	has(t, m, "missing closing", "> spotify")
	press(m, "backspace", "enter", "1")
	has(t, m, "> spotify", "BUCKETS 1 filter spot")
	press(m, "2", "/", "ctrl+u", "!", "s", "p", "o", "t", "enter")
	lacks(t, m, "> spotify")
	press(m, "/", "ctrl+u", "z", "z")
	has(t, m, "The filter, or faults only, hides all 7 buckets.")
	press(m, "esc")
	has(t, m, "BUCKETS 6 filter !spot")
	press(m, "esc")
	has(t, m, "BUCKETS 7")
	press(m, "/")
	m.Update(tea.PasteMsg{Content: "a\x1b[2J\u202eb\n\u009bc"})
	if m.input != "a[2Jbc" {
		t.Errorf("input %q", m.input)
	}
	m.Update(tea.PasteMsg{Content: strings.Repeat("x", longestLine)})
	press(m, "enter", "3", "/", "w", "e", "b", "-", "4", "enter")
	has(t, m, "REPLICAS 1 filter web-4", "> crawler-4")
	press(m, "6", "/", "L", "O", "S", "T", "enter")
	has(t, m, "EVENTS 1 filter LOST")

	m = newModel(Config{Namespace: "shop", Filter: must(report.ParseFilter("!lastfm"))}, nil)
	m.now, m.width, m.height = began, 100, 30
	m.Update(reading(shop(2), ""))
	has(t, m, "BUCKETS 6 filter !lastfm", "REPLICAS 5")
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestSort sorts by each column and then by severity again. The cursor stays with its row, and equal rows keep their order.
func TestSort(t *testing.T) {
	m := watching(100, 30)
	press(m, "2", "j")
	severity := m.listing(m.data()).keys
	seen := map[string]bool{}
	for i := 0; ; i++ {
		press(m, "s")
		order := m.sorts[bucketScreen]
		if order == "" {
			break
		}
		if seen[order] || i > 20 {
			t.Fatalf("%s again", order)
		}
		seen[order] = true
		has(t, m, "by "+order, "> spotify")
		keys := m.listing(m.data()).keys
		press(m, "1", "2")
		if again := m.listing(m.data()).keys; !slices.Equal(keys, again) {
			t.Errorf("by %s: %q, then %q", order, keys, again)
		}
		switch order {
		case "BUCKET":
			if !slices.IsSorted(keys) {
				t.Error(keys)
			}
		case "WAITING":
			if bucketOf(keys[0]) != "lastfm" || bucketOf(keys[1]) != "global" || bucketOf(keys[2]) != "stripe:charges" || bucketOf(keys[6]) != "idle:api" {
				t.Errorf("equal rows do not keep the order by severity: %q", keys)
			}
		}
	}
	many := table[int]{columns: []column[int]{{title: "REST", compare: func(a, b int) int { return a%3 - b%3 }}}}
	for i := range 300 {
		many.rows = append(many.rows, i)
	}
	many.sorted("REST")
	if !slices.IsSortedFunc(many.rows, func(a, b int) int { return cmp.Or(a%3-b%3, a-b) }) {
		t.Errorf("equal rows do not keep their order: %v", many.rows)
	}
	if len(seen) < 6 || !slices.Equal(severity, m.listing(m.data()).keys) {
		t.Errorf("sorted by %v; the last order is %q", seen, m.listing(m.data()).keys)
	}
}

// TestFaultsOnly checks that faults only shows just the rows with a fault, on each screen.
func TestFaultsOnly(t *testing.T) {
	m := watching(100, 40)
	press(m, "f", "2")
	has(t, m, "BUCKETS 4 FAULTS ONLY", "PAUSED", "HELD", "DISPUTED", "FOLLOWS")
	lacks(t, m, "idle:api")
	press(m, "3")
	has(t, m, "REPLICAS 3 FAULTS ONLY", "crawler-4     LOST", "UNKNOWN", "DRAINING")
	press(m, "4")
	has(t, m, "BATCHES 1 FAULTS ONLY")
}

// TestCursorStaysWithItsRow checks that the cursor follows its row, and keeps its place if the row is gone.
func TestCursorStaysWithItsRow(t *testing.T) {
	m := watching(100, 30)
	press(m, "2", "j", "j", "j", "j")
	has(t, m, "> lastfm")
	f := shop(62)
	for i := range f.Buckets {
		f.Buckets[i].PausedFor, f.Buckets[i].HeldBy = 0, ""
	}
	m.Update(reading(f, ""))
	has(t, m, "> lastfm")
	f = shop(64)
	f.Buckets = slices.DeleteFunc(f.Buckets, func(b limiter.BucketSnapshot) bool { return b.Bucket == "lastfm" })
	m.Update(reading(f, ""))
	press(m, "up")
	has(t, m, "> ")
	press(m, "G")
	has(t, m, "> idle:api")
	press(m, "g", "k", "pgdown", "home", "end", "pgup")
	has(t, m, "> stripe")
}
