package core

import (
	"cmp"
	"fmt"
	"slices"
)

// The model has the rules of the core in their plainest form: one slice of tasks, sorted again for each question. It shares no
// code with the core, and does not know when a lane asks.

// place is where a task of the model is.
type place uint8

const (
	inQueue place = iota
	inFront       // its lane has asked for it
	atRest
	runs
	runsOn // though it has ended
	gone
)

// mTask is a task of the model.
type mTask struct {
	*Task

	route    string
	rank     uint8
	at       place
	outside  bool
	slot     bool
	left     bool
	tries    int
	number   int
	since    Time
	rest     Time  // until then
	err      error // of its last attempt
	group    *Group
	ends     int
	lent     int  // goroutines that wait for other tasks
	admitted bool // it has waited for room, and the core has reported that it has room
	waited   bool
}

func (t *mTask) waits() bool { return t.at == inQueue || t.at == inFront || t.at == atRest }

// mLane is a route of the model.
type mLane struct {
	route   string
	front   []*mTask // in the order in which they were asked for
	held    []Grant
	asked   []*mTask // of the request in flight
	n       int      // calls of that request
	asking  bool
	hurried bool
	shut    Time
	tokens  int64 // that the last request with a known line did not get
	last    Time
	every   Time
	line    bool
}

// turnOf is a share in a class of a route. Its turns are counted.
type turnOf struct {
	route string
	rank  uint8
	share string
}

type model struct {
	cfg     Config
	all     []*mTask // tasks that have not ended, or whose functions still run
	lanes   map[string]*mLane
	served  map[turnOf]int64
	clock   map[turnOf]int64
	last    map[turnOf]turnOf // of each class: the share that was served last
	numbers int
	stage   Stage
	report  Report
}

func newModel(cfg Config) *model {
	return &model{cfg: cfg, lanes: map[string]*mLane{}, served: map[turnOf]int64{}, clock: map[turnOf]int64{}, last: map[turnOf]turnOf{}}
}

func (m *model) lane(route string) *mLane {
	if m.lanes[route] == nil {
		m.lanes[route] = &mLane{route: route}
	}
	return m.lanes[route]
}

// those returns the tasks for which a condition is true.
func (m *model) those(is func(t *mTask) bool) (found []*mTask) {
	for _, t := range m.all {
		if is(t) {
			found = append(found, t)
		}
	}
	return found
}

func (m *model) count(is func(t *mTask) bool) int { return len(m.those(is)) }

// virtual returns the time at which a task would have been queued if it were urgent. If classes do not age, all tasks of a class have the
// same time.
func (m *model) virtual(t *mTask) float64 {
	const after = 1e30
	if m.cfg.Ageing == never && t.rank > Urgent {
		return after * float64(t.rank)
	}
	return float64(t.since) + float64(t.rank)*float64(m.cfg.Ageing)
}

// order compares tasks of different classes.
func (m *model) order(a, b *mTask) int {
	return cmp.Or(cmp.Compare(m.virtual(a), m.virtual(b)), cmp.Compare(a.number, b.number))
}

// flow returns the share whose turn a task takes.
func (t *mTask) turn() turnOf { return turnOf{t.route, t.rank, t.Share} }

func classOf(route string, rank uint8) turnOf { return turnOf{route: route, rank: rank} }

// enter queues a task. A new share begins with the count of the share whose turn it is.
func (m *model) enter(t *mTask) {
	turn := t.turn()
	if m.count(func(o *mTask) bool { return o.at == inQueue && o.turn() == turn }) == 0 {
		start := m.clock[classOf(t.route, t.rank)]
		if last, ok := m.last[classOf(t.route, t.rank)]; ok {
			asked := int64(0) // tokens that have only been asked for
			for _, o := range m.all {
				if o.at == inFront && o.turn() == last {
					asked += o.Cost.Tokens
				}
			}
			start = min(start, m.served[last]-asked)
		}
		m.served[turn] = max(m.served[turn], start)
	}
	t.at = inQueue
}

// charge counts a task for its share.
func (m *model) charge(t *mTask) {
	class := classOf(t.route, t.rank)
	if served := m.served[t.turn()]; served >= m.clock[class] {
		m.clock[class], m.last[class] = served, t.turn()
	}
	m.served[t.turn()] += t.Cost.Tokens
}

// head returns the first task in the queue of a class: the oldest of the share that has had least.
func (m *model) head(route string, rank uint8) *mTask {
	queued := m.those(func(t *mTask) bool { return t.at == inQueue && t.route == route && t.rank == rank })
	if len(queued) == 0 {
		return nil
	}
	oldest := map[string]int{}
	for _, t := range queued {
		if n, ok := oldest[t.Share]; !ok || t.number < n {
			oldest[t.Share] = t.number
		}
	}
	return slices.MinFunc(queued, func(a, b *mTask) int {
		return cmp.Or(cmp.Compare(m.served[a.turn()], m.served[b.turn()]), cmp.Compare(oldest[a.Share], oldest[b.Share]),
			cmp.Compare(a.number, b.number))
	})
}

// first returns the first task in the queue of a route, or the first urgent one.
func (m *model) first(route string, urgent bool) (best *mTask) {
	for rank := range ranks {
		if t := m.head(route, rank); t != nil && (best == nil || m.order(t, best) < 0) && (rank == Urgent || !urgent) {
			best = t
		}
	}
	return best
}

