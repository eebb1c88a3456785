package core

import "slices"

// Config bounds what a core does. Every field must be set.
type Config struct {
	Slots       int
	RouteSlots  map[string]int // of these, for tasks of a route at most; 0 for all
	Ageing      Time           // what a class waits for the next more urgent one
	MaxPending  int
	MaxWeight   int64
	Full        Full
	WarnPending int // 0 for never
}

// Counts are numbers that only grow.
type Counts struct {
	Retried int64 // attempts after the first
	Late    int64 // attempts that could not start, because their reservation had become too old
}

// Core decides. It is not safe for concurrent use.
type Core struct {
	cfg    Config
	lanes  map[string]*Lane
	groups map[any]*Group
	swept  int // lanes that were left when idle ones were last forgotten

	taken     int // slots, by tasks that execute, by reservations, and by requests for reservations
	lent      int // tasks that have lent theirs
	resuming  heap[loan]
	loans     int64
	requests  int64
	arrivals  int64
	wanting   heap[Lane] // that want to ask, by the virtual time of their first tasks
	hungry    heap[Lane] // of these, that have no slot
	holding   heap[Lane] // that hold reservations, those first that can best do without one
	wakes     heap[Lane] // by when they have to be looked at
	resting   heap[Task] // by when they go on
	executing list
	stuck     list
	room      room
	ready     ready
	waking    bool // a worker has been asked for and has not come yet

	live     int  // tasks that have not ended, and functions that still run
	asking   int  // requests under way
	now      Time // of the input
	stage    Stage
	refusing bool // what has not started is being ended, because a drain ran out of time
	quiet    bool
	report   Report
	counts   Counts

	changed *Lane    // lanes to be settled
	fx      *Effects // of the input
}

// New returns a core without tasks.
func New(cfg Config) *Core {
	soonest := func(a, b *Lane) bool {
		if a.virtual != b.virtual {
			return a.virtual < b.virtual
		}
		return a.asks < b.asks // lanes whose tasks are of one age take turns
	}
	return &Core{
		cfg: cfg, lanes: map[string]*Lane{}, groups: map[any]*Group{}, resuming: newResuming(), room: newRoom(cfg.Ageing),
		wanting: heap[Lane]{place: func(n *Lane) *int32 { return &n.inWanting }, before: soonest},
		hungry:  heap[Lane]{place: func(n *Lane) *int32 { return &n.inHungry }, before: soonest},
		holding: heap[Lane]{place: func(n *Lane) *int32 { return &n.inHolding }, before: func(a, b *Lane) bool {
			if spare := a.holds() > 1; spare != (b.holds() > 1) {
				return spare
			}
			return len(a.held) > len(b.held)
		}},
		wakes: heap[Lane]{place: func(n *Lane) *int32 { return &n.inWake }, before: func(a, b *Lane) bool { return a.wake < b.wake }},
		resting: heap[Task]{
			place:  func(t *Task) *int32 { return &t.inQueue },
			before: func(a, b *Task) bool { return a.NotBefore < b.NotBefore },
		},
	}
}

// Arrive takes tasks of one route in, together or not at all. A group that is not nil is those that may leave together with
// them; another of the same key may take its place. Errors: [ErrClosed], [*FullError].
func (c *Core) Arrive(now Time, fx *Effects, route string, g *Group, tasks []*Task) error {
	now = c.begin(now, fx)
	if len(tasks) == 0 {
		c.settle(now)
		return nil
	}
	if c.stage >= HandingBack || c.stage == Closing && !tasks[0].Child {
		c.settle(now)
		return ErrClosed
	}
	n, before := c.lane(route, now), c.arrivals
	if err := c.makeRoom(now, n, tasks); err != nil {
		c.settle(now)
		return err
	}
	if g != nil {
		g = c.group(g)
	}
	for _, t := range tasks {
		c.arrivals++
		t.lane, t.since, t.number = n, now, c.arrivals
		c.live++
		n.tasks++
		if g != nil {
			g.add(t)
		}
		c.enterRoom(t)
		if t.NotBefore > now {
			t.state = resting
			c.resting.put(t)
			continue
		}
		n.enter(t)
	}
	for _, t := range tasks { // once all are there, so that those who may leave together are
		if t.Deadline > 0 && t.state == waiting {
			n.judgeOnArrival(t, now)
		}
	}
	c.settle(now)
	// Nobody knows yet that these have waited for room.
	fx.Admitted = slices.DeleteFunc(fx.Admitted, func(t *Task) bool { return t.number > before })
	return nil
}

