package core

// queue holds the tasks of a lane for which the lane has not asked yet. Three steps choose the next task: between
// classes by age, between the shares of a class by turns in tokens, and within a share by age. Each step takes O(log
// n).
type queue struct {
	classes [ranks]class
	len     int
}

// class holds the tasks of one class: a flow for each share.
type class struct {
	rank   uint8
	len    int
	flows  map[string]*flow
	active heap[flow] // flows with tasks
	last   *flow      // the flow of the last task that came
	clock  int64      // the served tokens of the share that was served last
	served *flow      // that share
}

// flow holds the tasks of one share in one class: new tasks, in order, and tasks that are back from an attempt.
type flow struct {
	share  string
	class  *class
	tasks  list
	back   heap[Task]
	served int64 // tokens that the turns of the class have counted
	front  int64 // tokens of its tasks that are in front of the lane
	came   int64 // tokens of all tasks that ever came
	went   int64 // tokens of those that have left the flow
	place  int32
}

func newQueue() (q queue) {
	for r := range q.classes {
		q.classes[r] = class{rank: uint8(r), active: heap[flow]{ //nolint:gosec // three
			place: func(f *flow) *int32 { return &f.place },
			before: func(a, b *flow) bool {
				if a.served != b.served {
					return a.served < b.served
				}
				return a.first().older(b.first())
			},
		}}
	}
	return q
}

// older orders tasks by arrival.
func (t *Task) older(other *Task) bool { return t.number < other.number }

func (f *flow) len() int { return f.tasks.len + len(f.back.all) }

// first returns the oldest task of a share.
func (f *flow) first() *Task {
	back := f.back.first()
	if back == nil || f.tasks.first != nil && !back.older(f.tasks.first) {
		return f.tasks.first
	}
	return back
}

// flow returns the flow of a share. A share whose first task arrives counts as served as much as the share that was
// served last.
func (c *class) flow(share string) *flow {
	f := c.last // most tasks have the share of the task before
	if f == nil || f.share != share {
		f = c.flows[share]
	}
	if f == nil {
		if c.flows == nil {
			c.flows = map[string]*flow{}
		}
		c.forget()
		f = &flow{share: share, class: c, back: heap[Task]{
			place:  func(t *Task) *int32 { return &t.inQueue },
			before: (*Task).older,
		}}
		c.flows[share] = f
	}
	if f.len() == 0 {
		f.served = max(f.served, c.start())
	}
	c.last = f
	return f
}

// start is what a share counts as served whose first task arrives: as much as the share that was served last, without
// the tokens for which the limiter has only been asked.
func (c *class) start() int64 {
	if c.served == nil {
		return c.clock
	}
	return min(c.clock, c.served.served-c.served.front)
}

// forget drops idle shares that would be treated like new shares, when they outnumber the other shares.
func (c *class) forget() {
	const few = 16
	if len(c.flows) < few+2*len(c.active.all) {
		return
	}
	for share, f := range c.flows {
		if f.len() == 0 && f.front == 0 && (f.served <= c.clock || c.len == 0) {
			delete(c.flows, share)
			c.last = nil
		}
	}
}

// push adds a task at the place of its age.
func (q *queue) push(t *Task) {
	c := &q.classes[t.Rank]
	f := c.flow(t.Share)
	t.flow, t.state = f, waiting
	if last := f.tasks.last; last != nil && t.older(last) || t.tries > 0 {
		t.set(again)
		f.back.put(t)
	} else {
		f.tasks.push(t)
	}
	t.ahead = f.came
	f.came += t.Cost.Tokens
	c.len++
	q.len++
	if f.first() == t { // else the turns do not change
		c.active.put(f)
	}
}

// remove removes a task.
func (q *queue) remove(t *Task) {
	f := t.flow
	if t.is(again) {
		t.clear(again)
		f.back.remove(t)
	} else {
		f.tasks.remove(t)
	}
	f.went += t.Cost.Tokens
	f.class.len--
	q.len--
	switch {
	case f.len() == 0:
		f.class.active.remove(f)
	case len(f.class.active.all) > 1:
		f.class.active.put(f)
	}
}

// take removes a task whose turn it is, and charges it to its share.
func (q *queue) take(t *Task) {
	t.charge()
	q.remove(t)
}

// charge counts the tokens of a task that is about to leave the queue for its share.
func (t *Task) charge() {
	f := t.flow
	if f.served >= f.class.clock {
		f.class.clock, f.class.served = f.served, f
	}
	f.served += t.Cost.Tokens
}

// putBack undoes take.
func (q *queue) putBack(t *Task) {
	f := t.flow
	f.served -= t.Cost.Tokens
	f.class.clock = min(f.class.clock, f.served)
	f.went -= t.Cost.Tokens
	t.state = waiting
	t.set(again)
	f.back.put(t)
	f.class.len++
	q.len++
	f.class.active.put(f)
}

// firstOf returns the next task of a class, nil if there is none.
func (q *queue) firstOf(rank uint8) *Task {
	if f := q.classes[rank].active.first(); f != nil {
		return f.first()
	}
	return nil
}

// first returns the next task, by virtual time: its arrival plus the handicap of its class.
func (q *queue) first(ageing Time) (next *Task) {
	for rank := range ranks {
		if t := q.firstOf(rank); t != nil && (next == nil || t.comesBefore(next, ageing)) {
			next = t
		}
	}
	return next
}

// comesBefore orders tasks by virtual time, and then by arrival.
func (t *Task) comesBefore(other *Task, ageing Time) bool {
	a, b := t.virtual(ageing), other.virtual(ageing)
	return a < b || a == b && t.older(other)
}
