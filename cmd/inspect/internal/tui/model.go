package tui

import (
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// model is the live view as Bubble Tea runs it. One goroutine calls its methods.
type model struct {
	read func(bucket string) fetched // asks Redis, which may take long
	act  func(Deed) error            // changes the fleet; nil where the view may not

	state
	live    data // as read last
	picture data // while frozen: as it was then

	width, height int

	former      report.Filter // in force before one was typed
	interrupted bool          // by ctrl-c

	reading bool      // Redis is being asked
	asked   time.Time // when that began last
	timer   int       // of the timers that have been started, the one that counts
}

// clock is the time, once a second: ages grow without readings.
type clock time.Time

// due is the end of a timer.
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

// data is what is shown.
func (m *model) data() *data {
	if m.frozen {
		return &m.picture
	}
	return &m.live
}

// View is part of [tea.Model].
func (m *model) View() tea.View {
	v := tea.NewView(view(m.data(), &m.state, m.width, m.height))
	v.AltScreen = true
	return v
}

// fetch begins a reading, unless one is under way: its end begins the next.
func (m *model) fetch() tea.Cmd {
	if m.reading {
		return nil
	}
	m.reading = true
	m.timer++
	read, bucket := m.read, m.detail
	return func() tea.Msg { return read(bucket) }
}

// take notes what a reading has brought, and waits for the next.
func (m *model) take(f fetched) tea.Cmd {
	m.reading, m.asked, m.now = false, f.begun, later(m.now, f.ended)
	d := &m.live
	if f.err != nil {
		d.fail(f)
	} else {
		d.add(f)
	}
	if m.detail != "" && !m.frozen && m.detail != f.bucket {
		return m.fetch() // somebody has opened it meanwhile
	}
	return m.schedule()
}

// schedule starts the timer of the next reading, in the place of one that runs.
func (m *model) schedule() tea.Cmd {
	if m.reading {
		return nil
	}
	m.timer++
	id := m.timer
	return tea.Tick(max(50*time.Millisecond, m.interval-m.now.Sub(m.asked)), func(time.Time) tea.Msg { return due(id) })
}
