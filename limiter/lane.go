package limiter

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lane is the way of one route to the store, for urgent or for ordinary callers. One call of it is under way at a time;
// callers that arrive meanwhile share the next one (flat combining): no timer, no added delay when idle.
//
// Reservations belong to the lane until they are due: then whoever waits first takes one, so that a caller that gives
// up wastes nothing. A lane that could not be served whole stands in line, and asks again when the store says so.
// Who only waits while others of the lane wait for what is reserved to them is asked for just before the last of those
// is due: sooner would change nothing, for the line is behind them.
type lane struct {
	l      *Limiter // fixed, like the four below
	key    laneKey
	id     string // in the store
	line   line
	labels *labels

	route atomic.Pointer[route] // changed under mu, like crowd
	crowd atomic.Bool           // more than one caller waited when the last call was made

	mu        sync.Mutex
	queue     queue         // callers, in order of arrival
	pool      pool          // reservations that are nobody's yet
	flying    bool          // a call is under way
	lined     bool          // the lane has a place in line
	kept      bool          // a scheduler comes back for it, though nobody waits
	comeBack  time.Time     // when to ask again; zero for none
	tail      time.Time     // when the last of those that wait is expected to start, by the last reply
	announced int           // callers of which the store has heard
	every     time.Duration // the time of one token, by the limit that binds
	healthy   bool          // the last call took no longer than calls should
	offered   bool          // a caller would make the call itself, if one is due
	piloted   bool          // and one was
	alarm     alarm         // for the next due time, or for coming back
	closed    error         // what ended it
	used      bool          // since somebody last looked whether it is idle
	since     time.Time     // when it was last found in use
	ended     []*waiter     // those to be told when mu is free
	spare     []*waiter     // what held them before
	watch     *time.Timer   // tells the deaf to listen when a call takes long
	trip      time.Duration

	// of the call under way
	call  call
	whose []*waiter
}

const (
	// quick is how long a call to the store takes at most where all is well.
	quick = 10 * time.Millisecond
	// maxAsks bounds one call: what one run of the script may have to work through.
	maxAsks = 256
	// maxRuns bounds the runs of equal asks of one call: the script looks at each for itself.
	maxRuns = 64
	// maxBacks bounds the reservations that one call gives back.
	maxBacks = 100
	// fewNew is how many callers may come to a lane in line before it asks again.
	fewNew = 4
	// soonest is the least time between a reply and asking again.
	soonest = time.Millisecond
	// recheck is how long a lane in line sleeps at most: so it hears of pauses, of new rates, and of callers that left.
	recheck = 5 * time.Second
	// jitter spreads those who come back at the same time. Due times are spread by construction.
	jitter = 5 * time.Millisecond
	// worthwhile is how far ahead a reservation must be due to be given back. Until slack after it is due, it serves who comes here.
	worthwhile = 10 * time.Millisecond
)

func newLane(l *Limiter, key laneKey) *lane {
	n := &lane{l: l, key: key, id: key.route, labels: newLabels(key.route), used: true}
	if key.urgent {
		n.id += "{urgent}" // a brace is in no name
	}
	n.line = l.store.line(n.id)
	n.alarm.ring = n.ring
	return n
}

// join waits in the lane until the caller has at least one reservation, or an error.
func (n *lane) join(ctx context.Context, want want) (g grant, all []Reservation, err error) {
	if ctx.Err() != nil {
		return grant{}, nil, context.Cause(ctx)
	}
	w := n.l.waiters.new(want)
	n.mu.Lock()
	err = n.closed
	if burst, bucket := n.burst(); err == nil && want.cost > burst {
		err = &ExceedsBurstError{Route: n.route.Load().name, Bucket: bucket, Cost: want.cost, Burst: burst}
	}
	if err != nil {
		n.unlock()
		n.l.waiters.recycle(w)
		return grant{}, nil, err
	}
	n.used = true
	w.deaf = want.atOnce && n.healthy
	deaf := w.deaf
	n.queue.push(w)
	if !n.flying || len(n.pool.grants) > 0 { // else the reply will see to it
		// A client does not notice the end of a context while it reads. Who has a deadline makes no call itself, nor does
		// anybody after one that was slow: then it could be long.
		n.offered = n.healthy && want.deadline.IsZero()
		n.moveLocked(time.Now())
		n.offered = false
	}
	pilot := n.piloted
	n.piloted = false
	n.unlock()
	if pilot {
		n.fly()
	}
	if !deaf || !<-w.ready { // deaf to its context until it is told to listen
		select {
		case <-w.ready:
		case <-ctx.Done():
			n.leave(w)
			return grant{}, nil, context.Cause(ctx)
		}
	}
	g, all, err = w.one, w.all, w.err
	if !w.shared {
		n.l.waiters.recycle(w)
	}
	return g, all, err
}

