package orchestrator

// queue is first in, first out, with removal from the middle. The links are in the tasks, so that a queued task costs
// nothing beside itself.
type queue struct {
	first, last *task
	len         int
}

func (q *queue) push(t *task) {
	t.prev, t.queued = q.last, true
	if q.last == nil {
		q.first = t
	} else {
		q.last.next = t
	}
	q.last = t
	q.len++
}

func (q *queue) remove(t *task) {
	if t.prev == nil {
		q.first = t.next
	} else {
		t.prev.next = t.next
	}
	if t.next == nil {
		q.last = t.prev
	} else {
		t.next.prev = t.prev
	}
	t.prev, t.next, t.queued = nil, nil, false
	q.len--
}

// pop takes the first task, nil if there is none.
func (q *queue) pop() *task {
	t := q.first
	if t != nil {
		q.remove(t)
	}
	return t
}
