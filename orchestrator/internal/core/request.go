package core

// wants reports whether the lane should ask now, and whether only for its urgent tasks.
func (n *Lane) wants(now Time) (hurried, ok bool) {
	if n.asking || n.uncovered() <= 0 || n.holds() >= n.most || n.shut > now || n.core.stage >= Refusing {
		return false, false
	}
	if n.again[1] == 0 && n.uncoveredUrgent() > 0 {
		return true, true
	}
	return false, n.again[0] == 0 && n.gathersUntil(now) == 0
}

// uncoveredUrgent returns how many urgent tasks have neither a reservation nor a request for one. Reservations go to
// urgent tasks first.
func (n *Lane) uncoveredUrgent() int {
	urgent := n.queue.classes[Urgent].len + n.inFront[Urgent]
	if urgent == 0 {
		return 0
	}
	if n.alike() || n.asked > 0 {
		return min(n.uncovered(), urgent-n.asked-len(n.held))
	}
	reserved, uncovered := n.cover(), 0
	for t := n.front.first; t != nil; t = t.inLane.next {
		if t.Rank == Urgent && !reserved.takes(t) {
			uncovered++
		}
	}
	if next := n.queue.firstOf(Urgent); next != nil {
		queued := n.queue.classes[Urgent].len - len(reserved.left)
		if !reserved.has(next.Cost) {
			queued = max(1, queued)
		}
		uncovered += max(0, queued)
	}
	return uncovered
}

// gathersUntil returns until when the lane should delay its next request, 0 for not at all. New reservations are due
// after those already held, so asking just before the last of them is due loses nothing, and one request then covers
// every task and slot free by that time. If there is a line, the lane should ask at once to get its place.
func (n *Lane) gathersUntil(now Time) Time {
	if !n.gathers || len(n.held) == 0 {
		return 0
	}
	if until := n.held[len(n.held)-1].Due - lateness - 2*n.trip; until > now {
		return until
	}
	return 0
}

// firstVirtual returns the virtual time of the first task of the lane.
func (n *Lane) firstVirtual() Time {
	at := never
	if n.front.len > 0 {
		for _, t := range n.firstInFront(one, true) {
			if t != nil {
				at = min(at, t.virtual(n.core.cfg.Ageing))
			}
		}
	}
	if t := n.queue.first(n.core.cfg.Ageing); t != nil {
		at = min(at, t.virtual(n.core.cfg.Ageing))
	}
	return at
}

// request takes the tasks for which the lane asks next out of the queue, up to a number, and returns them as runs of
// equal tasks. Tasks in front without a reservation come first.
func (n *Lane) request(most int, hurried bool, now Time) {
	n.runs = n.runs[:0]
	reserved := n.cover()
	take := func(t *Task) {
		if reserved.takes(t) {
			return
		}
		most--
		n.asked++
		n.wanted = append(n.wanted, t)
		n.add(t, hurried, now)
	}
	for _, urgent := range [...]bool{true, false} { // held reservations go to urgent tasks first
		for t := n.front.first; t != nil && most > 0; t = t.inLane.next {
			if (t.Rank == Urgent) == urgent && (urgent || !hurried) {
				take(t)
			}
		}
	}
	for most > 0 {
		t := n.queue.first(n.core.cfg.Ageing)
		if hurried {
			t = n.queue.firstOf(Urgent)
		}
		if t == nil {
			break
		}
		var before *Task // a task that came back, or came late, goes before younger tasks of its share
		for u := n.front.last; u != nil && t.flow.front > 0 && (u.flow != t.flow || t.older(u)); u = u.inLane.prev {
			if u.flow == t.flow {
				before = u
			}
		}
		n.queue.take(t)
		n.front.insert(t, before)
		t.state = asked
		t.flow.front += t.Cost.Tokens
		n.inFront[t.Rank]++
		take(t)
	}
	// The limiter serves older calls first. Here classes and turns decide. A task that is before an older task takes
	// the older task's place in the fleet's line.
	for i := len(n.runs) - 2; i >= 0; i-- {
		n.runs[i].Since = min(n.runs[i].Since, n.runs[i+1].Since)
	}
}

// add adds a task to the runs of a request. Tasks whose ages differ by at most a quarter, or by a quarter of a second,
// count as the same age.
func (n *Lane) add(t *Task, hurried bool, now Time) {
	since := n.fleetAge(t.since)
	if i := len(n.runs) - 1; i >= 0 && n.runs[i].Cost == t.Cost {
		r := &n.runs[i]
		if older, younger := min(r.Since, since), max(r.Since, since); younger-older <= max(together, (now-older)/4)/2 {
			r.N++
			r.Since = older
			return
		}
	}
	n.runs = append(n.runs, Run{N: 1, Cost: t.Cost, Since: since, Urgent: hurried})
}

// fleetAge returns the arrival of a task for the fleet, which serves older calls first: half way between its arrival
// and the time since when its lane has been asking. So an old task comes before young tasks of other replicas, and
// replicas with equal work take turns. By arrival alone, a replica whose thousand tasks came a moment earlier would be
// served before all others.
func (n *Lane) fleetAge(since Time) Time { return since + (n.since-since)/2 }
