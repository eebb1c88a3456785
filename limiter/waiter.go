package limiter

import (
	"errors"
	"sync"
	"time"

	"github.com/weir-go/weir/limiter/internal/bucket"
)

// want is what a caller asks of a lane.
type want struct {
	cost     int64
	units    int       // how many reservations it takes, at most
	ahead    bool      // takes them before they are due
	atOnce   bool      // takes one that is due when the reply comes, or none
	once     bool      // asks once, and comes back by itself
	shadow   bool      // does not wait at all: what becomes of it is only noted
	deadline time.Time // zero for none
	arrived  time.Time // zero where nobody wants to know
}

// plain reports whether it is a wait for one token, as most are.
func (w *want) plain() bool { return w.cost == 1 && !w.ahead && !w.atOnce }

// hurried reports whether it wants to know as soon as possible when it may start.
func (w *want) hurried() bool { return w.ahead || w.atOnce || !w.deadline.IsZero() }

// waiter is a caller in a lane.
type waiter struct {
	want

	ready chan bool // gets true when done is set, and false before that when a deaf caller is told to listen to its context

	// guarded by the lane's mu until ready has its word
	prev, next *waiter
	done       bool
	deaf       bool           // does not listen to its context: to do so costs as much as a call takes
	covered    bool           // a reservation of the pool will be its
	aboard     int            // units that the call under way asks for
	gone       bool           // left while it was aboard: whoever lands the call recycles it
	shared     bool           // served while it was aboard: nobody recycles it
	asked      int            // calls to the store that it was part of
	verdict    bucket.Verdict // of the call that has just landed
	readyIn    int64          // µs from that call, where refused
	got        int
	one        grant         // the first it got
	all        []Reservation // what a scheduler got
	err        error
}

// waiters are the callers of one limiter, to be used again: a channel made in a testing/synctest bubble must not get out.
type waiters struct{ pool sync.Pool }

func (p *waiters) new(want want) *waiter {
	w, ok := p.pool.Get().(*waiter)
	if !ok {
		w = &waiter{ready: make(chan bool, 2)}
	}
	w.want = want
	return w
}

// recycle takes back a waiter that nobody refers to any more.
func (p *waiters) recycle(w *waiter) {
	*w = waiter{ready: w.ready}
	p.pool.Put(w)
}

// errRefused ends the wait of one who would not wait.
var errRefused = errors.New("limiter: not now")

// laterError ends the wait of one who asks once and stands in line now.
type laterError struct{ again time.Time }

func (e *laterError) Error() string { return "limiter: not yet" }

// queue holds waiters in order of arrival. The links are in the waiters.
type queue struct {
	first, last *waiter
	len         int
	odd         int // those that are not plain
	hurried     int
}

func (q *queue) push(w *waiter) {
	w.prev = q.last
	if q.last == nil {
		q.first = w
	} else {
		q.last.next = w
	}
	q.last = w
	q.count(w, 1)
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
}

func (q *queue) count(w *waiter, by int) {
	q.len += by
	if !w.plain() {
		q.odd += by
	}
	if w.hurried() {
		q.hurried += by
	}
}

// wants reports whether somebody waits for a reservation of a cost.
func (q *queue) wants(cost int64) bool {
	if q.odd == 0 {
		return cost == 1 && q.len > 0
	}
	for w := q.first; w != nil; w = w.next {
		if w.cost == cost {
			return true
		}
	}
	return false
}
