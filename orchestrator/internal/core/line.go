package core

// line is what a lane knows about its place in the fleet's line. It serves to end tasks early that cannot start before
// their deadlines.
type line struct {
	heard     Time // when the limiter last answered with these times; 0 if no task waits for a token
	last      Time // when the last of the tokens asked for can be used
	every     Time // how long each further token takes
	asked     int64
	deadlines heap[Task] // tasks that wait, by deadline
	unjudged  []*Task    // tasks that came after the last such answer
}

func newLine() line {
	return line{deadlines: heap[Task]{
		place:  func(t *Task) *int32 { return &t.inDeadlines },
		before: func(a, b *Task) bool { return a.Deadline < b.Deadline },
	}}
}

// hear records the times of the line in an answer.
func (n *Lane) hear(a *Answer, now Time) {
	l := &n.line
	if a.Last == 0 || n.named > 0 { // the bucket that will be short, and its unit, are unknown
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
	if n.hurried { // urgent tasks pass other tasks
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

// judgeLater makes the lane ask again after its last reservation is used, if tasks cannot start before their deadlines
// by the last answer. While the lane had reservations the first tasks could have used one, so they were not judged.
func (n *Lane) judgeLater() {
	if len(n.held) > 0 || n.line.heard == 0 || n.pause > 0 {
		return
	}
	if t := n.line.deadlines.first(); t != nil && t.Deadline < n.line.start(t.Cost.Tokens) {
		n.again = [2]Time{}
	}
}

// start returns the earliest time at which that many tokens can be used, including the tokens asked for.
func (l *line) start(tokens int64) Time { return l.last + Time(tokens-l.asked)*l.every }

// judge ends a queued task that cannot start before its deadline, because of the earlier tasks of its share. The turns
// of other shares would only make it later.
func (n *Lane) judge(t *Task) {
	ahead := int64(0)
	if !t.is(again) { // a task that came back is before later tasks of its share
		ahead = t.ahead - t.flow.went + t.flow.front
		for _, g := range n.held {
			ahead -= g.Cost.Tokens
		}
	}
	if ready := n.line.start(ahead + t.Cost.Tokens); t.Deadline < ready {
		n.tooLate(t, ready)
	}
}

// judgeOnArrival ends a task at once if by a recent answer it cannot start before its deadline. If the answer is older,
// the lane asks again.
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
