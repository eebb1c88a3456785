package orchestrator

// list is tasks in a row. The links are in the tasks, so that it costs nothing beside them: a task is in one list at a
// time.
type list struct {
	first, last *task
	len         int
}

func (l *list) push(t *task) { l.insert(t, nil) }

// insert puts a task before another, at the end if that is nil.
func (l *list) insert(t, before *task) {
	t.next = before
	if before == nil {
		t.prev, l.last = l.last, t
	} else {
		t.prev, before.prev = before.prev, t
	}
	if t.prev == nil {
		l.first = t
	} else {
		t.prev.next = t
	}
	l.len++
}

func (l *list) remove(t *task) {
	if t.prev == nil {
		l.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		l.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next = nil, nil
	l.len--
}

// pop takes the first task, nil if there is none.
func (l *list) pop() *task {
	t := l.first
	if t != nil {
		l.remove(t)
	}
	return t
}
