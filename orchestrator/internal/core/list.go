package core

// listed is the links of a value in a list.
type listed struct{ prev, next *Task }

// list is a linked list of tasks. The links are in the tasks, so the list needs no other memory.
type list struct {
	first, last *Task
	len         int
}

func (l *list) push(t *Task) { l.insert(t, nil) }

// insert puts a task before another, or at the end.
func (l *list) insert(t, before *Task) {
	t.inLane = listed{prev: l.last, next: before}
	if before != nil {
		t.inLane.prev = before.inLane.prev
		before.inLane.prev = t
	} else {
		l.last = t
	}
	if t.inLane.prev == nil {
		l.first = t
	} else {
		t.inLane.prev.inLane.next = t
	}
	l.len++
}

func (l *list) remove(t *Task) {
	at := t.inLane
	if at.prev == nil {
		l.first = at.next
	} else {
		at.prev.inLane.next = at.next
	}
	if at.next == nil {
		l.last = at.prev
	} else {
		at.next.inLane.prev = at.prev
	}
	t.inLane = listed{}
	l.len--
}

// Group is a number of tasks that may leave together. The caller makes a group for one call of [Core.Arrive]. Groups
// with the same reason to leave have the same key.
type Group struct {
	Key   any
	Of    any // a value for the caller
	first *Task
}

func (g *Group) add(t *Task) {
	t.group, t.inAll = g, listed{next: g.first}
	if g.first != nil {
		g.first.inAll.prev = t
	}
	g.first = t
}

func (g *Group) remove(t *Task) {
	at := t.inAll
	if at.prev == nil {
		g.first = at.next
	} else {
		at.prev.inAll.next = at.next
	}
	if at.next != nil {
		at.next.inAll.prev = at.prev
	}
	t.group, t.inAll = nil, listed{}
}
