package orchestrator

import (
	"slices"
	"time"

	"github.com/weir-go/weir/limiter"
)

// answeredLocked takes in the answer to a call for reservations, and returns when that was. More may have come than there
// are tasks left.
func (n *lane) answeredLocked(rs []*limiter.Reservation, again time.Time, err error) (at int64) {
	missing, now := n.asked-len(rs), time.Now()
	n.asking, n.asked = false, 0
	n.gathers = missing == 0 && err == nil && n.turns == 0
	for range missing {
		n.o.slots.leave()
	}
	for _, r := range rs {
		r := held{r, n.since, n.turns}
		if last := len(n.held) - 1; last < 0 || !r.Due().Before(n.held[last].Due()) {
			n.held = append(n.held, r)
			continue
		}
		// One that somebody gave up may be due before those that were there.
		at, _ := slices.BinarySearchFunc(n.held, r, func(a, b held) int {
			if a.Due().After(b.Due()) {
				return 1
			}
			return -1
		})
		n.held = slices.Insert(n.held, at, r)
	}
	if len(rs) > 0 {
		n.turns = 0
	}
	switch {
	case err != nil:
		n.failLocked(missing, err)
	case len(rs) == 0:
		n.turns++
		line := &n.again[0]
		if n.urgent {
			line = &n.again[1]
		}
		*line = again
		if line.Before(now.Add(soonest)) {
			*line = now.Add(soonest)
		} else if most := now.Add(heardAgain); line.After(most) {
			*line = most
		}
	}
	n.dueLocked(now)
	n.movedLocked()
	return int64(now.Sub(n.o.began))
}

// dueLocked gives each reservation that has come due to the task that is first then.
func (n *lane) dueLocked(now time.Time) {
	due, at := 0, int64(now.Sub(n.o.began))
	for due < len(n.held) && !n.held[due].Due().After(now) {
		r := n.held[due]
		due++
		t := n.queue.first(n.o.cfg.Ageing)
		if late := r.LateAt(now); late || t == nil {
			if late {
				n.o.count.Late++
			}
			r.Cancel()
			n.o.slots.leave()
			continue
		}
		n.queue.remove(t)
		n.o.unwatchLocked(t)
		n.o.leaveRoomLocked(t)
		if t.tries == 0 {
			n.budget.firsts++
		}
		n.starts.add(at)
		t.bindLocked(r.Reservation)
		if t.more != nil {
			t.more.asked, t.more.turns = r.since, r.turns
		}
		n.running++
		n.o.ready.push(t)
	}
	if due > 0 {
		n.held = slices.Delete(n.held, 0, due)
	}
}

// failLocked ends the tasks that the limiter was asked for in vain: those behind the ones that have a reservation.
func (n *lane) failLocked(count int, err error) {
	var spared list
	for range len(n.held) {
		if t := n.queue.first(n.o.cfg.Ageing); t != nil {
			n.queue.remove(t)
			spared.push(t)
		}
	}
	for range count {
		t := n.queue.first(n.o.cfg.Ageing)
		if t == nil {
			break
		}
		n.queue.remove(t)
		n.o.leaveRoomLocked(t)
		n.o.overLocked(t, err, n.o.now())
	}
	for t := spared.pop(); t != nil; t = spared.pop() {
		n.queue.pushBack(t)
	}
}
