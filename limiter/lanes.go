package limiter

import (
	"iter"

	"github.com/weir-go/weir/limiter/internal/lane"
)

// urgentLane ends the id of an urgent lane. A brace is in no name.
const urgentLane = "{urgent}"

// judgingLane is in the id of a lane that only records what buckets in shadow mode would do.
const judgingLane = "{shadow}"

// laneKey identifies a lane of a route: for its ordinary or its urgent callers, and for each of these one that judges.
type laneKey struct {
	route          string
	urgent, judges bool
}

func keyOf(n *lane.Lane) laneKey {
	return laneKey{n.Route().Name, n.Urgent, passedOf(n.Route()).judges}
}

// lanesOf yields the keys of all lanes that a route may have.
func lanesOf(route string) iter.Seq[laneKey] {
	return func(yield func(laneKey) bool) {
		for k := range 4 {
			if !yield(laneKey{route, k&1 == 1, k&2 == 2}) {
				return
			}
		}
	}
}

// addRouteLocked updates the lanes of a route that are in use.
func (l *Limiter) addRouteLocked(name string) {
	for key := range lanesOf(name) {
		if n := l.lanes[key]; n != nil {
			n.Reroute(l.routeLocked(key, passedOf(n.Route()).labels))
		}
	}
}

// lane returns the lane of a call, if the limiter knows the route and is not closed. The first call of a route makes
// the lane.
func (l *Limiter) lane(route string, urgent bool) (*lane.Lane, error) {
	return l.laneAt(laneKey{route: route, urgent: urgent})
}

func (l *Limiter) laneAt(key laneKey) (*lane.Lane, error) {
	l.mu.RLock()
	n, closed := l.lanes[key], l.closed
	known := n != nil || l.paths[key.route] != nil
	l.mu.RUnlock()
	switch {
	case closed:
		return nil, ErrClosed
	case !known:
		return nil, &RouteError{Route: key.route}
	case n == nil:
		return l.openLane(key, nil)
	}
	return n, nil
}

// openLane makes a lane, in place of a removed one if any, unless another caller has done so.
func (l *Limiter) openLane(key laneKey, givenUp *lane.Lane) (*lane.Lane, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch n := l.lanes[key]; {
	case l.closed:
		return nil, ErrClosed
	case l.paths[key.route] == nil:
		return nil, &RouteError{Route: key.route}
	case n != nil && n != givenUp:
		return n, nil
	}
	id := key.route
	if key.judges {
		id += judgingLane
	}
	if key.urgent {
		id += urgentLane
	}
	n := lane.New(l.shared, id, key.urgent, l.store.line(id), l.routeLocked(key, newLabels(key.route)))
	l.lanes[key] = n
	return n, nil
}

// reopen returns the lane that replaces a removed one; nil if there is to be none.
func (l *Limiter) reopen(n *lane.Lane) *lane.Lane {
	next, err := l.openLane(keyOf(n), n)
	if err != nil {
		return nil
	}
	return next
}

// through takes a caller to the lane of its route, or to its replacement if the lane was removed in that moment.
func (l *Limiter) through(n *lane.Lane, join func(*lane.Lane) error) error {
	for {
		err := join(n)
		if err != lane.ErrRetired { //nolint:errorlint // never wrapped
			return err
		}
		if n, err = l.openLane(keyOf(n), n); err != nil {
			return err
		}
	}
}
