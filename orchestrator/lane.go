package orchestrator

import (
	"fmt"
	"slices"
	"time"

	"github.com/weir-go/weir/limiter"
)

// lane is the queue of one route and the reservations that were asked for its tasks. Everything but o and route is
// guarded by the orchestrator's mu.
type lane struct {
	o     *Orchestrator
	route string

	queue    queue
	reserved int  // reservations asked for or not yet due, each with a slot held for it
	asking   bool // a goroutine asks the limiter
	held     []*held
	wake     chan struct{} // tells that goroutine, while it stands in line, that there may be nothing left to ask for
}

// held is a reservation that is not due yet.
type held struct {
	reservation *limiter.Reservation
	timer       *time.Timer
}

// askLocked starts asking if there are tasks that no reservation is on its way for.
func (n *lane) askLocked() {
	if n.asking || n.queue.len <= n.reserved || n.o.ctx.Err() != nil {
		return
	}
	n.asking = true
	n.o.live.Go(n.ask)
}

// ask takes slots and reservations for them until every queued task has one on its way.
func (n *lane) ask() {
	for {
		if err := n.o.slots.Acquire(n.o.ctx, 1); err != nil {
			n.o.mu.Lock()
			n.asking = false
			n.o.mu.Unlock()
			return
		}
		want := n.mark()
		if want == 0 {
			n.o.slots.Release(1)
			return
		}
		rs, again, err := n.o.cfg.Limiter.TryReserve(n.o.ctx, n.route, want)
		if err != nil {
			n.fail(want, fmt.Errorf("orchestrator: route %s: %w", n.route, err))
			continue
		}
		n.giveUp(want - len(rs))
		n.hold(rs)
		if len(rs) == 0 {
			n.standInLine(again)
		}
	}
}

// standInLine waits until it is time to ask again. It holds no slot meanwhile: a throttled route delays no other.
func (n *lane) standInLine(again time.Time) {
	t := time.NewTimer(time.Until(again))
	defer t.Stop()
	select {
	case <-t.C:
	case <-n.wake:
	case <-n.o.ctx.Done():
	}
}

// mark counts the tasks to ask for, takes a slot for each beyond the first, which is taken, and notes that they are
// being asked for. It returns 0, and ends asking, if there are none.
func (n *lane) mark() int {
	n.o.mu.Lock()
	defer n.o.mu.Unlock()
	uncovered := n.queue.len - n.reserved
	if uncovered <= 0 {
		n.asking = false
		return 0
	}
	want := 1
	for want < uncovered && n.o.slots.TryAcquire(1) {
		want++
	}
	n.reserved += want
	now, t := time.Now(), n.queue.first
	for range n.reserved {
		if t.askedAt.IsZero() {
			t.askedAt = now
		}
		t = t.next
	}
	return want
}

// hold waits for reservations to come due. More may have come than there are tasks left.
func (n *lane) hold(rs []*limiter.Reservation) {
	n.o.mu.Lock()
	defer n.o.mu.Unlock()
	for _, r := range rs {
		n.o.live.Add(1)
		h := &held{reservation: r}
		h.timer = time.AfterFunc(r.Delay(), func() { n.due(h) })
		n.held = append(n.held, h)
	}
	// A reservation that somebody gave up may be due before those that were there.
	slices.SortStableFunc(n.held, func(a, b *held) int { return a.reservation.Due().Compare(b.reservation.Due()) })
	n.trimLocked()
}

// trimLocked gives back the reservations for which no task is left, the latest first, and frees their slots: one that
// is due in an hour must not hold a slot for that hour.
func (n *lane) trimLocked() {
	n.wakeLocked()
	for i := len(n.held) - 1; i >= 0 && n.reserved > n.queue.len; i-- {
		h := n.held[i]
		if !h.timer.Stop() {
			continue // due in this moment: it will find the line empty
		}
		n.held = slices.Delete(n.held, i, i+1)
		n.reserved--
		h.reservation.Cancel()
		n.o.slots.Release(1)
		n.o.live.Done()
	}
}

// wakeLocked tells the goroutine that stands in line when there is nobody left to stand there for.
func (n *lane) wakeLocked() {
	if n.queue.len <= n.reserved {
		select {
		case n.wake <- struct{}{}:
		default:
		}
	}
}

// giveUp frees the slots of reservations that did not come.
func (n *lane) giveUp(count int) {
	if count == 0 {
		return
	}
	n.o.mu.Lock()
	n.reserved -= count
	n.o.mu.Unlock()
	n.o.slots.Release(int64(count))
}

// fail ends the tasks that the limiter was asked for in vain: those behind the ones that have a reservation coming.
func (n *lane) fail(count int, err error) {
	var failed []*task
	n.o.mu.Lock()
	t := n.queue.first
	for range n.reserved - count {
		if t != nil {
			t = t.next
		}
	}
	for t != nil && len(failed) < count {
		next := t.next
		n.queue.remove(t)
		failed = append(failed, t)
		t = next
	}
	n.o.mu.Unlock()
	for _, t := range failed {
		t.end(err)
	}
	n.giveUp(count)
}

// due gives a reservation that has come due to the task that is first in line now, and runs it.
func (n *lane) due(h *held) {
	defer n.o.live.Done()
	defer n.o.slots.Release(1)
	r := h.reservation
	late := r.Late()
	n.o.mu.Lock()
	n.reserved--
	n.held = slices.DeleteFunc(n.held, func(o *held) bool { return o == h })
	var t *task
	if !late {
		t = n.queue.pop()
	}
	if t != nil {
		n.o.count.InFlight++
	}
	n.askLocked() // for those that a late reservation leaves without one
	n.wakeLocked()
	n.o.mu.Unlock()
	if t == nil {
		r.Cancel()
		return
	}
	t.execute(r)
}
