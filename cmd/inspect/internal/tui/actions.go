package tui

import (
	"fmt"
	"slices"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// move moves the cursor, or scrolls the help or the detail.
func (m *model) move(by int) tea.Cmd {
	d := m.data()
	if m.help || m.detail != "" {
		room := room(d, &m.state, m.width, m.height)
		lines := help(m.width, m.write)
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
		m.notice = "only buckets have a detail: key 2 shows the buckets"
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
	return m.fetch() // the next scheduled reading may be a minute away
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

// sortNext sorts the screen by the next column. After the last column it restores the order of the screen.
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
	m.frozenData = m.live
	if !m.frozen && m.detail != "" && m.live.whyOf != m.detail {
		return m.fetch()
	}
	return nil
}

// pace changes the interval between readings. It refuses an interval with which data would become stale between two readings.
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
