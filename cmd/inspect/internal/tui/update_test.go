package tui

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
	"github.com/weir-go/weir/limiter"
	"github.com/weir-go/weir/worker/fleet"
)

func has(t *testing.T, m *model, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if got := frame(m); !strings.Contains(got, want) && !strings.Contains(strings.Join(strings.Fields(got), " "), want) {
			t.Errorf("lacks %q:\n%s", want, got)
		}
	}
}

func lacks(t *testing.T, m *model, not ...string) {
	t.Helper()
	for _, no := range not {
		if got := frame(m); strings.Contains(got, no) {
			t.Errorf("still says %q:\n%s", no, got)
		}
	}
}

// failed is a reading that failed some seconds after the first.
func failed(seconds int, text string) fetched {
	at := began.Add(time.Duration(seconds) * time.Second)
	return fetched{begun: at, ended: at.Add(time.Second), err: errors.New(text)}
}

// at lets the time pass until some seconds after the first reading.
func at(m *model, seconds int) { m.Update(clock(began.Add(time.Duration(seconds) * time.Second))) }

// TestOldDataNeverLooksLive: not by age, and not after a reading that failed. What comes back is live again.
func TestOldDataNeverLooksLive(t *testing.T) {
	m := watching(100, 30)
	at(m, 70)
	has(t, m, "10s old")
	lacks(t, m, "STALE")
	at(m, 71)
	has(t, m, "shop  STALE 11s", "! STALE 11s: the next reading is late")
	for line := range strings.SplitSeq(strings.TrimSpace(m.View().Content), "\n") {
		if strings.Contains(line, "stripe") && line != "\x1b[2m"+ansi.Strip(line)+"\x1b[m" {
			t.Errorf("a row of old data is not dim: %q", line)
		}
	}
	m.Update(reading(shop(72), ""))
	has(t, m, "0s old")
	lacks(t, m, "STALE")

	m.Update(failed(74, "redis at 10.0.0.5:6379 refuses: NOPERM this user has no permissions"))
	has(t, m, "STALE 3s: redis at 10.0.0.5:6379 refuses: NOPERM", "since 03:05:20 UTC", "stripe:charges")
	m.Update(failed(76, "redis at 10.0.0.5:6379 refuses: \x1b]0;owned\x07WRONGPASS"))
	has(t, m, "refuses: ?]0;owned?WRONGPASS", "since 03:05:20 UTC")
	press(m, "6")
	has(t, m, "GONE: redis at 10.0.0.5:6379 refuses: NOPERM")
	m.Update(reading(shop(80), ""))
	lacks(t, m, "STALE", "! redis")
	has(t, m, "answers again, after 5s")
}

// TestRedisThatNeverAnswered has a banner, and every screen.
func TestRedisThatNeverAnswered(t *testing.T) {
	m := newModel(Config{Namespace: "shop", Addr: "10.0.0.5:6379"}, nil)
	m.now, m.width, m.height = began, 80, 24
	has(t, m, "NO DATA", "Reading 10.0.0.5:6379")
	m.Update(failed(1, "redis at 10.0.0.5:6379 does not answer: tls: first record does not look like a TLS handshake"))
	for _, key := range []string{"1", "2", "3", "4", "5", "6", "?", "?", "enter", "j", "s", "f", "/", "x", "esc", "esc", "space", "space"} {
		press(m, key)
		has(t, m, "! redis at 10.0.0.5:6379 does not answer: tls", "NO DATA")
	}
	m.Update(reading(shop(2), ""))
	lacks(t, m, "NO DATA", "does not answer: tls: first record does not look like a TLS handshake (")
}

// TestFrozenDisplay stays as it is, says so, and grows old.
func TestFrozenDisplay(t *testing.T) {
	m := watching(100, 30)
	press(m, "6", "space")
	before := m.listing(m.data()).keys
	m.Update(reading(shop(20), "")) // the clock went back, replicas came back
	m.Update(failed(63, "redis is gone"))
	if after := m.listing(m.data()).keys; !slices.Equal(before, after) {
		t.Errorf("frozen, and %q became %q", before, after)
	}
	has(t, m, "FROZEN: this is what was at 03:05:05 UTC")
	press(m, "2", "j", "enter")
	has(t, m, "BUCKET spotify", "FROZEN")
	at(m, 90)
	has(t, m, "STALE 30s", "FROZEN")
	press(m, "space")
	lacks(t, m, "FROZEN")
	has(t, m, "redis is gone")
}

// TestFilter follows each key; what is no filter changes nothing, and what a terminal might obey is never taken.
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
	has(t, m, "None of 7 buckets is chosen by the filter")
	press(m, "esc")
	has(t, m, "BUCKETS 6 filter !spot")
	press(m, "esc")
	has(t, m, "BUCKETS 7")
	press(m, "/")
	m.Update(tea.PasteMsg{Content: "a\x1b[2J\u202eb\n\u009bc"})
	if m.input != "a[2Jbc" {
		t.Errorf("input %q", m.input)
	}
	m.Update(tea.PasteMsg{Content: strings.Repeat("x", longestFilter)})
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

// TestSort goes through the columns and back to the order by severity; the cursor stays with its row; equals keep their order.
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
				t.Errorf("equals do not keep the order by severity: %q", keys)
			}
		}
	}
	if len(seen) < 6 || !slices.Equal(severity, m.listing(m.data()).keys) {
		t.Errorf("%v, and at last %q", seen, m.listing(m.data()).keys)
	}
}

