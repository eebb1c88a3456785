package lane

import (
	"sync"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// Mode defines when a caller takes its reservation.
type Mode int

// The modes.
const (
	WhenDue Mode = iota // waits until the reservation is due
	Ahead               // waits until there is one, and takes it before it is due
	AtOnce              // takes one that is due when the reply comes, or none
	Come                // takes what is available ahead of its due time, or none, and comes back
)

// Ask is the request of one caller.
type Ask struct {
	Mode     Mode
	Cost     Cost      // of each call
	N        int       // calls: 1, or more of a scheduler, which takes fewer if there are fewer
	Since    time.Time // when the caller came
	Tell     bool      // the caller wants to know what each limit has left
	Deadline time.Time // after which a reservation is of no use; zero for none
}

// plain reports whether an ask is a wait for one token, as most are.
func (a *Ask) plain() bool { return a.Cost == one && a.Mode == WhenDue }

// prompt reports whether the caller wants the next reply in any case.
func (a *Ask) prompt() bool { return a.Mode == AtOnce || a.Mode == Come }

// judged reports whether the store is to decide at once whether the caller can be served in time.
func (a *Ask) judged() bool { return a.Mode == AtOnce || !a.Deadline.IsZero() }

// hurried reports whether the caller wants to know as soon as possible when it may start.
func (a *Ask) hurried() bool { return a.Mode != WhenDue || !a.Deadline.IsZero() }

// state is the progress of a caller.
type state int

const (
	waiting state = iota
	covered       // a reservation of the pool is promised to it
	ended         // has what it gets, or an error
)

// waiter is a caller in a lane. The lane's lock guards all fields except the ask until ready has its value.
type waiter struct {
	Ask

	ready      chan struct{} // gets a value when the caller has ended; it is buffered
	prev, next *waiter
	state      state
	came       time.Time      // when it entered the queue
	unsent     bool           // to be judged, and no request has been made since it came
	inRequest  int            // calls that the request in flight asks for
	asked      int            // replies that it has waited for
	verdict    bucket.Verdict // of the reply that is being processed
	got        int
	one        Grant // the first grant that it got
	to         Taker // takes what a scheduler gets, under the lock
	err        error
	readyIn    time.Duration // from that request until it could start
	left       []int64       // tokens that each limit has left, by the reply
	bound      int           // the limit that sets when it could be served, -1 for none
	at         time.Time     // if it was not served: when it could be, or when to come back
	turn       Turn          // of a scheduler that was not served
	reuse      bool          // no request refers to it
}

// waiters are the callers of one limiter, for reuse. They are not global, because a channel made in a testing/synctest
// bubble must not leave it.
type waiters struct{ pool sync.Pool }

func (p *waiters) get(a Ask) *waiter {
	w, ok := p.pool.Get().(*waiter)
	if !ok {
		w = &waiter{ready: make(chan struct{}, 1)}
	}
	w.Ask, w.bound = a, -1
	return w
}

// put takes back a waiter that has ended, unless the request in flight refers to it.
func (p *waiters) put(w *waiter) {
	if w.reuse {
		*w = waiter{ready: w.ready}
		p.pool.Put(w)
	}
}

// queue holds waiters, the oldest first. The links are in the waiters.
type queue struct {
	first, last *waiter
	len         int
	odd         int // number of waiters that are not plain
	hurried     int
	prompt      int
	unsent      int // number of waiters that are to be judged and have come since the last request was made
}

func (q *queue) push(w *waiter) {
	after := q.last
	for after != nil && after.Since.After(w.Since) {
		after = after.prev
	}
	w.prev = after
	if after == nil {
		w.next, q.first = q.first, w
	} else {
		w.next, after.next = after.next, w
	}
	if w.next == nil {
		q.last = w
	} else {
		w.next.prev = w
	}
	q.count(w, 1)
	if w.unsent = w.judged(); w.unsent {
		q.unsent++
	}
}

func (q *queue) remove(w *waiter) {
	if w.prev == nil {
		q.first = w.next
	} else {
		w.prev.next = w.next
	}
	if w.next == nil {
		q.last = w.prev
	} else {
		w.next.prev = w.prev
	}
	w.prev, w.next = nil, nil
	q.count(w, -1)
	if w.unsent {
		w.unsent = false
		q.unsent--
	}
}

// clearUnsent notes that some callers need not ask the store.
func (q *queue) clearUnsent(some func(*waiter) bool) {
	for w := q.first; w != nil && q.unsent > 0; w = w.next {
		if w.unsent && some(w) {
			w.unsent = false
			q.unsent--
		}
	}
}

func (q *queue) count(w *waiter, by int) {
	q.len += by
	if !w.plain() {
		q.odd += by
	}
	if w.hurried() {
		q.hurried += by
	}
	if w.prompt() {
		q.prompt += by
	}
}

// turn changes the mode of a waiter.
func (q *queue) turn(w *waiter, m Mode) {
	q.count(w, -1)
	w.Mode = m
	q.count(w, 1)
}

// wants reports whether a caller waits that could use a reservation of a cost, or a part of it.
func (q *queue) wants(cost Cost) bool {
	if q.odd == 0 {
		return q.len > 0
	}
	for w := q.first; w != nil; w = w.next {
		if cost.serves(w.Cost) {
			return true
		}
	}
	return false
}
