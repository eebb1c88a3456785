package orchestrator

import (
	"context"
	"log/slog"
	"slices"
	"time"
)

// Full is what becomes of a task for which there is no room. The zero value is Wait.
type Full int

const (
	// Wait lets whoever submits a task wait for room, first come, first served, until its context ends. A batch enters as
	// room comes free. A task that submits tasks lends its slot meanwhile.
	Wait Full = iota
	// Refuse returns a [FullError]. A batch is taken whole or refused.
	Refuse
	// Shed ends the youngest of the least urgent tasks that wait with [ErrShed], if it is less urgent than the new one,
	// and refuses the new one otherwise.
	Shed
)

// room bounds the tasks that wait. It is guarded by the orchestrator's mu.
type room struct {
	count    int
	cost     int64
	door     []*guest
	entering []*guest // those for whom there is room now
	warned   bool
}

// guest waits for room.
type guest struct {
	cost int64
	t    *task // to be queued when there is; nil for who wants to see to that itself
	done <-chan struct{}
	in   chan struct{} // closed when it is in, or never will be
	err  error
}

// fits reports whether there is room for n tasks of a cost each.
func (o *Orchestrator) fits(n int, cost int64) bool {
	r := &o.room
	return n <= o.cfg.MaxPending-r.count && (cost == 0 || int64(n) <= (o.cfg.MaxCost-r.cost)/cost)
}

// takeRoomLocked notes that tasks wait.
func (o *Orchestrator) takeRoomLocked(n int, cost int64) {
	r := &o.room
	r.count += n
	r.cost += int64(n) * cost
	if o.cfg.WarnPending < 0 || r.warned || r.count <= o.cfg.WarnPending {
		return
	}
	r.warned = true
	count, slots := r.count, o.cfg.Slots
	o.warnings = append(o.warnings, func() {
		o.log.LogAttrs(o.life, slog.LevelWarn, "many tasks wait to start", slog.Int("pending", count), slog.Int("slots", slots))
	})
}

// leaveRoomLocked notes that a task waits no longer, and lets in who waits for that.
func (o *Orchestrator) leaveRoomLocked(t *task) {
	r := &o.room
	r.count--
	r.cost -= t.opts.cost
	if r.warned && r.count <= o.cfg.WarnPending/2 {
		r.warned = false
	}
	o.openDoorLocked()
}

// openDoorLocked lets in those for whom there is room, in the order in which they came.
func (o *Orchestrator) openDoorLocked() {
	r := &o.room
	for len(r.door) > 0 && o.fits(1, r.door[0].cost) {
		o.takeRoomLocked(1, r.door[0].cost)
		r.entering = append(r.entering, r.door[0])
		r.door[0] = nil
		r.door = r.door[1:]
	}
}

// letInLocked queues the tasks that there is room for now, in the order in which they came. Whoever gives up mu does so
// before: in the midst of something else it would be too early.
func (o *Orchestrator) letInLocked() {
	for len(o.room.entering) > 0 {
		g := o.room.entering[0]
		o.room.entering[0] = nil
		o.room.entering = o.room.entering[1:]
		if g.t != nil {
			o.enqueueLocked(g.t, g.done, o.now())
		}
		close(g.in)
	}
}

// enterLocked takes room for a task and queues it, or says why it cannot. It gives up mu while it waits.
func (o *Orchestrator) enterLocked(ctx context.Context, t *task, set *options, done <-chan struct{}, at int64) error {
	waits, err := o.takeIfRoomLocked(1, set)
	if waits {
		return o.waitForRoomLocked(ctx, &guest{cost: set.cost, t: t, done: done, in: make(chan struct{})})
	}
	if err == nil && t != nil {
		o.enqueueLocked(t, done, at)
	}
	return err
}

// takeIfRoomLocked takes room for n tasks, or says why there is none, or that one may wait for it.
func (o *Orchestrator) takeIfRoomLocked(n int, set *options) (waits bool, err error) {
	switch {
	case o.drain.closed:
		return false, ErrClosed
	case set.cost > o.cfg.MaxCost:
		return false, &CostError{Cost: set.cost, Max: o.cfg.MaxCost}
	case len(o.room.door) == 0 && o.fits(n, set.cost):
		o.takeRoomLocked(n, set.cost)
		return false, nil
	case o.cfg.Full == Wait:
		return true, nil
	case o.cfg.Full == Shed && o.shedLocked(n, set):
		o.takeRoomLocked(n, set.cost)
		return false, nil
	}
	o.count.Refused += int64(n)
	oldest := never
	for _, l := range o.lanes {
		oldest = min(oldest, l.queue.oldest())
	}
	full := &FullError{Pending: o.room.count, Cost: o.room.cost}
	if oldest != never {
		full.Oldest = time.Duration(o.now() - oldest)
	}
	return false, full
}

// waitForRoomLocked waits at the door. It gives up mu meanwhile.
func (o *Orchestrator) waitForRoomLocked(ctx context.Context, g *guest) error {
	o.room.door = append(o.room.door, g)
	o.unlock()
	back := o.lend(ctx)
	select {
	case <-g.in:
	case <-ctx.Done():
	}
	if back != nil {
		back(ctx)
	}
	why := context.Cause(ctx)
	o.mu.Lock()
	if at := slices.Index(o.room.door, g); at >= 0 {
		o.room.door = slices.Delete(o.room.door, at, at+1)
		o.openDoorLocked() // those behind may want less
		return why
	}
	return g.err
}

// shutDoorLocked sends away who waits for room.
func (o *Orchestrator) shutDoorLocked() {
	for _, g := range o.room.door {
		g.err = ErrClosed
		close(g.in)
	}
	o.room.door = nil
}

// shedLocked makes room for n tasks by ending less urgent ones, if there are enough of them. It reports whether there were.
func (o *Orchestrator) shedLocked(n int, set *options) bool {
	rank := set.class.rank()
	count, cost := o.cfg.MaxPending-o.room.count, o.cfg.MaxCost-o.room.cost
	less := func(l *list) {
		for t := l.first; t != nil; t = t.next {
			if t.rank > rank {
				count++
				cost += t.opts.cost
			}
		}
	}
	for _, l := range o.lanes {
		for r := rank + 1; r < classes; r++ {
			less(&l.queue.lists[r])
		}
	}
	less(&o.resting)
	if n > count || set.cost > 0 && int64(n) > cost/set.cost {
		return false
	}
	for !o.fits(n, set.cost) {
		victim := o.leastUrgentLocked()
		o.count.Shed++
		o.withdrawLocked(victim, ErrShed)
		victim.opts.lane.movedLocked()
	}
	return true
}

// leastUrgentLocked is the youngest of the least urgent tasks that wait.
func (o *Orchestrator) leastUrgentLocked() *task {
	var least *task
	consider := func(t *task) {
		if t != nil && (least == nil || t.rank > least.rank || t.rank == least.rank && t.queuedAt > least.queuedAt) {
			least = t
		}
	}
	for _, l := range o.lanes {
		consider(l.queue.last())
	}
	for t := o.resting.first; t != nil; t = t.next {
		consider(t)
	}
	return least
}
