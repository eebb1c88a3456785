package tui

import (
	"errors"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
)

// run runs a command. It passes the end of a deed to the model, and drops the result of a reading.
func run(m *model, cmd tea.Cmd) {
	if cmd != nil {
		if msg, ok := cmd().(acted); ok {
			m.Update(msg)
		}
	}
}

// TestDeeds checks that a deed is done to the selected row, after its name was typed, and only in a view that may change the fleet.
func TestDeeds(t *testing.T) {
	var done []Deed
	var fails error
	writing := func() *model {
		m := watching(100, 30)
		m.read = func(string) fetched { return reading(shop(62), "") }
		m.write, m.act = true, func(d Deed) error { done = append(done, d); return fails }
		return m
	}
	typed := func(m *model, name string) {
		for _, r := range name {
			m.Update(keystroke(string(r)))
		}
		_, cmd := m.Update(keystroke("enter"))
		run(m, cmd)
	}
	for _, c := range []struct {
		keys []string
		name string
		want Deed
	}{
		{[]string{"2", "P"}, "stripe:charges", Deed{"resume", "stripe:charges"}}, // the first row is paused
		{[]string{"2", "j", "P"}, "spotify", Deed{"resume", "spotify"}},          // the second row is held
		{[]string{"1", "j", "j", "j", "P"}, "musicbrainz", Deed{"pause", "musicbrainz"}},
		{[]string{"2", "j", "j", "j", "j", "enter", "P"}, "lastfm", Deed{"pause", "lastfm"}},
		{[]string{"3", "D"}, "crawler-4", Deed{"forget", "crawler-4"}},
		{[]string{"3", "j", "j", "j", "D"}, "crawler-1", Deed{"drain", "crawler-1"}},
	} {
		done = nil
		m := writing()
		press(m, c.keys...)
		if got := frame(m); !strings.Contains(got, c.want.Do) || !strings.Contains(got, c.want.Name+"? type its name:") {
			t.Errorf("%v:\n%s", c.keys, got)
		}
		typed(m, c.name)
		if len(done) != 1 || done[0] != c.want {
			t.Errorf("%v and %s: %v, want %v", c.keys, c.name, done, c.want)
		}
		if got := frame(m); !strings.Contains(got, c.want.Do+" "+c.want.Name+": done") {
			t.Errorf("%v:\n%s", c.keys, got)
		}
	}

	done = nil
	m := writing()
	press(m, "2", "P")
	typed(m, "stripe:charge")
	if got := frame(m); len(done) != 0 || !strings.Contains(got, "another name was typed, nothing was changed") {
		t.Errorf("%v:\n%s", done, got)
	}
	press(m, "P", "q", "s", "esc")
	if got := frame(m); len(done) != 0 || !strings.Contains(got, "nothing was changed") {
		t.Errorf("%v:\n%s", done, got)
	}
	fails = errors.New("redis refuses: NOPERM\x1b[2J")
	press(m, "P")
	typed(m, "stripe:charges")
	if got := frame(m); len(done) != 1 || !strings.Contains(got, "redis refuses: NOPERM?[2J") {
		t.Errorf("%v:\n%s", done, got)
	}

	only := watching(100, 30)
	press(only, "2", "P")
	if got := frame(only); strings.Contains(got, "type its name") {
		t.Errorf("a view that only shows the fleet asks for a name:\n%s", got)
	}
	press(only, "?")
	if got := frame(only); strings.Contains(got, "drain the replica") {
		t.Errorf("the help of a view that only shows the fleet has keys that change it:\n%s", got)
	}
	press(m, "?")
	if got := frame(m); !strings.Contains(got, "drain the replica") {
		t.Errorf("the help lacks the keys that change the fleet:\n%s", got)
	}
}
