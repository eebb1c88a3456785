package core

// Config bounds what a core does. Every field must be set.
type Config struct {
	Slots       int
	RouteSlots  map[string]int // slots for the tasks of a route at most; 0 for all
	Ageing      Time           // the handicap between a class and the next more urgent one
	MaxPending  int
	MaxWeight   int64
	Full        Full
	WarnPending int // 0 for never
}

// Counts are counters.
type Counts struct {
	Retried int64 // attempts after the first
	Late    int64 // attempts that could not start, because their reservation had become too old
}

// Core decides which task starts when. It is not safe for concurrent use.
type Core struct {
	cfg    Config
	lanes  map[string]*Lane
	groups map[any]*Group
	swept  int // lanes that were left when idle ones were last forgotten

	taken     int // slots, by tasks that execute, by reservations, and by requests for reservations
	lent      int // tasks that have lent their slots
	resuming  heap[loan]
	loans     int64
	requests  int64
	arrivals  int64
	wanting   heap[Lane] // lanes that want to ask, by the virtual time of their first tasks
	hungry    heap[Lane] // of these, lanes without a slot
	holding   heap[Lane] // lanes with reservations; first the lane that can best spare one
	wakes     heap[Lane] // by the time at which they need attention
	resting   heap[Task] // by the end of their rest
	executing list
	stuck     list
	room      room
	ready     ready
	waking    bool // a worker has been asked for and has not come yet

	live     int  // tasks that have not ended, and functions that still run
	asking   int  // requests in flight
	now      Time // of the input
	stage    Stage
	refusing bool // tasks that have not started are being ended, because a drain ran out of time
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
		return a.asks < b.asks // lanes whose first tasks have the same age take turns
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

// sweep forgets lanes that had no work for a minute, when there are twice as many as at the last sweep. It is for
// routes made at run time.
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

// begin begins an input, whose effects go to fx. Time never goes back: inputs may come in another order than their
// times.
func (c *Core) begin(now Time, fx *Effects) Time {
	c.now, c.fx = max(c.now, now), fx
	return c.now
}

// settle updates all state that depends on the changed lanes, once, at the end of each input.
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

// wake returns when the next [Core.Tick] is due at the latest, 0 for never.
func (c *Core) wake() (at Time) {
	if n := c.wakes.first(); n != nil {
		at = n.wake
	}
	if t := c.resting.first(); t != nil && (at == 0 || t.NotBefore < at) {
		at = t.NotBefore
	}
	return at
}
