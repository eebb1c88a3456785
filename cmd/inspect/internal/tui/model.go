package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// model is the [tea.Model] of the live view. One goroutine calls its methods.
type model struct {
	read func(bucket string) fetched // reads Redis, which may take long
	act  func(Deed) error            // changes the fleet; nil if the view only shows it

	state
	live       data // of the last reading
	frozenData data // shown while frozen

	width, height int

	former      report.Filter // the filter before the one that is being typed
	interrupted bool          // the operator pressed ctrl-c

	reading bool      // a reading is in progress
	asked   time.Time // when the last reading began
	timer   int       // the number of the timer in force; the end of an earlier timer is ignored
}

// clock is a message with the time, once a second, so that ages grow between readings.
type clock time.Time

// due is the message that the timer of this number has ended.
type due int

func tick() tea.Cmd { return tea.Tick(time.Second, func(t time.Time) tea.Msg { return clock(t) }) }

// Init is part of [tea.Model].
func (m *model) Init() tea.Cmd { return tea.Batch(m.fetch(), tick()) }

// Update is part of [tea.Model].
func (m *model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = msg.Width, msg.Height
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		if m.editing || m.confirm != nil {
			m.insert(msg.Content)
		}
		if m.editing {
			m.apply()
		}
	case clock:
		m.now = later(m.now, time.Time(msg))
		return m, tick()
	case due:
		if int(msg) == m.timer {
			return m, m.fetch()
		}
	case acted:
		return m, m.done(msg)
	case fetched:
		return m, m.take(msg)
	}
	return m, nil
}

// data returns the data to show.
func (m *model) data() *data {
	if m.frozen {
		return &m.frozenData
	}
	return &m.live
}

// View is part of [tea.Model].
func (m *model) View() tea.View {
	v := tea.NewView(view(m.data(), &m.state, m.width, m.height))
	v.AltScreen = true
	return v
}

// fetch begins a reading. It returns nil if one is in progress, which begins the next when it ends.
func (m *model) fetch() tea.Cmd {
	if m.reading {
		return nil
	}
	m.reading = true
	m.timer++
	read, bucket := m.read, m.detail
	return func() tea.Msg { return read(bucket) }
}

// take stores the result of a reading and schedules the next one.
func (m *model) take(f fetched) tea.Cmd {
	m.reading, m.asked, m.now = false, f.begun, later(m.now, f.ended)
	d := &m.live
	if f.err != nil {
		d.fail(f)
	} else {
		d.add(f)
	}
	if m.detail != "" && !m.frozen && m.detail != f.bucket {
		return m.fetch() // the operator has opened this detail during the reading
	}
	return m.schedule()
}

// schedule starts the timer of the next reading. It replaces a timer that runs.
func (m *model) schedule() tea.Cmd {
	if m.reading {
		return nil
	}
	m.timer++
	id := m.timer
	return tea.Tick(max(50*time.Millisecond, m.interval-m.now.Sub(m.asked)), func(time.Time) tea.Msg { return due(id) })
}
