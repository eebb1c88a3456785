package core

import (
	"cmp"
	"slices"
)

// pending returns the waiting tasks that have room, and their weight.
func (m *model) pending() (n int, weight int64) {
	for _, t := range m.all {
		if t.waits() && !t.outside {
			n++
			weight += t.Weight
		}
	}
	return n, weight
}

func (m *model) fits(tasks int, weight int64) bool {
	n, w := m.pending()
	return n+tasks <= m.cfg.MaxPending && w+weight <= m.cfg.MaxWeight
}

// outsider returns the first task that waits for room.
func (m *model) outsider() *mTask {
	all := m.those(func(t *mTask) bool { return t.waits() && t.outside })
	if len(all) == 0 {
		return nil
	}
	return slices.MinFunc(all, m.order)
}

// admit gives room to tasks that wait for it.
func (m *model) admit() {
	for t := m.outsider(); t != nil && m.fits(1, t.Weight); t = m.outsider() {
		t.outside = false
	}
}

// shed returns the tasks that new tasks displace, and whether that makes room.
func (m *model) shed(tasks []*Task) (out []*mTask, ok bool) {
	n, weight := m.pending()
	n += len(tasks)
	for _, t := range tasks {
		weight += t.Weight
	}
	enough := func() bool { return n <= m.cfg.MaxPending && weight <= m.cfg.MaxWeight }
	if m.cfg.Full == Wait || enough() {
		return nil, true
	}
	if m.cfg.Full == Refuse {
		return nil, false
	}
	less := m.those(func(t *mTask) bool { return t.waits() && t.rank > tasks[0].Rank })
	slices.SortFunc(less, func(a, b *mTask) int {
		return cmp.Or(cmp.Compare(b.rank, a.rank), cmp.Compare(b.number, a.number))
	})
	for _, t := range less {
		if enough() {
			break
		}
		n--
		weight -= t.Weight
		out = append(out, t)
	}
	return out, enough()
}
