package core

import "time"

// State is the state of a core at one moment.
type State struct {
	Counts

	Pending   int   // tasks that wait to start and have room
	Weight    int64 // of these tasks
	Outside   int   // tasks that wait for room
	Executing int
	Stuck     int
	Slots     SlotState
	Lanes     []LaneState
}

// SlotState is how the slots are used.
type SlotState struct{ Running, Held, Lent, Stuck, Free int }

// LaneState is the state of one route.
type LaneState struct {
	Route    string
	Pending  [ranks]int  // by class
	Oldest   [ranks]Time // how long the next task of each class has waited
	Running  int
	Reserved int     // reservations asked for or not yet due
	Turn     Time    // until the lane asks again, if it waits in line; else below 0
	Shut     Time    // until the route is open again, else 0
	Reason   string  // why the route is shut
	Pace     float64 // tasks started a second, of late
}

// Pending returns how many tasks wait to start and have room.
func (c *Core) Pending() int { return c.room.pending }

// Look returns the state. It takes time in proportion to the lanes and to the stuck functions.
func (c *Core) Look(now Time) State {
	s := State{
		Counts: c.counts, Pending: c.room.pending, Weight: c.room.weight, Outside: len(c.room.outside.all),
		Executing: c.executing.len, Stuck: c.stuck.len, Lanes: make([]LaneState, 0, len(c.lanes)),
	}
	s.Slots = SlotState{Lent: c.lent, Stuck: c.stuck.len, Free: max(0, c.free())}
	for t := c.stuck.first; t != nil; t = t.inLane.next {
		if t.is(hasSlot) {
			s.Slots.Running--
		}
	}
	for _, n := range c.lanes {
		s.Lanes = append(s.Lanes, n.look(now))
		s.Slots.Held += n.asked + len(n.held)
		s.Slots.Running += n.running
	}
	return s
}

func (n *Lane) look(now Time) LaneState {
	l := LaneState{
		Route: n.Route, Running: n.running, Reserved: n.asked + len(n.held), Turn: -1, Pace: n.pace.perSecond(now),
		Shut: max(0, n.shut-now), Reason: n.reason,
	}
	for rank := range ranks {
		l.Pending[rank] = n.queue.classes[rank].len
		if t := n.queue.firstOf(rank); t != nil {
			l.Oldest[rank] = max(0, now-t.since)
		}
	}
	for t := n.front.first; t != nil; t = t.inLane.next {
		l.Pending[t.Rank]++
		l.Oldest[t.Rank] = max(l.Oldest[t.Rank], now-t.since)
	}
	if n.again[0] > 0 && n.total() > 0 {
		l.Turn = max(0, n.again[0]-now)
	}
	return l
}

// pace counts the starts of the last seconds, in this span of time and in the span before.
type pace struct {
	span      Time // the number of the span
	this, was int
}

const paceSpan = 5 * time.Second

func (p *pace) add(now Time) {
	p.pass(now)
	p.this++
}

func (p *pace) pass(now Time) {
	span := now / paceSpan
	switch span - p.span {
	case 0:
		return
	case 1:
		p.was = p.this
	default:
		p.was = 0
	}
	p.this, p.span = 0, span
}

// perSecond is the number of starts in the last five seconds, per second. It counts this span, and the last part of the
// span before.
func (p *pace) perSecond(now Time) float64 {
	p.pass(now)
	part := float64(now%paceSpan) / float64(paceSpan)
	whole := min(paceSpan, max(now, 1)) // an orchestrator may be younger than a span
	return (float64(p.this) + float64(p.was)*(1-part)) / whole.Seconds()
}
