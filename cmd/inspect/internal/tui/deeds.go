package tui

import (
	"context"

	tea "charm.land/bubbletea/v2"

	"github.com/weir-go/weir/cmd/inspect/internal/report"
)

// Deed is a change of the fleet that an operator requests.
type Deed struct {
	Do   string // pause, resume, drain or forget
	Name string // of the bucket, or of the replica
}

// confirming is a deed that waits until the operator has typed its name.
type confirming struct {
	Deed

	of string // bucket or replica
}

// acted is the message that a deed has ended.
type acted struct {
	deed Deed
	err  error
}

// changes returns the keys that change the fleet. Only a view with [Config.Act] has them.
func changes() []binding {
	return []binding{
		{[]string{"P"}, "P", "pause the bucket, or resume it; asks for its name first", "", askBucket},
		{[]string{"D"}, "D", "drain the replica, or forget a LOST one; asks for its name", "", askReplica},
	}
}

// askBucket asks the operator to type the name of the selected bucket.
func askBucket(m *model, _ string) tea.Cmd {
	name := m.detail
	if name == "" && (m.screen == fleetScreen || m.screen == bucketScreen) {
		name = bucketOf(m.chosen())
	}
	r := m.data().history.Last()
	if name == "" || r == nil || r.Find(name) == nil {
		m.notice = "no bucket is selected: key 2 shows the buckets"
		return nil
	}
	do := "pause"
	if r.Find(name).Paused {
		do = "resume"
	}
	m.confirm, m.input = &confirming{Deed{do, name}, "bucket"}, ""
	return nil
}

// askReplica asks the operator to type the name of the selected replica.
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
	m.notice = "no replica is selected: key 3 shows the replicas"
	return nil
}

// chosen returns the key of the row under the cursor, "" if there are no rows.
func (m *model) chosen() string {
	keys := m.listing(m.data()).keys
	if len(keys) == 0 {
		return ""
	}
	return keys[m.cursors[m.screen].in(keys)]
}

// confirmed handles a key while the operator types a name. The deed runs only if the typed name is the name in the deed.
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

// done shows how a deed has ended, and begins a reading to show its effect.
func (m *model) done(a acted) tea.Cmd {
	m.notice = a.deed.Do + " " + a.deed.Name + ": done"
	if a.err != nil {
		m.notice = report.Clean(a.err.Error())
	}
	return m.fetch()
}

// acting returns the function that changes the fleet, nil if the view only shows it.
func (c *Config) acting(ctx context.Context) func(Deed) error {
	if c.Act == nil {
		return nil
	}
	return func(d Deed) error { return c.Act(ctx, d) }
}