// TestFaultsOnly leaves what needs attention, on each screen.
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

// TestCursorStaysWithItsRow where rows move, and near its place where its row goes.
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

// TestOneReadingAtATime: keys work meanwhile, a detail that opens is read as soon as that one ends, and a former timer is not heeded.
func TestOneReadingAtATime(t *testing.T) {
	asked := []string{}
	m := newModel(Config{Namespace: "shop"}, func(bucket string) fetched {
		asked = append(asked, bucket)
		return reading(shop(2*len(asked)), bucket)
	})
	m.now, m.width, m.height = began, 100, 30
	first := m.fetch()
	if m.fetch() != nil {
		t.Error("two readings at a time")
	}
	m.Update(first())
	timer := m.timer
	under := m.fetch() // takes long
	press(m, "2", "enter")
	has(t, m, "reading …", "BUCKET stripe:charges")
	_, next := m.Update(under())
	m.Update(next())
	if !slices.Equal(asked, []string{"", "", "stripe:charges"}) {
		t.Errorf("asked for %q", asked)
	}
	has(t, m, "would start in 1m28s")
	if _, cmd := m.Update(due(timer)); cmd != nil {
		t.Error("a former timer begins a reading")
	}
	if _, cmd := m.Update(due(m.timer)); cmd == nil {
		t.Error("a timer that ends begins no reading")
	}
	m.Update(reading(shop(20), m.detail))
	press(m, "esc")
	m.Update(m.fetch()())
	if last := asked[len(asked)-1]; last != "" {
		t.Errorf("the reasons of %s are read while its detail is closed", last)
	}
	press(m, "enter")
	m.Update(fetched{begun: began.Add(time.Hour), ended: began.Add(time.Hour), report: report.New("a", shop(3600)), bucket: m.detail, whyErr: fmt.Errorf("namespace has no bucket \x1b[2J")})
	has(t, m, "namespace has no bucket ?[2J")
}

// TestPace never lets data grow stale between two readings.
func TestPace(t *testing.T) {
	m := watching(100, 30)
	press(m, "+")
	has(t, m, "every 5s")
	press(m, "+")
	has(t, m, "less often, data would be stale (--stale 10s)")
	press(m, "-", "-", "-", "-")
	if m.interval != 200*time.Millisecond {
		t.Error(m.interval)
	}
	press(m, "-")
	has(t, m, "there is no further step")
}

// TestEveryKeyInTheHelpWorks: it changes what is shown, or asks for something, in some state.
func TestEveryKeyInTheHelpWorks(t *testing.T) {
	for _, b := range bindings() {
		for _, key := range b.keys {
			worked := false
			for _, before := range [][]string{{}, {"2"}, {"3", "j"}, {"2", "enter"}, {"2", "G"}, {"2", "j"}} {
				m := watching(80, 24)
				m.read = func(string) fetched { return fetched{} }
				press(m, before...)
				was := frame(m)
				_, cmd := m.Update(keystroke(key))
				worked = worked || cmd != nil || frame(m) != was
			}
			if !worked {
				t.Errorf("%s does nothing", key)
			}
		}
		m := watching(120, 60)
		press(m, "?")
		has(t, m, b.shown, b.does)
	}
}

// TestEvents are what an operator asks about later, at most 200.
func TestEvents(t *testing.T) {
	m := watching(120, 40)
	press(m, "6")
	back := shop(62)
	for i := range back.Replicas {
		back.Replicas[i].State = fleet.Up
	}
	back.Buckets[5].PausedFor, back.Buckets[5].HeldBy = 0, ""
	m.Update(reading(back, ""))
	has(t, m, "crawler-4 is back, up", "bucket spotify", "was HELD", "LOST: silent for 12s on web-4", "draining, was up", "begins to look: 7 buckets, 5 replicas")
	gone := shop(64)
	gone.Replicas = gone.Replicas[1:]
	gone.Epoch = "another"
	m.Update(reading(gone, ""))
	has(t, m, "crawler-1 has gone, was up", "has forgotten the fleet: epoch another was 793257b0-c1e")
	for s := 66; s < 2000; s += 2 {
		f := shop(s)
		f.Replicas = f.Replicas[s/2%2:]
		m.Update(reading(f, ""))
	}
	if n := len(m.live.events); n != keptEvents {
		t.Errorf("%d events", n)
	}
	if !slices.IsSortedFunc(m.live.events, func(a, b event) int { return a.at.Compare(b.at) }) {
		t.Error("events are not in the order of their times")
	}
	var d data
	d.log(event{at: began.Add(2), what: "c"}, event{at: began, what: "a"}, event{at: began, what: "b"})
	if d.events[0].what+d.events[1].what+d.events[2].what != "abc" {
		t.Errorf("%+v", d.events)
	}
}

// TestEnd by its keys.
func TestEnd(t *testing.T) {
	for key, interrupted := range map[string]bool{"q": false, "ctrl+c": true} {
		m := watching(80, 24)
		_, cmd := m.Update(keystroke(key))
		if cmd == nil || cmd() != tea.Quit() || m.interrupted != interrupted {
			t.Errorf("%s: interrupted %v", key, m.interrupted)
		}
	}
	m := watching(80, 24)
	press(m, "2", "/")
	if _, cmd := m.Update(keystroke("ctrl+c")); cmd == nil {
		t.Error("ctrl-c does not end it while a filter is typed")
	}
	if press(m, "q"); m.input != "q" {
		t.Errorf("input %q", m.input)
	}
}
