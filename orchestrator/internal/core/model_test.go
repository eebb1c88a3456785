package core

import (
	"cmp"
	"fmt"
	"slices"
)

// The model is the rules of the core in their plainest form: one slice of tasks, sorted anew for each question. It shares no
// code with the core, and knows nothing of when a lane asks.

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
	admitted bool // it waited for room, and the core has said that it does not any more
	waited   bool
}

func (t *mTask) waits() bool { return t.at == inQueue || t.at == inFront || t.at == atRest }

// mLane is a route of the model.
type mLane struct {
	route   string
	front   []*mTask // in the order in which they were asked for
	held    []Grant
	asked   []*mTask // of the request under way
	n       int      // calls of that
	asking  bool
	hurried bool
	shut    Time
	tokens  int64 // of the last request whose line is known, that it did not get
	last    Time
	every   Time
	line    bool
}

// turnOf is whose turns are counted: those of a share among others in a class of a route.
type turnOf struct {
	route string
	rank  uint8
	share string
}

type model struct {
	cfg     Config
	all     []*mTask // that have not ended, or whose functions still run
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

// those are the tasks of which something is true.
func (m *model) those(is func(t *mTask) bool) (found []*mTask) {
	for _, t := range m.all {
		if is(t) {
			found = append(found, t)
		}
	}
	return found
}

func (m *model) count(is func(t *mTask) bool) int { return len(m.those(is)) }

// virtual is when a task would have come if it were urgent. Where classes do not age, those of a class are equal.
func (m *model) virtual(t *mTask) float64 {
	const after = 1e30
	if m.cfg.Ageing == never && t.rank > Urgent {
		return after * float64(t.rank)
	}
	return float64(t.since) + float64(t.rank)*float64(m.cfg.Ageing)
}

// order is that of tasks of different classes.
func (m *model) order(a, b *mTask) int {
	return cmp.Or(cmp.Compare(m.virtual(a), m.virtual(b)), cmp.Compare(a.number, b.number))
}

// flow is whose turn a task takes.
func (t *mTask) turn() turnOf { return turnOf{t.route, t.rank, t.Share} }

func classOf(route string, rank uint8) turnOf { return turnOf{route: route, rank: rank} }

// enter queues a task. A share that comes has had as much as the one whose turn it is.
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

// head is the first task in the queue of a class: of the share that has had least, the oldest.
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

// first is the first task in the queue of a route, or of its urgent ones.
func (m *model) first(route string, urgent bool) (best *mTask) {
	for rank := range ranks {
		if t := m.head(route, rank); t != nil && (best == nil || m.order(t, best) < 0) && (rank == Urgent || !urgent) {
			best = t
		}
	}
	return best
}

// ahead is the first task in front of a lane, of a cost or of any.
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

// next is the task that a reservation of a cost is for. Each class proposes one: the first in front, or an older one of its share
// that has come since; where none is in front, the head of the queue. The first of these by virtual time takes the reservation.
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

// toFront has a lane ask for a task: behind the others, but before the younger of its share.
func (m *model) toFront(l *mLane, t *mTask) {
	m.charge(t)
	t.at = inFront
	i := slices.IndexFunc(l.front, func(o *mTask) bool { return o.turn() == t.turn() && o.number > t.number })
	if i < 0 {
		i = len(l.front)
	}
	l.front = slices.Insert(l.front, i, t)
}

// putBack returns the tasks in front of a lane to its queue that got no reservation, as if the lane had not asked for them.
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

// taken are the slots that are taken, in all or by one route.
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

// uncovered are the tasks of a route without a reservation on its way.
func (m *model) uncovered(l *mLane) int {
	return m.count(func(t *mTask) bool { return t.route == l.route && (t.at == inQueue || t.at == inFront) }) - l.n - len(l.held)
}

// uncoveredUrgent are the urgent ones of these, at least: what a lane holds for others is taken for theirs.
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

// earliest is the virtual time of the first task of a route.
func (m *model) earliest(l *mLane) float64 {
	t, q := m.ahead(l, nil), m.first(l.route, false)
	if t == nil || q != nil && m.order(q, t) < 0 {
		t = q
	}
	return m.virtual(t)
}

// behind are the tokens that a share must have before a task has its own.
func (m *model) behind(t *mTask) (tokens int64) {
	for _, o := range m.all {
		if o.turn() == t.turn() && t.at == inQueue && (o.at == inFront || o.at == inQueue && o.number < t.number) {
			tokens += o.Cost.Tokens
		}
	}
	return tokens
}

// show is the queue of a route, for who reads a failure.
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
