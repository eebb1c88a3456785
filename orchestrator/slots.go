package orchestrator

import (
	"context"
	"slices"

	"golang.org/x/sync/semaphore"
)

// slots are the places in which tasks execute. The semaphore is their gate, never a queue: who waits for a slot waits in
// a lane, by class and age, and costs no goroutine. It is guarded by the orchestrator's mu.
type slots struct {
	gate     *semaphore.Weighted
	count    int
	taken    int             // by tasks that execute, by reservations, and by calls for reservations
	resuming []chan struct{} // tasks that executed before and go on: they come before all that have not begun
}

func newSlots(n int) slots { return slots{gate: semaphore.NewWeighted(int64(n)), count: n} }

func (s *slots) free() int { return max(0, s.count-s.taken) }

// take takes a slot if there is one.
func (s *slots) take() bool {
	if s.taken >= s.count || !s.gate.TryAcquire(1) {
		return false
	}
	s.taken++
	return true
}

// leave frees a slot.
func (s *slots) leave() {
	if s.taken > s.count { // somebody went on without
		s.taken--
		return
	}
	if len(s.resuming) > 0 {
		close(s.resuming[0])
		s.resuming = s.resuming[1:]
		return
	}
	s.gate.Release(1)
	s.taken--
}

// lend frees the slot of a task that waits for others of its orchestrator, so that they can come to an end also where
// they need that slot. It returns nil where the context is that of no task, or a function that takes a slot again,
// before all tasks that have not begun.
func (o *Orchestrator) lend(ctx context.Context) (back func(context.Context)) {
	r := o.running(ctx)
	if r == nil {
		return nil
	}
	o.mu.Lock()
	if !r.executes() {
		o.mu.Unlock()
		return nil // a goroutine that its task has left behind
	}
	r.lent++
	if r.slot {
		n := r.t.opts.lane
		r.slot = false
		n.running--
		o.slots.leave()
		n.movedLocked()
		o.wakeLocked()
	}
	o.unlock()
	return func(ctx context.Context) { o.takeBack(ctx, r) }
}

// takeBack returns when the task has a slot again, or another of its goroutines waits still, or its context has ended:
// then it goes on without, to its end, and the next slot that would be free is not.
func (o *Orchestrator) takeBack(ctx context.Context, r *run) {
	o.mu.Lock()
	defer o.unlock()
	r.lent--
	if !r.wantsSlot() {
		return
	}
	if o.slots.take() || o.takeFromReservationLocked() {
		r.hasSlotLocked()
		return
	}
	turn := make(chan struct{})
	o.slots.resuming = append(o.slots.resuming, turn)
	o.unlock()
	select {
	case <-turn:
	case <-ctx.Done():
	}
	o.mu.Lock()
	at := slices.Index(o.slots.resuming, turn)
	if at >= 0 {
		o.slots.resuming = slices.Delete(o.slots.resuming, at, at+1)
	}
	switch {
	case r.wantsSlot():
		if at >= 0 {
			o.slots.taken++
		}
		r.hasSlotLocked()
	case at < 0: // its turn came, and it has no use for it any more
		o.slots.leave()
		o.wakeLocked()
	}
}

// takeFromReservationLocked takes the slot of a reservation, if there is one: tasks that have begun come before those
// that have not.
func (o *Orchestrator) takeFromReservationLocked() bool {
	from := o.holding.richest(0)
	if from == nil {
		return false
	}
	from.giveBackLocked()
	from.movedLocked()
	return true
}

// executes reports whether an attempt is the one of its task that is under way.
func (r *run) executes() bool {
	return r.t.current() == r && (r.t.state == executes || r.t.state == left)
}

// wantsSlot reports whether an attempt goes on and has none.
func (r *run) wantsSlot() bool { return r.executes() && r.lent == 0 && !r.slot }

func (r *run) hasSlotLocked() {
	n := r.t.opts.lane
	r.slot = true
	n.running++
	n.movedLocked()
}
