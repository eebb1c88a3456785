package tui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
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
			t.Errorf("has %q:\n%s", no, got)
		}
	}
}

// TestOneReadingAtATime checks that keys work during a reading, that a detail opened during a reading is read directly after it, and that the end of
// an earlier timer is ignored.
func TestOneReadingAtATime(t *testing.T) {
	asked := []string{}
	m := newModel(Config{Namespace: "shop"}, func(bucket string) fetched {
		asked = append(asked, bucket)
		return reading(shop(2*len(asked)), bucket)
	})
	m.now, m.width, m.height = began, 100, 30
	first := m.fetch()
	if m.fetch() != nil {
		t.Error("two readings at the same time")
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
		t.Error("an earlier timer begins a reading")
	}
	if _, cmd := m.Update(due(m.timer)); cmd == nil {
		t.Error("the timer in force begins no reading")
	}
	m.Update(reading(shop(20), m.detail))
	press(m, "esc")
	m.Update(m.fetch()())
	if last := asked[len(asked)-1]; last != "" {
		t.Errorf("the reasons of %s are read although its detail is closed", last)
	}
	press(m, "enter")
	m.Update(fetched{begun: began.Add(time.Hour), ended: began.Add(time.Hour), report: report.New("a", shop(3600)), bucket: m.detail, whyErr: fmt.Errorf("namespace has no bucket \x1b[2J")})
	has(t, m, "namespace has no bucket ?[2J")
}

// TestPace checks that no interval lets data become stale between two readings.
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

// TestEveryKeyInTheHelpWorks checks that each key changes the frame or begins a command, in some state.
func TestEveryKeyInTheHelpWorks(t *testing.T) {
	for _, b := range bindings(false) {
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

// TestEnd checks the keys that end the view.
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