// ahead returns the first task in front of a lane, of one cost or of any.
func (m *model) ahead(l *mLane, cost *Cost) (best *mTask) {
	for rank := range ranks {
		for _, t := range l.front {
			if t.rank == rank && (cost == nil || t.Cost == *cost) {
				if best == nil || m.order(t, best) < 0 {
					best = t
				}
				break
			}
		}
	}
	return best
}

// next returns the task that gets a reservation of a cost. Each class proposes the first task in front, or an older task of the same share
// that came later. If no task is in front, the class proposes the head of its queue. The first proposal by virtual time takes the
// reservation.
func (m *model) next(l *mLane, cost Cost) (best *mTask) {
	for rank := range ranks {
		t := m.head(l.route, rank)
		if i := slices.IndexFunc(l.front, func(o *mTask) bool { return o.rank == rank && o.Cost == cost }); i >= 0 {
			t = l.front[i]
			same := m.those(func(o *mTask) bool { return o.at == inQueue && o.turn() == t.turn() })
			slices.SortFunc(same, func(a, b *mTask) int { return cmp.Compare(a.number, b.number) })
			if len(same) > 0 && same[0].Cost == cost && same[0].number < t.number {
				t = same[0]
			}
		}
		if t != nil && t.Cost == cost && (best == nil || m.order(t, best) < 0) {
			best = t
		}
	}
	return best
}

// toFront puts a task in front of its lane, behind the others but before younger tasks of its share.
func (m *model) toFront(l *mLane, t *mTask) {
	m.charge(t)
	t.at = inFront
	i := slices.IndexFunc(l.front, func(o *mTask) bool { return o.turn() == t.turn() && o.number > t.number })
	if i < 0 {
		i = len(l.front)
	}
	l.front = slices.Insert(l.front, i, t)
}

// putBack moves the tasks in front of a lane that got no reservation to its queue, as if the lane had not asked for them.
func (m *model) putBack(l *mLane, now Time) {
	left := slices.Clone(l.held)
	if l.shut > now {
		left = nil
	}
	l.front = slices.DeleteFunc(l.front, func(t *mTask) bool {
		if i := slices.IndexFunc(left, func(g Grant) bool { return g.Cost == t.Cost }); i >= 0 {
			left = slices.Delete(left, i, i+1)
			return false
		}
		t.at = inQueue
		m.served[t.turn()] -= t.Cost.Tokens
		class := classOf(t.route, t.rank)
		m.clock[class] = min(m.clock[class], m.served[t.turn()])
		return true
	})
}

// withdraw takes a task out of queue and front.
func (m *model) withdraw(t *mTask) {
	l := m.lane(t.route)
	l.front = slices.DeleteFunc(l.front, func(o *mTask) bool { return o == t })
}

// taken returns the number of taken slots, of all routes or of one.
func (m *model) taken(route string) (n int) {
	for _, l := range m.lanes {
		if route == "" || l.route == route {
			n += l.n + len(l.held)
		}
	}
	return n + m.count(func(t *mTask) bool { return t.slot && (route == "" || t.route == route) })
}

func (m *model) most(route string) int {
	if n := m.cfg.RouteSlots[route]; n > 0 {
		return min(n, m.cfg.Slots)
	}
	return m.cfg.Slots
}

// uncovered returns the number of tasks of a route for which no reservation is requested or held.
func (m *model) uncovered(l *mLane) int {
	return m.count(func(t *mTask) bool { return t.route == l.route && (t.at == inQueue || t.at == inFront) }) - l.n - len(l.held)
}

// uncoveredUrgent returns the least number of urgent tasks among these: it counts every reservation of the lane as theirs.
func (m *model) uncoveredUrgent(l *mLane) (n int) {
	left := slices.Clone(l.held)
	for _, t := range l.front {
		if t.rank != Urgent {
			continue
		}
		if i := slices.IndexFunc(left, func(g Grant) bool { return g.Cost == t.Cost }); i >= 0 {
			left = slices.Delete(left, i, i+1)
		} else {
			n++
		}
	}
	queued := m.count(func(t *mTask) bool { return t.at == inQueue && t.rank == Urgent && t.route == l.route }) - len(left)
	if head := m.head(l.route, Urgent); head != nil && !slices.ContainsFunc(left, func(g Grant) bool { return g.Cost == head.Cost }) {
		queued = max(1, queued) // none of them is for the first
	}
	return n + max(0, queued)
}

// earliest returns the virtual time of the first task of a route.
func (m *model) earliest(l *mLane) float64 {
	t, q := m.ahead(l, nil), m.first(l.route, false)
	if t == nil || q != nil && m.order(q, t) < 0 {
		t = q
	}
	return m.virtual(t)
}

// behind returns the tokens that a share must have before the task gets its own.
func (m *model) behind(t *mTask) (tokens int64) {
	for _, o := range m.all {
		if o.turn() == t.turn() && t.at == inQueue && (o.at == inFront || o.at == inQueue && o.number < t.number) {
			tokens += o.Cost.Tokens
		}
	}
	return tokens
}

// show returns the queue of a route as text for a failure.
func (m *model) show(l *mLane) (s string) {
	for _, t := range l.front {
		s += fmt.Sprintf(" front %d rank %d share %q cost %d;", t.number, t.rank, t.Share, t.Cost.Tokens)
	}
	for _, t := range m.all {
		if t.route == l.route && t.at == inQueue {
			s += fmt.Sprintf(" %d rank %d share %q (%d) cost %d;", t.number, t.rank, t.Share, m.served[t.turn()], t.Cost.Tokens)
		}
	}
	return l.route + s
}
