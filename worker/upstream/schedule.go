package upstream

import (
	"fmt"
	"time"
)

// Change is a new total limit from a time on. A bucket keeps its level as far as it fits the new burst. A sliding
// window keeps the calls that it knows, a fixed window its count if its length stays. A limit of another kind than
// before starts full.
type Change struct {
	// At is the time since the start, above 0 and at most 31 days.
	At time.Duration
	// Limit is the total limit from then on, with the bounds of Config.Total.
	Limit Limit
}

// advance moves the judge to now and simulates all events until then in the order of time: changes of the total limit
// and calls of strangers. At one instant changes come first.
func (j *Judge) advance(now int64) {
	for {
		at := now
		next := j.nextStranger()
		if next != nil {
			at = min(at, next.at)
		}
		switch {
		case len(j.changes) > 0 && int64(j.changes[0].At) <= at:
			j.now = max(j.now, int64(j.changes[0].At))
			j.change(j.changes[0].Limit)
			j.changes = j.changes[1:]
		case next != nil && next.at <= now:
			j.now = max(j.now, next.at)
			j.stranger(next)
		default:
			j.now = max(j.now, now)
			return
		}
	}
}

func (j *Judge) change(l Limit) {
	fresh := l.meters("total", j.cfg.Slack, j.cfg.widest())
	for i, m := range fresh {
		for _, old := range j.total {
			if old.adopt(m.gate, j.now) {
				fresh[i] = old
			}
		}
	}
	j.setTotal(fresh)
}

// adopt turns the meter's gate into another one of the same kind and reports whether it is of that kind.
func (m *meter) adopt(other gate, now int64) bool {
	switch o := other.(type) {
	case *bucket:
		if b, ok := m.gate.(*bucket); ok {
			b.become(o, now)
			return true
		}
	case *window:
		if w, ok := m.gate.(*window); ok {
			w.become(o)
			return true
		}
	case *fixed:
		if f, ok := m.gate.(*fixed); ok {
			f.become(o, now)
			return true
		}
	}
	return false
}

// widest is the largest count that the total's window ever has.
func (c Config) widest() int {
	n := c.Total.Window.N
	for _, change := range c.Schedule {
		n = max(n, change.Limit.Window.N)
	}
	return n
}

func (c Config) validateSchedule() error {
	var before time.Duration
	for i, change := range c.Schedule {
		if change.At <= before || change.At > maxPer {
			return fmt.Errorf("upstream: schedule change %d is at %v: give a time after %v and at most %v", i, change.At, before, maxPer)
		}
		if err := change.Limit.validate(fmt.Sprintf("schedule change %d", i), c.Slack, true); err != nil {
			return err
		}
		before = change.At
	}
	return nil
}