// listen tells all who are deaf that the call they wait for takes long.
func (n *lane) listen() {
	n.mu.Lock()
	defer n.unlock()
	n.healthy = false
	for w := n.queue.first; w != nil; w = w.next {
		if w.deaf {
			w.deaf = false
			w.ready <- false // under mu, before it can be anybody else's; there is room
		}
	}
}

// leave takes out a caller whose context has ended. What it was given in the same moment goes to the next.
func (n *lane) leave(w *waiter) {
	n.mu.Lock()
	if w.done {
		<-w.ready
		if w.err == nil {
			if !w.once {
				n.pool.add(w.one)
			}
			for i := range w.all {
				n.pool.add(w.all[i].grant)
			}
		}
	} else {
		n.queue.remove(w)
	}
	w.gone = w.aboard > 0 // then the call under way refers to it
	gone := w.gone
	n.moveLocked(time.Now())
	n.unlock()
	if !gone {
		n.l.waiters.recycle(w)
	}
}

// unlock ends what was done under mu: it wakes those who are to be woken, and notes the fate of shadows, when others can
// go on already.
func (n *lane) unlock() {
	ended := n.ended
	n.ended = nil
	if len(ended) > 0 && n.spare != nil {
		n.ended, n.spare = n.spare[:0], nil
	}
	n.mu.Unlock()
	if len(ended) == 0 {
		return
	}
	for _, w := range ended {
		if w.shadow {
			n.l.says.pretended(n.l.life, n, w)
			n.l.waiters.recycle(w)
		} else {
			w.ready <- true // its last use here: the caller may put it to another at once
		}
	}
	clear(ended)
	n.mu.Lock()
	n.spare = ended
	n.mu.Unlock()
}

// moveLocked does what can be done now: hands out what is due or wanted ahead, asks for what is missing, gives back what
// nobody waits for, and sets the alarm for what comes next.
func (n *lane) moveLocked(now time.Time) {
	n.pool.dropLate(now, n.l.s.Slack)
	missing := n.matchLocked(now)
	if n.closed != nil {
		n.alarm.stop()
		if n.closed != errGivenUp && !n.flying && (n.lined || n.backsLocked(now, nil) > 0) { //nolint:errorlint // never wrapped
			n.takeOffLocked(now)
		}
		return
	}
	var next time.Time
	if n.queue.len > 0 {
		next = n.pool.after(now)
	}
	switch {
	case n.flying:
	case n.backsLocked(now, nil) > 0:
		if n.takeOffLocked(now) {
			return
		}
	case missing && n.comeBack.After(now) && (!n.lined || n.queue.len-n.announced < max(fewNew, n.announced)):
		n.turnAwayLocked()
		next = sooner(next, n.comeBack)
	case missing:
		if hold := n.gatherLocked(); hold.After(now) {
			next = sooner(next, hold)
		} else if n.takeOffLocked(now) {
			return
		}
	case n.lined && !n.kept: // nobody waits for the place in line
		if n.takeOffLocked(now) {
			return
		}
	}
	if next.IsZero() {
		n.alarm.stop()
	} else {
		n.alarm.set(next, now)
	}
}

// sooner is the earlier of two times of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// gatherLocked returns until when those who only wait may gather: until the token behind the last of the reservations
// that others of the lane wait for can come, less the time that a call takes. Sooner would bring nothing sooner, and by
// then those who were served are back. Where there is a line it is better to stand in it.
func (n *lane) gatherLocked() time.Time {
	last := len(n.pool.grants) - 1
	if last < 0 || n.queue.hurried > 0 || n.lined {
		return time.Time{}
	}
	return n.pool.grants[last].due.Add(n.route.Load().interval() - time.Millisecond - 2*n.trip)
}

// endLocked takes a caller out of the lane, with what it got or with an error.
func (n *lane) endLocked(w *waiter, err error) {
	n.queue.remove(w)
	w.done, w.err = true, err
	w.shared = w.aboard > 0
	if w.shadow && w.aboard > 0 {
		w.gone = true // the call under way refers to it
	} else {
		n.ended = append(n.ended, w)
	}
}

func (n *lane) ring() {
	n.mu.Lock()
	at, exact := n.alarm.at, n.alarm.exact()
	n.unlock()
	moves := !exact || n.l.naps.settle(at)
	n.mu.Lock()
	n.alarm.plain = n.alarm.plain || !moves
	n.alarm.last, n.alarm.at = n.alarm.at, time.Time{}
	n.moveLocked(time.Now())
	n.unlock()
}

// close ends the wait of everybody with an error, and gives back what is reserved.
func (n *lane) close(err error) {
	n.mu.Lock()
	defer n.unlock()
	if n.closed != nil {
		return
	}
	n.closed = err
	for n.queue.first != nil {
		n.endLocked(n.queue.first, err)
	}
	n.moveLocked(time.Now())
}