// ArriveAgain makes a task that waits more urgent, and lets it go if its caller held it back.
func (c *Core) ArriveAgain(now Time, fx *Effects, t *Task, rank uint8) {
	now = c.begin(now, fx)
	switch {
	case t.state == resting && t.tries == 0:
		c.rank(t, rank)
		c.letGo(t)
	case rank < t.Rank && (t.state == waiting || t.state == asked):
		t.lane.withdraw(t)
		c.rank(t, rank)
		t.lane.enter(t)
	case rank < t.Rank && t.state == resting:
		c.rank(t, rank)
	}
	c.settle(now)
}

// rank gives a task that is in no queue another class, if that is more urgent.
func (c *Core) rank(t *Task, rank uint8) {
	if rank >= t.Rank {
		return
	}
	if t.is(outside) {
		c.room.outside.remove(t)
		t.Rank = rank
		c.room.outside.put(t)
		return
	}
	was, is := &c.room.byRank[t.Rank], &c.room.byRank[rank]
	was.n, was.weight = was.n-1, was.weight-t.Weight
	is.n, is.weight = is.n+1, is.weight+t.Weight
	t.Rank = rank
	if c.room.sheddable.has(t) {
		c.room.sheddable.put(t)
	}
}

// Answer takes in what the limiter said to a request.
func (c *Core) Answer(now Time, fx *Effects, n *Lane, a *Answer) {
	now = c.begin(now, fx)
	n.answer(a, now)
	c.settle(now)
}

// Shut is an answer that nobody asked for: a route starts nothing until then, for a reason. A moment that has passed opens it.
func (c *Core) Shut(now Time, fx *Effects, route string, until Time, reason string) {
	now = c.begin(now, fx)
	c.lane(route, now).shutUntil(until, reason, now)
	c.settle(now)
}

// Finish takes in how an attempt ended.
func (c *Core) Finish(now Time, fx *Effects, t *Task, r Result) {
	now = c.begin(now, fx)
	if t.is(hasSlot) {
		c.leaveSlot(t)
	} else {
		c.lent--
	}
	if t.loan != nil {
		c.resumed(t.loan, false)
	}
	switch {
	case t.state == stuck:
		c.stuck.remove(t)
		t.state = over
		c.gone(t)
	case r.Late && !t.is(left) && c.stage < HandingBack:
		c.counts.Late++
		c.executing.remove(t)
		if t.tries--; t.tries == 0 {
			t.first = 0
			t.lane.budget.firsts = max(0, t.lane.budget.firsts-1)
		}
		c.takeRoom(t)
		t.lane.enter(t)
	default:
		c.executing.remove(t)
		why := r.Err
		if r.Late {
			t.tries--
			why = t.why
			if why == nil && c.stage == HandingBack {
				why = ErrHandedBack
			} else if why == nil {
				why = ErrClosed
			}
		}
		if !c.rest(t, &r, now) {
			c.end(t, why, now)
			t.state = over
			c.gone(t)
		}
	}
	c.settle(now)
}

// Leave ends a task that has not started, or that is between two attempts. One that executes sees the end of its context by
// itself, and is not tried again.
func (c *Core) Leave(now Time, fx *Effects, t *Task, why error) {
	now = c.begin(now, fx)
	c.leave(t, why)
	c.settle(now)
}

// LeaveTogether is [Core.Leave] of all tasks of a group.
func (c *Core) LeaveTogether(now Time, fx *Effects, g *Group, why error) {
	now = c.begin(now, fx)
	for t := g.first; t != nil; t = g.first {
		c.leaveGroup(t)
		c.leave(t, why)
	}
	c.settle(now)
}

// GiveUp ends a task whose function still runs. Its slot is free when the function has returned. It reports whether the task
// was executing its attempt of that number.
func (c *Core) GiveUp(now Time, fx *Effects, t *Task, attempt int, why error) bool {
	now = c.begin(now, fx)
	ok := t.state == executing && int(t.tries) == attempt
	if ok {
		c.giveUp(t, why, now)
	}
	c.settle(now)
	return ok
}

// Tick lets time pass. A worker that comes begins with it.
func (c *Core) Tick(now Time, fx *Effects) {
	now = c.begin(now, fx)
	if fx.Worker {
		c.waking = false
	}
	for n := c.wakes.first(); n != nil && n.wake <= now; n = c.wakes.first() {
		c.wakes.remove(n)
		n.pass(now)
	}
	c.goOn(now)
	c.settle(now)
}

