package core

// Full sets what happens to a task for which there is no room.
type Full uint8

// The ways to treat tasks for which there is no room.
const (
	Wait   Full = iota // they wait for room, in the order in which tasks start
	Refuse             // they are refused
	Shed               // they replace less urgent tasks, the youngest first
)

// room bounds the tasks that wait to start. Tasks that wait for room are in the queues, too: they keep their age, and
// may start before they have room.
type room struct {
	pending   int
	weight    int64
	byRank    [ranks]struct{ n, weight int64 }
	outside   heap[Task] // by virtual time
	sheddable heap[Task] // the least urgent and youngest first
	warned    bool
}

func newRoom(ageing Time) room {
	return room{
		outside: heap[Task]{
			place:  func(t *Task) *int32 { return &t.inRoom },
			before: func(a, b *Task) bool { return a.comesBefore(b, ageing) },
		},
		sheddable: heap[Task]{
			place: func(t *Task) *int32 { return &t.inRoom },
			before: func(a, b *Task) bool {
				if a.Rank != b.Rank {
					return a.Rank > b.Rank
				}
				return b.older(a)
			},
		},
	}
}

func (c *Core) fits(n int, weight int64) bool {
	return n <= c.cfg.MaxPending-c.room.pending && weight <= c.cfg.MaxWeight-c.room.weight
}

// makeRoom makes room for tasks that arrive together, or returns why there is none. If the tasks may wait for room, it
// does nothing.
func (c *Core) makeRoom(now Time, n *Lane, tasks []*Task) error {
	if c.cfg.Full == Wait {
		return nil
	}
	weight := int64(0)
	for _, t := range tasks {
		weight += t.Weight
	}
	if c.fits(len(tasks), weight) {
		return nil
	}
	r := &c.room
	if c.cfg.Full == Shed && len(tasks) > 0 {
		count, sum := int64(c.cfg.MaxPending-r.pending), c.cfg.MaxWeight-r.weight
		for rank := tasks[0].Rank + 1; rank < ranks; rank++ {
			count += r.byRank[rank].n
			sum += r.byRank[rank].weight
		}
		if int64(len(tasks)) <= count && weight <= sum {
			for !c.fits(len(tasks), weight) {
				c.leave(r.sheddable.first(), ErrShed)
			}
			return nil
		}
	}
	full := &FullError{
		Tasks: len(tasks), Pending: r.pending, Weight: r.weight, Never: len(tasks) > c.cfg.MaxPending || weight > c.cfg.MaxWeight,
	}
	if t := n.queue.first(c.cfg.Ageing); t != nil {
		full.Oldest = now - t.since
	}
	return full
}

// enterRoom gives a task room. If there is none, or others come first, the task waits for room.
func (c *Core) enterRoom(t *Task) {
	first := c.room.outside.first()
	if (first == nil || t.comesBefore(first, c.cfg.Ageing)) && c.fits(1, t.Weight) {
		c.takeRoom(t)
		return
	}
	t.set(outside)
	c.room.outside.put(t)
}

func (c *Core) takeRoom(t *Task) {
	r := &c.room
	r.pending++
	r.weight += t.Weight
	r.byRank[t.Rank].n++
	r.byRank[t.Rank].weight += t.Weight
	if c.cfg.Full == Shed {
		r.sheddable.put(t)
	}
	if c.cfg.WarnPending > 0 && !r.warned && r.pending > c.cfg.WarnPending {
		r.warned, c.fx.Many = true, r.pending
	}
}

// leaveRoom records that a task no longer waits.
func (c *Core) leaveRoom(t *Task) {
	r := &c.room
	if t.is(outside) {
		t.clear(outside)
		r.outside.remove(t)
		c.fx.Admitted = append(c.fx.Admitted, t)
		return
	}
	r.pending--
	r.weight -= t.Weight
	r.byRank[t.Rank].n--
	r.byRank[t.Rank].weight -= t.Weight
	r.sheddable.remove(t)
	if r.pending <= c.cfg.WarnPending/2 {
		r.warned = false
	}
}

// admit gives room to waiting tasks, in order. No task passes a task that does not fit.
func (c *Core) admit() {
	r := &c.room
	for t := r.outside.first(); t != nil && c.fits(1, t.Weight); t = r.outside.first() {
		r.outside.remove(t)
		t.clear(outside)
		c.takeRoom(t)
		c.fx.Admitted = append(c.fx.Admitted, t)
	}
}
