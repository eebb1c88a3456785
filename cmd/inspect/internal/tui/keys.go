package tui

import (
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// binding is a key, or several that do the same or belong together.
type binding struct {
	keys  []string // as Bubble Tea calls them
	shown string   // as the help does
	does  string
	brief string // in the footer, "" for not there
	act   func(m *model, key string) tea.Cmd
}

// bindings are all keys. The help and the footer are made of them, so that no key is shown that does nothing. f is taken by the faults, so that
// the fleet is F, and b by the buckets, so that batches are t.
func bindings() []binding {
	return []binding{
		{[]string{"q", "ctrl+c"}, "q, ctrl-c", "end", "q end", quit},
		{[]string{"?"}, "?", "this help", "? help", toggleHelp},
		{[]string{"1", "2", "3", "4", "5", "6", "F", "b", "r", "t", "d", "e"}, "1-6, F b r t d e", "Fleet, Buckets, Replicas, baTches, reDis, Events", "1-6 screens", openScreen},
		{[]string{"tab", "shift+tab"}, "tab, shift-tab", "next screen, screen before", "", nextScreen},
		{[]string{"j", "down", "k", "up"}, "j k, down up", "row or line below, above", "", func(m *model, key string) tea.Cmd {
			return m.move(map[string]int{"j": 1, "down": 1, "k": -1, "up": -1}[key])
		}},
		{[]string{"pgdown", "pgup", "home", "end", "g", "G"}, "pgdn pgup, g G", "ten rows down, up; the first row, the last", "", func(m *model, key string) tea.Cmd {
			return m.move(map[string]int{"pgdown": 10, "pgup": -10, "home": -far, "g": -far, "end": far, "G": far}[key])
		}},
		{[]string{"enter"}, "enter", "the bucket in detail: why it waits, who uses it, the last minute", "enter detail", openDetail},
		{[]string{"esc"}, "esc", "back; without anything open, no filter", "", back},
		{[]string{"/"}, "/", "filter by a regular expression; ! first inverts it", "/ filter", edit},
		{[]string{"s"}, "s", "sort by the next column; after the last, by severity", "s sort", sortNext},
		{[]string{"f"}, "f", "faults only", "f faults", func(m *model, _ string) tea.Cmd { m.faults = !m.faults; return nil }},
		{[]string{"w"}, "w", "wide: other columns first", "w wide", func(m *model, _ string) tea.Cmd { m.wide = !m.wide; return nil }},
		{[]string{"space"}, "space", "freeze the display; again: go on", "space freeze", freeze},
		{[]string{"+", "=", "-"}, "+ -", "read less often, more often", "", pace},
	}
}

const far = 1 << 20

// press does what a key is for.
func (m *model) press(msg tea.KeyPressMsg) tea.Cmd {
	key := msg.String()
	m.notice = ""
	if m.editing && key != "ctrl+c" {
		m.typed(key, msg.Text)
		return nil
	}
	for _, b := range bindings() {
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

// move moves the cursor, or what is open.
func (m *model) move(by int) tea.Cmd {
	d := m.data()
	if m.help || m.detail != "" {
		room := room(d, &m.state, m.width, m.height)
		lines := help(m.width)
		if !m.help && d.history.Last() != nil {
			lines = detail(d, &m.state, m.width, room)
		}
		m.offset = max(0, min(m.offset+by, len(lines)-room))
		return nil
	}
	keys := m.listing(d).keys
	if len(keys) == 0 {
		return nil
	}
	c := &m.cursors[m.screen]
	c.place = max(0, min(c.in(keys)+by, len(keys)-1))
	c.key = keys[c.place]
	return nil
}

func openDetail(m *model, _ string) tea.Cmd {
	if m.help || m.detail != "" {
		return nil
	}
	if m.screen != fleetScreen && m.screen != bucketScreen {
		m.notice = "only buckets have a detail: 2 shows them"
		return nil
	}
	l := m.listing(m.data())
	if len(l.keys) == 0 {
		return nil
	}
	c := &m.cursors[m.screen]
	c.place = c.in(l.keys)
	c.key = l.keys[c.place]
	m.detail, m.offset = bucketOf(c.key), 0
	if m.frozen {
		return nil
	}
	return m.fetch() // rather than at the next refresh, which may be a minute away
}

func back(m *model, _ string) tea.Cmd {
	switch {
	case m.help:
		m.help = false
	case m.detail != "":
		m.detail = ""
	default:
		m.filters[m.screen.filtered()] = report.Filter{}
	}
	m.offset = 0
	return nil
}

// sortNext goes on to the next column by which the screen can be sorted.
func sortNext(m *model, _ string) tea.Cmd {
	if m.help || m.detail != "" {
		return nil
	}
	orders := append([]string{""}, m.listing(m.data()).orders...)
	next := (slices.Index(orders, m.sorts[m.screen]) + 1) % len(orders)
	m.sorts[m.screen] = orders[next]
	return nil
}

func freeze(m *model, _ string) tea.Cmd {
	if m.live.received.IsZero() {
		m.notice = "there is nothing to freeze yet"
		return nil
	}
	m.frozen = !m.frozen
	m.picture = m.live
	if !m.frozen && m.detail != "" && m.live.whyOf != m.detail {
		return m.fetch()
	}
	return nil
}

// pace changes how often Redis is read. It stays so frequent that what is shown does not grow stale between two readings.
func pace(m *model, key string) tea.Cmd {
	steps := []time.Duration{200 * time.Millisecond, 500 * time.Millisecond, time.Second, 2 * time.Second, 5 * time.Second, 10 * time.Second, 30 * time.Second, time.Minute}
	next := m.interval
	if key == "-" {
		for _, d := range steps {
			if d < m.interval {
				next = d
			}
		}
	} else if i := slices.IndexFunc(steps, func(d time.Duration) bool { return d > m.interval }); i >= 0 {
		next = steps[i]
	}
	switch {
	case next == m.interval:
		m.notice = fmt.Sprintf("every %s: there is no further step", report.Span(m.interval))
		return nil
	case next > m.interval && 2*next > m.stale:
		m.notice = fmt.Sprintf("every %s: less often, data would be stale (--stale %s) between readings", report.Span(m.interval), report.Span(m.stale))
		return nil
	}
	m.interval = next
	m.notice = "every " + report.Span(next)
	return m.schedule()
}
