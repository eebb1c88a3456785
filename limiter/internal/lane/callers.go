package lane

import (
	"context"
	"time"
)

// Join waits until the caller has a reservation, or an error.
func (n *Lane) Join(ctx context.Context, ask Ask) (Outcome, error) {
	if ctx.Err() != nil {
		return Outcome{}, context.Cause(ctx)
	}
	w := n.shared.waiters.get(ask)
	n.mu.Lock()
	n.enterLocked(w, ask.Since)
	n.advanceOnArrivalLocked(ask.Since)
	n.unlock()
	select {
	case <-w.ready:
	case <-ctx.Done():
		n.leave(w)
		n.shared.waiters.put(w)
		return Outcome{}, context.Cause(ctx)
	}
	o, err := Outcome{Grant: w.one, At: w.at, Bound: w.bound, Left: w.left, Route: n.route.Load()}, w.err
	n.shared.waiters.put(w)
	return o, err
}

// enterLocked adds a caller to the queue, unless the caller can never start.
func (n *Lane) enterLocked(w *waiter, now time.Time) {
	n.used, w.came = true, now
	if w.prompt() && n.queue.prompt == 0 {
		n.promptSince = now
	}
	err, r := n.closed, n.route.Load()
	if err == nil {
		err = r.Check(w.Cost)
	}
	n.queue.push(w)
	switch {
	case err != nil:
		n.endLocked(w, err)
	case r.free(w.Cost):
		n.passLocked(w, r, now)
	case w.prompt() && !r.fits(w.Cost):
		n.putOffLocked(w, now)
	}
}

// putOffLocked ends the wait of a caller that wants an answer at once and asks for more than the route can start as it
// is.
func (n *Lane) putOffLocked(w *waiter, now time.Time) {
	w.at = now.Add(recheck)
	w.turn = Turn{Again: w.at}
	n.endLocked(w, ErrNotNow)
}

// passLocked lets a call start that takes no tokens of the route.
func (n *Lane) passLocked(w *waiter, r *Route, now time.Time) {
	for ; w.got < w.N; w.got++ {
		w.one = Grant{Due: now, Cost: w.Cost, Route: r}
		if w.to != nil {
			w.to.Take(&w.one)
		}
	}
	n.endLocked(w, nil)
}

// advanceOnArrivalLocked advances the lane after a caller has come. While a request is in flight and the pool is empty,
// the reply will advance the lane. But a caller that wants an answer at once may need an error because the reply is
// overdue.
func (n *Lane) advanceOnArrivalLocked(now time.Time) {
	overdue := n.queue.prompt > 0 && now.Sub(n.promptSince) >= n.shared.Timeout
	if !n.asking || len(n.pool.grants) > 0 || n.queue.prompt == 1 || overdue {
		n.advanceLocked(now)
	}
}

// endLocked removes a caller from the queue, with its result or an error.
func (n *Lane) endLocked(w *waiter, err error) {
	n.queue.remove(w)
	w.state, w.err, w.reuse = ended, err, w.inRequest == 0
	w.next, n.ended = n.ended, w
}

// unlock releases the lock and then wakes the callers that have ended, so that others can continue already.
func (n *Lane) unlock() {
	var first *waiter // the oldest
	for w := n.ended; w != nil; {
		next := w.next
		w.next, first = first, w
		w = next
	}
	n.ended = nil
	n.mu.Unlock()
	for w := first; w != nil; {
		next := w.next
		w.ready <- struct{}{} // the last use here: the caller may reuse it at once
		w = next
	}
}

// leave removes a caller whose context has ended. A reservation that it was given in the same moment goes to the next
// caller.
func (n *Lane) leave(w *waiter) {
	n.mu.Lock()
	if w.state == ended {
		<-w.ready
		if w.err == nil && w.to == nil {
			n.takeBackLocked(w.one)
		}
	} else {
		n.queue.remove(w)
		w.state, w.reuse = ended, w.inRequest == 0
		n.advanceLocked(time.Now())
	}
	n.unlock()
}
