package limiter

import "context"

// laneKey tells the two lanes of a route apart.
type laneKey struct {
	route  string
	urgent bool
}

// addRouteLocked brings the lanes of a route up to date, where somebody has used them.
func (l *Limiter) addRouteLocked(name string) {
	for _, urgent := range []bool{false, true} {
		if n := l.lanes[laneKey{name, urgent}]; n != nil {
			n.reroute(l.routeLocked(name, n.labels))
		}
	}
}

// lane returns the lane of a call, if the limiter knows its route and is not closed. The first call of a route makes it.
func (l *Limiter) lane(route string, urgent bool) (*lane, error) {
	key := laneKey{route, urgent}
	l.mu.RLock()
	n, closed := l.lanes[key], l.closed
	known := n != nil || l.paths[route] != nil
	l.mu.RUnlock()
	switch {
	case closed:
		return nil, ErrClosed
	case !known:
		return nil, &RouteError{Route: route}
	case n == nil:
		return l.openLane(key, nil)
	}
	return n, nil
}

// openLane makes a lane in the place of one that was given up, if any, unless another caller has done so.
func (l *Limiter) openLane(key laneKey, givenUp *lane) (*lane, error) {
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
	n := newLane(l, key)
	n.reroute(l.routeLocked(key.route, n.labels))
	l.lanes[key] = n
	return n, nil
}

// joinNext takes a caller through the lane that is made in the place of one that was given up as the caller came.
func (l *Limiter) joinNext(ctx context.Context, n *lane, w want) (g grant, all []Reservation, err error) {
	for {
		if n, err = l.openLane(n.key, n); err != nil {
			return grant{}, nil, err
		}
		g, all, err = n.join(ctx, w)
		if err != errGivenUp { //nolint:errorlint // never wrapped
			return g, all, err
		}
	}
}

// pretend lets a call start at once, and has a lane say what would have become of it.
func (l *Limiter) pretend(n *lane, w want) (grant, []Reservation, error) {
	for {
		if g, all, ok := n.pretend(w); ok {
			return g, all, nil
		}
		var err error
		if n, err = l.openLane(n.key, n); err != nil {
			return grant{}, nil, err
		}
	}
}