func (c *Core) giveUp(t *Task, why error, now Time) {
	t.givenUp = true
	c.executing.remove(t)
	c.stuck.push(t)
	c.end(t, why, now)
	t.state = stuck
}

func (c *Core) leave(t *Task, why error) {
	switch t.state {
	case waiting, asked:
		t.lane.withdraw(t)
	case resting:
		c.resting.remove(t)
	case executing:
		if !t.is(left) {
			t.set(left)
			t.why = why
		}
		return
	default:
		return
	}
	c.leaveRoom(t)
	c.end(t, why, c.now)
	t.state = over
	c.gone(t)
}

// end notes what a task ended with.
func (c *Core) end(t *Task, why error, now Time) {
	t.why, t.ended = why, max(now, t.since)
	c.leaveGroup(t)
	c.count(why)
	c.fx.end(t)
}

// gone notes that nothing is left of a task.
func (c *Core) gone(t *Task) {
	c.live--
	t.lane.tasks--
	t.lane.change()
}

// group returns the live group of the same key. If there is none, this group is live from now on.
func (c *Core) group(g *Group) *Group {
	if other := c.groups[g.Key]; other != nil {
		return other
	}
	c.groups[g.Key] = g
	c.fx.Watch = append(c.fx.Watch, g)
	return g
}

func (c *Core) leaveGroup(t *Task) {
	g := t.group
	if g == nil {
		return
	}
	g.remove(t)
	if g.first == nil {
		delete(c.groups, g.Key)
		c.fx.Unwatch = append(c.fx.Unwatch, g)
	}
}

// lane returns the lane of a route. It makes the lane if there is none.
func (c *Core) lane(route string, now Time) *Lane {
	if n := c.lanes[route]; n != nil {
		return n
	}
	c.sweep(now)
	n := &Lane{Route: route, core: c, most: c.cfg.Slots, queue: newQueue(), line: newLine(), budget: budget{tokens: 1, at: now}, idle: now}
	if most := c.cfg.RouteSlots[route]; most > 0 {
		n.most = min(n.most, most)
	}
	c.lanes[route] = n
	return n
}

// sweep forgets lanes that have had nothing to do for a minute, when there are twice as many as the last time: routes made
// at run time come and go.
func (c *Core) sweep(now Time) {
	const few = 64
	if len(c.lanes) < few || len(c.lanes) < 2*c.swept {
		return
	}
	for route, n := range c.lanes {
		if n.tasks == 0 && n.holds() == 0 && !n.asking && n.shut == 0 && now-n.idle > idleAfter {
			c.wakes.remove(n)
			delete(c.lanes, route)
		}
	}
	c.swept = len(c.lanes)
}

// begin begins an input, whose effects go to fx. Time never goes back: inputs may come in another order than their times.
func (c *Core) begin(now Time, fx *Effects) Time {
	c.now, c.fx = max(c.now, now), fx
	return c.now
}

// settle brings everything in line with what has changed, once, at the end of each input.
func (c *Core) settle(now Time) {
	c.settleLanes(now)
	for c.resume() {
		c.settleLanes(now)
	}
	if c.fx.Worker {
		if c.ready.len() > 0 {
			c.fx.Job.Start = c.ready.pop()
		} else if c.wanted() {
			c.ask(now)
			c.settleLanes(now)
		}
	}
	if !c.waking && (c.ready.len() > 0 || c.wanted()) {
		c.waking, c.fx.Spawn = true, true
	}
	c.admit()
	c.fx.Wake = c.wake()
	if c.stage >= Closing && c.live == 0 && c.asking == 0 && !c.quiet {
		c.quiet, c.fx.Quiet = true, true
	}
	c.fx = nil
}

func (c *Core) settleLanes(now Time) {
	for n := c.changed; n != nil; n = c.changed {
		c.changed, n.changed = n.next, false
		n.next = nil
		n.settle(now)
	}
}

// wake is when time has to pass at the latest, 0 for never.
func (c *Core) wake() (at Time) {
	if n := c.wakes.first(); n != nil {
		at = n.wake
	}
	if t := c.resting.first(); t != nil && (at == 0 || t.NotBefore < at) {
		at = t.NotBefore
	}
	return at
}
