package tui

import (
	"slices"

	tea "charm.land/bubbletea/v2"
)

// binding is a key, or several keys that do the same or belong together.
type binding struct {
	keys  []string // names of Bubble Tea
	shown string   // the keys as the help shows them
	does  string   // the description in the help
	brief string   // the text in the footer; "" if the footer does not have the key
	act   func(m *model, key string) tea.Cmd
}

// bindings returns all keys. The help and the footer are made of them, so that every key they show works. The fleet is F because f is faults, and
// batches are t because b is buckets.
func bindings(write bool) []binding {
	all := []binding{
		{[]string{"q", "ctrl+c"}, "q, ctrl-c", "end", "q end", quit},
		{[]string{"?"}, "?", "this help", "? help", toggleHelp},
		{[]string{"1", "2", "3", "4", "5", "6", "F", "b", "r", "t", "d", "e"}, "1-6, F b r t d e", "Fleet, Buckets, Replicas, baTches, reDis, Events", "1-6 screens", openScreen},
		{[]string{"tab", "shift+tab"}, "tab, shift-tab", "next screen, previous screen", "", nextScreen},
		{[]string{"j", "down", "k", "up"}, "j k, down up", "row or line below, above", "", func(m *model, key string) tea.Cmd {
			return m.move(map[string]int{"j": 1, "down": 1, "k": -1, "up": -1}[key])
		}},
		{[]string{"pgdown", "pgup", "home", "end", "g", "G"}, "pgdn pgup, g G", "ten rows down, up; first row, last row", "", func(m *model, key string) tea.Cmd {
			return m.move(map[string]int{"pgdown": 10, "pgup": -10, "home": -far, "g": -far, "end": far, "G": far}[key])
		}},
		{[]string{"enter"}, "enter", "detail of the bucket: why calls wait, use, last minute", "enter detail", openDetail},
		{[]string{"esc"}, "esc", "back; if nothing is open, clear the filter", "", back},
		{[]string{"/"}, "/", "filter by a regular expression; a leading ! inverts it", "/ filter", edit},
		{[]string{"s"}, "s", "sort by the next column; after the last, by severity", "s sort", sortNext},
		{[]string{"f"}, "f", "faults only", "f faults", func(m *model, _ string) tea.Cmd { m.faults = !m.faults; return nil }},
		{[]string{"w"}, "w", "wide: other columns first", "w wide", func(m *model, _ string) tea.Cmd { m.wide = !m.wide; return nil }},
		{[]string{"space"}, "space", "freeze the display; press again to continue", "space freeze", freeze},
		{[]string{"+", "=", "-"}, "+ -", "read less often, more often", "", pace},
	}
	if write {
		all = append(all, changes()...)
	}
	return all
}

const far = 1 << 20

// press runs the action of a key.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	m.notice = ""
	if m.confirm != nil && key != "ctrl+c" {
		return m.confirmed(key, msg.Text)
	}
	if m.editing && key != "ctrl+c" {
		m.typed(key, msg.Text)
		return nil
	}
	for _, b := range bindings(m.write) {
		if slices.Contains(b.keys, key) {
			return b.act(m, key)
		}
	}
	return nil
}

func quit(m *model, key string) tea.Cmd {
	m.interrupted = key == "ctrl+c"
	return tea.Quit
}

func toggleHelp(m *model, _ string) tea.Cmd {
	m.help, m.offset = !m.help, 0
	return nil
}

func openScreen(m *model, key string) tea.Cmd {
	i := slices.Index([]string{"1", "2", "3", "4", "5", "6", "F", "b", "r", "t", "d", "e"}, key)
	m.show(screen(i) % screens)
	return nil
}

func nextScreen(m *model, key string) tea.Cmd {
	step := screen(1)
	if key == "shift+tab" {
		step = screens - 1
	}
	m.show((m.screen + step) % screens)
	return nil
}

func (m *model) show(s screen) {
	m.screen, m.detail, m.help, m.offset = s, "", false, 0
}
