package core

// answer processes an answer of the limiter. It may have more reservations than there are tasks left.
func (n *Lane) answer(a *Answer, now Time) {
	c, missing := n.core, n.asked-len(a.Grants)
	n.asking, n.asked = false, 0
	c.asking--
	c.taken -= missing
	const fade, of = 7, 8
	n.trip = max(now-n.askedAt, n.trip*fade/of)
	n.gathers = missing == 0 && a.Err == nil && n.turns == 0
	n.hold(a.Grants)
	if len(a.Grants) > 0 {
		n.turns = 0
	}
	switch kind := kindOf(n.hurried); {
	case a.Err != nil && a.Fatal:
		n.fail(a.Err)
	case a.Err != nil:
		// Tasks that have time left keep waiting, and the lane asks again. Spread keeps replicas from asking all at
		// once.
		n.pause = min(lastTry, max(firstTry, 2*n.pause))
		at := now + n.pause*3/4 + Time(float64(n.pause/2)*a.Spread)
		n.again = [2]Time{at, at}
	case len(a.Grants) == 0:
		n.turns++
		n.again[kind] = min(max(a.Again, now+soonest), now+recheck)
	}
	if a.Err == nil {
		n.pause = 0
		n.hear(a, now)
	}
	if n.shut > now {
		n.giveAllBack()
	}
	clear(n.wanted)
	n.wanted = n.wanted[:0]
	n.start(now)
	n.putBack()
	n.change()
}

// putBack returns the tasks in front that got no reservation to the queue, because others may be first when the lane
// asks again.
func (n *Lane) putBack() {
	reserved := n.cover()
	for t := n.front.first; t != nil; {
		next := t.inLane.next
		if !reserved.takes(t) {
			n.front.remove(t)
			n.inFront[t.Rank]--
			t.flow.front -= t.Cost.Tokens
			n.queue.putBack(t)
		}
		t = next
	}
}

func kindOf(hurried bool) int {
	if hurried {
		return 1
	}
	return 0
}

// fail ends the tasks of the request, unless they have left.
func (n *Lane) fail(err error) {
	for _, t := range n.wanted {
		if t.state == asked {
			n.core.leave(t, err)
		}
	}
}

// pass ends the lane's waits whose time has come.
func (n *Lane) pass(now Time) {
	for i, until := range n.again {
		if until <= now {
			n.again[i] = 0
		}
	}
	if n.shut <= now {
		n.shut, n.reason = 0, ""
	}
	if n.shut == 0 {
		n.start(now)
	}
	n.change()
}

// shutUntil stops the lane from starting tasks until a time. The lane returns its reservations, because they are due
// earlier.
func (n *Lane) shutUntil(until Time, reason string, now Time) {
	n.shut, n.reason = until, reason
	n.giveAllBack()
	for t := n.line.deadlines.first(); t != nil && t.Deadline < until; t = n.line.deadlines.first() {
		n.tooLate(t, until)
	}
	if until <= now {
		n.shut, n.reason = 0, ""
	}
	n.change()
}
