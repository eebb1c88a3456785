package adapt_test

import "container/heap"

// events holds the events to come, in the order of time. Events of the same time happen in the order in which they were
// added.
type events struct {
	now    int64 // µs
	serial int64
	queue  queue
}

type happening struct {
	at, serial int64
	what       func()
}

func (e *events) at(t int64, what func()) {
	e.serial++
	heap.Push(&e.queue, happening{t, e.serial, what})
}

// play runs all events that are due before until.
func (e *events) play(until int64) {
	for len(e.queue) > 0 && e.queue[0].at < until {
		next := heap.Pop(&e.queue).(happening)
		e.now = next.at
		next.what()
	}
}

type queue []happening

func (q queue) Len() int { return len(q) }
func (q queue) Less(i, j int) bool {
	return q[i].at < q[j].at || q[i].at == q[j].at && q[i].serial < q[j].serial
}
func (q queue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)   { *q = append(*q, x.(happening)) }
func (q *queue) Pop() any {
	last := len(*q) - 1
	h := (*q)[last]
	*q = (*q)[:last]
	return h
}
