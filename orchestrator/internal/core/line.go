package core

// line is what a lane knows of its place in the fleet's line, to tell tasks that they cannot start before their deadlines.
type line struct {
	heard     Time // when the limiter last answered with this; 0 if no task waits for a token
	last      Time // when the last of the tokens asked for can be used
	every     Time // how long each further token takes
	asked     int64
	deadlines heap[Task] // tasks that wait, by deadline
	unjudged  []*Task    // those of which the line has not been heard since they came
}

func newLine() line {
	return line{deadlines: heap[Task]{
		place:  func(t *Task) *int32 { return &t.inDeadlines },
		before: func(a, b *Task) bool { return a.Deadline < b.Deadline },
	}}
}

// hear notes what an answer says of the line.
func (n *Lane) hear(a *Answer, now Time) {
	l := &n.line
	if a.Last == 0 || n.named > 0 { // which bucket will be short, and in what unit, is not known
		l.heard = 0
		return
	}
	l.heard, l.last, l.every, l.asked = now, a.Last, a.Every, 0
	for _, r := range n.runs {
		l.asked += int64(r.N) * r.Cost.Tokens
	}
	for _, g := range a.Grants {
		l.asked -= g.Cost.Tokens
	}
	if len(n.held) == 0 { // else the first tasks have a reservation
		for t := l.deadlines.first(); t != nil && t.Deadline < l.start(t.Cost.Tokens); t = l.deadlines.first() {
			n.tooLate(t, l.start(t.Cost.Tokens))
		}
	}
	if n.hurried { // urgent tasks pass others
		return
	}
	for _, t := range l.unjudged {
		if t.lane == n && t.state == waiting {
			n.judge(t)
		}
	}
	clear(l.unjudged)
	l.unjudged = l.unjudged[:0]
}

// judgeLater has the lane ask again when it has used its last reservation, if tasks cannot start before their deadlines by what it
// has heard. While it held some, the first tasks could have had one, and were not judged.
func (n *Lane) judgeLater() {
	if len(n.held) > 0 || n.line.heard == 0 || n.pause > 0 {
		return
	}
	if t := n.line.deadlines.first(); t != nil && t.Deadline < n.line.start(t.Cost.Tokens) {
		n.again = [2]Time{}
	}
}

// start is when as many tokens can be used, those that were asked for included: at the earliest.
func (l *line) start(tokens int64) Time { return l.last + Time(tokens-l.asked)*l.every }

// judge ends a task in the queue that cannot start before its deadline, behind those of its share that came before it. The
// turns of other shares only make it later.
func (n *Lane) judge(t *Task) {
	ahead := int64(0)
	if !t.is(again) { // else it is before those that came to its share while it was not there
		ahead = t.ahead - t.flow.went + t.flow.front
		for _, g := range n.held {
			ahead -= g.Cost.Tokens
		}
	}
	if ready := n.line.start(ahead + t.Cost.Tokens); t.Deadline < ready {
		n.tooLate(t, ready)
	}
}

// judgeOnArrival ends a task at once that cannot start before its deadline, as far as the lane has just heard. If what it has
// heard is older, it asks again.
func (n *Lane) judgeOnArrival(t *Task, now Time) {
	l := &n.line
	switch {
	case n.shut > t.Deadline:
		n.tooLate(t, n.shut)
	case n.named == 0 && l.heard > 0 && now-l.heard <= together:
		n.judge(t)
	default:
		if len(l.unjudged) > 2*n.total() {
			kept := l.unjudged[:0]
			for _, u := range l.unjudged {
				if u.lane == n && u.state == waiting {
					kept = append(kept, u)
				}
			}
			clear(l.unjudged[len(kept):])
			l.unjudged = kept
		}
		l.unjudged = append(l.unjudged, t)
		if l.heard > 0 && !n.asking && n.pause == 0 {
			n.again[0] = 0
		}
	}
}

func (n *Lane) tooLate(t *Task, ready Time) {
	n.core.leave(t, &LateError{Ready: max(0, ready-t.since)})
}
