package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Deed is a change of the fleet that an operator asks for.
type Deed struct {
	Do   string // pause, resume, drain or forget
	Name string // of the bucket, or of the replica
}

// confirming is a deed whose name has to be typed first.
type confirming struct {
	Deed

	of string // bucket or replica
}

// acted is how a deed has ended.
type acted struct {
	deed Deed
	err  error
}

// changes are the keys that change the fleet, there only where the view may.
func changes() []binding {
	return []binding{
		{[]string{"P"}, "P", "pause the bucket, or resume it; its name has to be typed", "", askBucket},
		{[]string{"D"}, "D", "drain the replica, or forget it if it is LOST; its name has to be typed", "", askReplica},
	}
}

// askBucket asks for the name of the bucket that is chosen.
func askBucket(m *model, _ string) tea.Cmd {
	name := m.detail
	if name == "" && (m.screen == fleetScreen || m.screen == bucketScreen) {
		name = bucketOf(m.chosen())
	}
	r := m.data().history.Last()
	if name == "" || r == nil || r.Find(name) == nil {
		m.notice = "no bucket is chosen: 2 shows them"
		return nil
	}
	do := "pause"
	if r.Find(name).Paused {
		do = "resume"
	}
	m.confirm, m.input = &confirming{Deed{do, name}, "bucket"}, ""
	return nil
}

// askReplica asks for the name of the replica that is chosen.
func askReplica(m *model, _ string) tea.Cmd {
	if m.screen == replicaScreen && m.detail == "" && !m.help {
		if r := m.data().history.Last(); r != nil {
			for _, v := range r.Replicas {
				if v.ID == m.chosen() {
					do := "drain"
					if v.State == "lost" {
						do = "forget"
					}
					m.confirm, m.input = &confirming{Deed{do, v.ID}, "replica"}, ""
					return nil
				}
			}
		}
	}
	m.notice = "no replica is chosen: 3 shows them"
	return nil
}

// chosen is the key of the row under the cursor, "" for none.
func (m *model) chosen() string {
	keys := m.listing(m.data()).keys
	if len(keys) == 0 {
		return ""
	}
	return keys[m.cursors[m.screen].in(keys)]
}

// confirmed is a key while a name is typed. Only the same name changes anything.
func (m *model) confirmed(key, text string) tea.Cmd {
	switch key {
	case "esc":
		m.confirm, m.notice = nil, "nothing was changed"
	case "enter":
		deed := m.confirm.Deed
		same := m.input == deed.Name
		m.confirm = nil
		if !same {
			m.notice = "another name was typed, nothing was changed"
			return nil
		}
		m.notice = deed.Do + " " + deed.Name + " …"
		act := m.act
		return func() tea.Msg { return acted{deed, act(deed)} }
	default:
		m.line(key, text)
	}
	return nil
}

// done says how a deed has ended, and reads what has become of it.
func (m *model) done(a acted) tea.Cmd {
	m.notice = a.deed.Do + " " + a.deed.Name + ": done"
	if a.err != nil {
		m.notice = report.Clean(a.err.Error())
	}
	return m.fetch()
}

// acting is how the view changes the fleet, nil where it may not.
func (c *Config) acting(ctx context.Context) func(Deed) error {
	if c.Act == nil {
		return nil
	}
	return func(d Deed) error { return c.Act(ctx, d) }
}
