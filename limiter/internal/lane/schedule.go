package lane

import "time"

// requestAt returns when to make the next request; zero for none.
func (n *Lane) requestAt(now time.Time, missing bool) time.Time {
	return sooner(n.askAt(now, missing), n.reportAt(now))
}

// askAt returns when to make the next request for waiting callers, for reservations to return, and for the place in
// line; zero for none.
func (n *Lane) askAt(now time.Time, missing bool) time.Time {
	p := &n.place
	backs := n.returnableLocked(now, nil) > 0
	switch {
	case n.closed == ErrRetired || !backs && !missing && (!p.inLine || p.kept && n.closed == nil): //nolint:errorlint // never wrapped
		return time.Time{}
	case n.closed != nil:
	case n.retry.at.After(now) && n.queue.prompt == 0:
		return n.retry.at
	case backs:
	case missing && p.again.After(now) && n.queue.unsent == 0 && (!p.inLine || n.queue.len-p.sent < max(fewNew, p.sent)):
		n.turnAwayLocked()
		return p.again
	case missing:
		return n.gatherUntil(now)
	}
	return now
}

// gatherUntil returns until when callers that only wait may gather: just before the token behind the last of the
// reservations that others of the lane wait for can come, by the time that a request takes. An earlier request could
// not bring an earlier token, and by then the served callers are back. If there is a line, it is better to join it.
func (n *Lane) gatherUntil(now time.Time) time.Time {
	last := len(n.pool.grants) - 1
	if last < 0 || n.queue.hurried > 0 || n.place.inLine {
		return now
	}
	return later(now, n.pool.grants[last].Due.Add(n.route.Load().interval-time.Millisecond-2*n.trip))
}

// wakeAt returns the time of the next event: a reservation comes due, a request is to be made, or a reply is overdue.
func (n *Lane) wakeAt(now, request time.Time) time.Time {
	next := request
	if n.queue.len > 0 {
		next = sooner(next, n.pool.after(now))
	}
	if n.asking && n.queue.prompt > 0 {
		next = sooner(next, n.promptSince.Add(n.shared.Timeout))
	}
	return next
}

// sooner returns the earlier of two times; zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later returns the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
