package paper

import (
	"math"
	"time"
)

// none is the time of an event that never happens.
const none = time.Duration(math.MaxInt64)

// event is an action at a time. Events of one time happen in the order in which they were planned.
type event struct {
	at     time.Duration
	number int64
	do     func(now time.Duration)
}

func (e *event) before(o *event) bool { return e.at < o.at || e.at == o.at && e.number < o.number }

// events is a heap of the events to come.
type events struct {
	heap   []event
	number int64
}

func (e *events) plan(at time.Duration, do func(now time.Duration)) {
	e.number++
	e.heap = append(e.heap, event{at, e.number, do})
	for i := len(e.heap) - 1; i > 0; {
		parent := (i - 1) / 2
		if !e.heap[i].before(&e.heap[parent]) {
			break
		}
		e.heap[i], e.heap[parent] = e.heap[parent], e.heap[i]
		i = parent
	}
}

// next removes the earliest event and returns it.
func (e *events) next() event {
	first, last := e.heap[0], len(e.heap)-1
	e.heap[0], e.heap[last] = e.heap[last], event{}
	e.heap = e.heap[:last]
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if e.heap[child].before(&e.heap[least]) {
				least = child
			}
		}
		if least == i {
			return first
		}
		e.heap[i], e.heap[least] = e.heap[least], e.heap[i]
		i = least
	}
}
